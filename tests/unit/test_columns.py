"""One column's rules: text in, typed value or named fault out."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from connectors.columns import make_parser
from connectors.spec import Column

ZONE = ZoneInfo("Asia/Shanghai")


def parse(data_type, raw, markers=(), **rules):
    column = Column(name="c", data_type=data_type, source_field="c", **rules)
    return make_parser(column, markers, ZONE)(raw)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-06-30", dt.date(2025, 6, 30)),
        ("20250630", dt.date(2025, 6, 30)),
        ("2025/6/3", dt.date(2025, 6, 3)),
        ("2025年6月30日", dt.date(2025, 6, 30)),
        ("2014年08月", dt.date(2014, 8, 1)),
        ("2013-11", dt.date(2013, 11, 1)),
        ("202506", dt.date(2025, 6, 1)),
        ("2025-06-30T00:00:00", dt.date(2025, 6, 30)),
    ],
)
def test_a_chinese_or_iso_day_is_read(text, day):
    assert parse("date", text) == (day, None, None)


@pytest.mark.parametrize(
    "text",
    ["2025-13-01", "2025-02-30", "2025063", "昨天", "20250630x", "2025-05-01 to 2026-07-31", "2025-05-01T18:00:00Z"],
)
def test_a_day_that_is_none_refuses_its_record(text):
    value, fault, _ = parse("date", text)
    assert value is None
    assert (fault.reason, fault.refuses) == ("type_mismatch", True)


def test_amounts_in_wan_become_yuan():
    assert parse("decimal(20, 2)", "1,234.5", unit="万元") == (Decimal("12345000.00"), None, None)


def test_money_never_passes_through_a_float():
    assert parse("decimal(20, 2)", Decimal("12345678901234567.89"))[0] == Decimal("12345678901234567.89")


def test_more_decimals_than_declared_are_rounded_half_up_and_noted():
    assert parse("decimal(20, 2)", "0.125") == (Decimal("0.13"), None, "rounded")


@pytest.mark.parametrize(
    "text", ["12万3", "NaN", "Infinity", "1e999", "1e999999999", "--5", "1" * 19, "1,5", "1_000", "１２"]
)
def test_a_garbled_amount_refuses_its_record(text):
    _, fault, _ = parse("decimal(20, 2)", text)
    assert (fault.reason, fault.refuses) == ("type_mismatch", True)


@pytest.mark.parametrize("raw", [None, "", "   "])
def test_an_empty_field_is_missing_and_not_zero(raw):
    assert parse("decimal(20, 2)", raw) == (None, None, None)
    assert parse("bigint", "0") == (0, None, None)


def test_a_missing_marker_is_missing_and_counted():
    assert parse("decimal(20, 2)", "-1.0", markers=("-1.0",)) == (None, None, "missing_marker")
    assert parse("decimal(20, 2)", "-1.5", markers=("-1.0",))[0] == Decimal("-1.50")


def test_a_required_value_that_is_missing_refuses_its_record():
    _, fault, _ = parse("varchar", "", required=True)
    assert (fault.reason, fault.refuses) == ("required_missing", True)


def test_a_count_beyond_reason_is_discarded_and_its_record_stands():
    value, fault, _ = parse("bigint", "1491543852576", max=3_000_000)
    assert value is None
    assert (fault.reason, fault.refuses) == ("out_of_range", False)


def test_a_whole_number_may_come_as_a_float_and_a_part_may_not():
    assert parse("bigint", "545.0")[0] == 545
    assert parse("bigint", "545.5")[1].reason == "type_mismatch"


def test_a_value_outside_the_list_refuses_its_record():
    _, fault, _ = parse("varchar", "E", values=("A", "B"))
    assert (fault.reason, fault.refuses) == ("not_in_values", True)


def test_a_code_in_lower_case_with_blanks_is_the_same_code():
    assert parse("varchar", " 9111 0000600037341l ", check="uscc")[0] == "91110000600037341L"


def test_a_time_without_offset_is_the_zones_own():
    assert parse("timestamp", "2025-06-30T08:00:00")[0] == dt.datetime(2025, 6, 30)
    assert parse("timestamp", "2025-06-30T08:00:00+08:00")[0] == dt.datetime(2025, 6, 30)


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_what_is_no_text_refuses_its_record(text):
    assert parse("varchar", text)[1].reason == ("hidden_character" if "\x00" in text else "type_mismatch")


def test_a_number_with_a_hostile_exponent_costs_nothing():
    assert parse("varchar", Decimal("1e999999999"))[0] == "1E+999999999"
