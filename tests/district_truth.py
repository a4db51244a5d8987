"""What a right pipeline must find: the 40 indicators of every eligible enterprise, worked out from the model alone."""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from typing import Any, Final

from sandbox.district import generate
from sandbox.model import District, Planted
from tests.district_evidence import evidence_of, reporting_year, scored_codes
from tests.district_indicators import CROSS_CHECKS, VALUE_NOT_SUPPLIED, IndicatorTruth, findings

_COUNTED: Final = {
    ("tax", "rd_deductions"): ("C12",),
    ("patent", "applications"): ("C05", "L11", "L12"),
    ("patent", "pct_applications"): ("C06",),
    ("patent", "software_and_layouts"): ("L13",),
    ("science", "technology_contracts"): ("C07",),
    ("science", "platforms"): ("C15", "L06", "L07", "L08", "L09"),
    ("science", "awards"): ("C16",),
    ("science", "projects"): ("C17",),
    ("science", "venture_investments"): ("C18",),
    ("science", "titles"): ("L16",),
    ("credit", "events"): ("L21", "L22"),
}
"""The indicators that count a dataset's records, where the dataset covers every enterprise."""


def _as_compared(name: str) -> str:
    """Return a name without differences of writing: width, blanks, case, the legal form in full."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", name)).upper()
    return plain.replace("有限责任公司", "有限公司")


def _meant(planted: Planted, bearers: dict[str, set[str]], scored: dict[str, str]) -> Iterator[str]:
    """Yield the enterprises that a refused record may be about: by a code it holds, or by a name ever borne."""
    for value in planted.sent.values():
        for text in re.split("[；;]", value) if isinstance(value, str) else ():
            yield from bearers.get(_as_compared(text), ())
            if text in scored:
                yield scored[text]


def _withhold_refused(district: District, found: dict[str, dict[str, IndicatorTruth]]) -> None:
    """A count of zero is not known to be zero where a record of that enterprise was sent and must be refused."""
    scored = scored_codes(district)
    bearers: dict[str, set[str]] = defaultdict(set)
    for enterprise in district.enterprises:
        for name in enterprise.names:
            bearers[_as_compared(name.name)].add(scored[enterprise.uscc])
    for planted in district.planted:
        if planted.expect != "quarantined":
            continue
        for uscc in set(_meant(planted, bearers, scored)) & set(found):
            for code in _COUNTED.get((planted.source, planted.dataset), ()):
                if found[uscc][code].value == 0:
                    found[uscc][code] = IndicatorTruth(None, VALUE_NOT_SUPPLIED)


def truth_of(district: District) -> dict[str, Any]:
    """Return what is true of a district: planted faults, indicators with states, flags, eligible and consented.

    `consented` holds eligible enterprises alone: with a consent to that bank that is valid on the business date and on
    any later day. Values are decimals as text with six decimals, rounded half up; None where nothing is supplied.
    `flags` names the cross-checks that an enterprise's figures break, and only enterprises with any.
    """
    evidence = evidence_of(district)
    found = {entry.enterprise.uscc: findings(entry) for entry in evidence}
    _withhold_refused(district, found)
    raised = {
        entry.enterprise.uscc: [rule for rule, breaks in CROSS_CHECKS.items() if breaks(entry)] for entry in evidence
    }
    consented = {
        bank: sorted(
            entry.enterprise.uscc
            for entry in evidence
            if any(c.recipient == bank and c.holds_on(district.as_of) for c in entry.enterprise.consents)
        )
        for bank in ("bank_a", "bank_b")
    }
    return {
        "as_of": district.as_of.isoformat(),
        "reporting_year": reporting_year(district.as_of),
        "planted": [asdict(planted) for planted in district.planted],
        "eligible": sorted(found),
        "consented": consented,
        "indicators": {
            uscc: {code: None if f.value is None else f"{f.value:.6f}" for code, f in codes.items()}
            for uscc, codes in sorted(found.items())
        },
        "statuses": {uscc: {code: f.status for code, f in codes.items()} for uscc, codes in sorted(found.items())},
        "flags": {uscc: rules for uscc, rules in sorted(raised.items()) if rules},
    }


@cache
def whole_truth() -> dict[str, Any]:
    """Return what is true of the district that the sandbox serves, as JSON holds it."""
    found: dict[str, Any] = json.loads(json.dumps(truth_of(generate()), ensure_ascii=False))
    return found
