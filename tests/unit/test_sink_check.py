"""A bank's file that lacks something is told by `jifen source check`, before an edition is built for it."""

import re

import pytest
from pydantic import ValidationError

from cli import sink_check
from cli.sink_check import check_sinks
from connectors.sink_files import ExtractSink, read_sinks

(BANK,) = [sink for sink in read_sinks() if isinstance(sink, ExtractSink)]


def changed(**changes) -> ExtractSink:
    return ExtractSink.model_validate(BANK.model_dump() | changes)


def test_the_project_s_own_banks_lack_nothing():
    assert [line["state"] for line in check_sinks(read_sinks())] == ["ok"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fields": BANK.fields[1:]}, r"undecided: \['uscc'\]"),
        ({"omitted": {}}, "undecided"),
        ({"fields": (*BANK.fields, "salary")}, r"named but not there: \['salary'\]"),
        ({"fields": (*BANK.fields, "revenue_band")}, r"under both: \['revenue_band'\]"),
        ({"extract": "ext_bank__loans"}, "there are: .*ext_bank__scores"),
    ],
)
def test_each_part_that_is_left_out_is_named_with_its_file(changes, told):
    (line,) = check_sinks([changed(**changes)])
    assert line["state"] == "failed"
    assert line["message"].startswith("connectors/sinks/bank_a.yml: ")
    assert re.search(told, line["message"]), line["message"]


def test_a_field_without_a_description_is_told(monkeypatch):
    monkeypatch.setattr(sink_check, "read_dictionary", dict)
    (line,) = check_sinks([BANK])
    assert "uscc" in line["message"]
    assert "dbt_project/columns.csv" in line["message"]


@pytest.mark.parametrize("reason", ["", "  ", None])
def test_a_column_is_left_out_with_a_reason_or_not_at_all(reason):
    with pytest.raises(ValidationError):
        changed(omitted=BANK.omitted | {"recipient": reason})
