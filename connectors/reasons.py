"""What each reason code means, in Chinese and English, for the agency that gets the record back."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from connectors.strict import Strict
from ledger.yaml_file import read_yaml

REASONS_FILE = Path(__file__).with_name("reasons.yml")


class Reason(Strict):
    """What is wrong with a record, and what its agency may do about it."""

    zh: str
    en: str
    do_zh: str
    do_en: str


UNEXPLAINED = Reason(
    zh="原因代码尚无说明", en="no words for this code yet", do_zh="请来电询问", do_en="call us with this code"
)
"""For a code without an entry in `reasons.yml`: the record is returned all the same."""


@cache
def read_reasons() -> Mapping[str, Reason]:
    """Every reason code with its words."""
    entries = read_yaml(REASONS_FILE.read_bytes())
    return {code: Reason.model_validate(words) for code, words in entries.items()}


def explain(code: str) -> Reason:
    """The words for a reason code."""
    return read_reasons().get(code, UNEXPLAINED)
