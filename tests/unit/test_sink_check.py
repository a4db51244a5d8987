"""A bank's file that lacks something is told by `jifen source check`, before an edition is built for it."""

import re

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from cli import sink_check
from cli.app import app
from cli.sink_check import check_sinks, contract_columns
from connectors.sink_files import UNDECIDED, ExtractSink, read_sinks

(BANK,) = [sink for sink in read_sinks() if isinstance(sink, ExtractSink) and sink.name == "bank_a"]


SCORES = "ext_bank__scores"
GRANTED = BANK.tables[SCORES].model_dump()
COLUMNS = [name for name in contract_columns()[SCORES] if name != "uscc"]


def changed(name=SCORES, **changes) -> ExtractSink:
    """The bank's file with other words about its scores, or about an extract of another name."""
    return ExtractSink.model_validate(BANK.model_dump() | {"notice": None, "tables": {name: GRANTED | changes}})


def test_the_project_s_own_banks_lack_nothing():
    assert {line["state"] for line in check_sinks(read_sinks())} == {"ok"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fields": [name for name in GRANTED["fields"] if name != "score"]}, r"\(undecided: score\)"),
        ({"omitted": {}}, "undecided"),
        ({"omitted": GRANTED["omitted"] | {"purpose": UNDECIDED}}, r"not decided yet: ext_bank__scores.purpose\."),
        ({"fields": ["uscc"], "omitted": dict.fromkeys(COLUMNS, "no")}, "only uscc would go, .* no row is sent"),
        ({"fields": (*GRANTED["fields"], "salary")}, r"named but not there: salary\)"),
        ({"fields": (*GRANTED["fields"], "revenue_band")}, r"under both: revenue_band\)"),
        ({"fields": (*GRANTED["fields"], "uscc")}, r"twice: uscc\)"),
        ({"name": "ext_bank__loans"}, "there are: .*ext_bank__scores"),
    ],
)
def test_each_part_that_is_left_out_is_named_with_its_file(changes, told):
    (line,) = check_sinks([changed(**changes)])
    assert line["state"] == "failed"
    assert line["message"].startswith("connectors/sinks/bank_a.yml: ")
    assert re.search(told, line["message"]), line["message"]


def test_a_draft_is_named_by_the_folder_it_stands_in(tmp_path):
    draft = tmp_path / "draft" / "bank_c.yml"
    new = CliRunner().invoke(app, ["sink", "new", "bank_c", "--extract", SCORES, "--out", str(draft.parent)])
    assert new.exit_code == 0, new.output
    (line,) = check_sinks(read_sinks(draft.parent))
    assert line["message"].startswith(f"{draft}: not decided yet: ")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fields": GRANTED["fields"][1:]}, "uscc"),
        ({"bands": {"rank_overall": [1]}}, "a band is made of a column under fields"),
        ({"bands": {"score": [70, 60]}}, "the edges of bands rise"),
        ({"columns": ["score"]}, "Extra inputs"),
    ],
)
def test_a_grant_that_cannot_be_meant_is_refused(changes, told):
    with pytest.raises(ValidationError, match=told):
        changed(**changes)


@pytest.mark.parametrize("changes", [{"sealed": None}, {"unsealed": "a line of their own"}])
def test_a_package_is_sealed_or_its_file_says_why_not(changes):
    with pytest.raises(ValidationError, match="one of the two"):
        ExtractSink.model_validate(BANK.model_dump() | changes)


def test_a_notice_is_made_of_what_the_bank_gets():
    notice = BANK.model_dump()["notice"] | {"key_factors": "figures"}
    with pytest.raises(ValidationError, match="columns that the recipient gets"):
        ExtractSink.model_validate(BANK.model_dump() | {"notice": notice})


def test_a_field_without_a_description_is_told(monkeypatch):
    monkeypatch.setattr(sink_check, "read_dictionary", dict)
    (line,) = check_sinks([BANK])
    assert "uscc" in line["message"]
    assert "dbt_project/columns.csv" in line["message"]


@pytest.mark.parametrize("reason", ["", "  ", None])
def test_a_column_is_left_out_with_a_reason_or_not_at_all(reason):
    with pytest.raises(ValidationError):
        changed(omitted=GRANTED["omitted"] | {"recipient": reason})
