"""One column's rules: text in, typed value or named fault out."""

import datetime as dt
import time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

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
    ["2025-13-01", "2025-02-30", "2025063", "昨天", "20250630x", "2025-05-01 to 2026-07-31", "2025-05-01 24:00:00"],
)
def test_a_day_that_is_none_refuses_its_record(text):
    value, fault, _ = parse("date", text)
    assert value is None
    assert (fault.reason, fault.refuses) == ("type_mismatch", True)


def test_amounts_in_wan_become_yuan():
    assert parse("decimal(20, 2)", "1,234.5", unit="万元") == (Decimal("12345000.00"), None, None)


def test_money_never_passes_through_a_float():
    assert parse("decimal(20, 2)", Decimal("12345678901234567.89"))[0] == Decimal("12345678901234567.89")


@pytest.mark.parametrize("text", ["123456789012345678.123456789012345678", "1,234,567,890,123.123456789012345678"])
def test_every_digit_that_a_column_declares_is_kept(text):
    exact = Decimal(text.replace(",", ""))
    assert parse("decimal(36, 18)", text) == (exact, None, None)
    yuan = parse("decimal(36, 14)", text, unit="万元")[0]
    assert yuan.as_tuple().digits == exact.as_tuple().digits


def test_more_decimals_than_declared_are_rounded_half_up_and_noted():
    assert parse("decimal(20, 2)", "0.125") == (Decimal("0.13"), None, "rounded")


@pytest.mark.parametrize(
    "text",
    ["12万3", "NaN", "Infinity", "1e999", "1e999999999", "--5", "1" * 19, "1,5", "1_000", "１，５", "0,125", "-0,850"],
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


@pytest.mark.parametrize("raw", ["-1", "-1.0", "-1.00", -1, -1.0, Decimal("-1.000"), "－1", "-1e0"])
@pytest.mark.parametrize("rules", [{}, {"unit": "万元"}, {"min": 0}])
def test_a_marker_that_is_a_number_marks_it_in_every_form(raw, rules):
    for marker in ("-1", "-1.00"):
        assert parse("decimal(20, 2)", raw, markers=(marker,), **rules) == (None, None, "missing_marker")
    assert parse("decimal(20, 2)", raw, markers=("-9",))[2] != "missing_marker"


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
    assert parse("varchar", Decimal("1e999999999"))[1].reason == "digits_lost"
    assert parse("decimal(20, 2)", Decimal("1e999999999"))[1].reason == "type_mismatch"


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (10086, "10086"),
        (Decimal("10086.0"), "10086"),
        (10086.0, "10086"),
        (Decimal("1E+3"), "1000"),
        (0, "0"),
        (-5, "-5"),
        (Decimal(999999999999999), "999999999999999"),
        (123456789012345678901, "123456789012345678901"),
        (Decimal("12345678901234567890"), "12345678901234567890"),
        ("2E10", "2E10"),
        ("12E5", "12E5"),
        ("1.0", "1.0"),
        ("10000.00", "10000.00"),
        ("0012", "0012"),
        ("1.2E-5", "1.2E-5"),
        ("0047583311587E590003", "0047583311587E590003"),
        ("E00000012", "E00000012"),
        ("1.10", "1.10"),
        ("3月1日", "3月1日"),
    ],
)
def test_a_number_in_a_text_column_is_its_digits(raw, kept):
    assert parse("varchar", raw) == (kept, None, None)


@pytest.mark.parametrize("spelling", ["code", "text"])
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (Decimal("10086.5"), "digits_lost"),
        (0.1, "digits_lost"),
        (1234567890123456.0, "digits_lost"),
        (4.4000200801234599e17, "digits_lost"),
        (float("nan"), "type_mismatch"),
        ("6.2226E+18", "digits_lost"),
        ("6.2226001100123505e+18", "digits_lost"),
        ("6.2226E18", "digits_lost"),
        ("6E+18", "digits_lost"),
        ("６．２Ｅ＋１８", "digits_lost"),
        ("440002008012345.0", "digits_lost"),
        (dt.date(2025, 6, 30), "type_mismatch"),
        (dt.datetime(2025, 6, 30), "type_mismatch"),
        (dt.time(8, 0), "type_mismatch"),
        (True, "type_mismatch"),
        ("#REF!", "error_cell"),
        ("########", "error_cell"),
    ],
)
def test_what_lost_its_digits_or_is_no_text_refuses_its_record(raw, reason, spelling):
    value, fault, _ = parse("varchar", raw, spelling=spelling)
    assert value is None
    assert (fault.reason, fault.refuses) == (reason, True)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ('="0012"', "0012"),
        ("=0012", "0012"),
        ("'0013", "0013"),
        ("\u20190013", "0013"),
        ("'0013'", "0013"),
        ('"0013"', "0013"),
        ("R\u200b1", "R1"),
        ("\ufeffR2", "R2"),
        ("R\u00ad3", "R3"),
        ("R\ufe0f4", "R4"),
        ("R\u200e5", "R5"),
        ("Ｒ６００１", "R6001"),
        ("Ｒ－７／１", "R-7/1"),
        ("R\u20118", "R-8"),
        ("R\u22129", "R-9"),
        ("R\u00a010", "R 10"),
        ("粤（２０２４）第１１号", "粤(2024)第11号"),
        ("R\u212a12", "RK12"),
    ],
)
def test_a_key_has_one_spelling(raw, kept):
    assert parse("varchar", raw, spelling="code") == (kept, None, "normalised")
    assert parse("varchar", kept, spelling="code") == (kept, None, None)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("华星\u200b科技", "华星科技"),
        ("\ufeff华星（深圳）有限公司", "华星（深圳）有限公司"),
        ('="0012"', "0012"),
        ("１２３Ａ", "123A"),
        ("\u3000\u200b ", None),
    ],
)
def test_a_text_loses_what_nobody_sees_and_a_code_in_it_is_spelled_as_one(raw, kept):
    assert parse("varchar", raw)[:2] == (kept, None)


@pytest.mark.parametrize(
    "text", ["华星（深圳）有限公司", "ＡＢＣ科技", "俗称“专精”", "A – B", "'90s 酒吧", "=-= 活动", "2019–2020 年报"]
)
def test_a_text_keeps_its_own_spelling(text):
    assert parse("varchar", text) == (text, None, None)


@pytest.mark.parametrize("text", ["3月1日", "12月31日", "1-Mar", "01-SEP", "Dec-01", "12.0", "10086.00"])
def test_a_code_that_a_sheet_made_a_day_or_a_fraction_of_is_refused(text):
    assert parse("varchar", text, spelling="code")[1].reason == "digits_lost"


@pytest.mark.parametrize("text", ["3-1", "2024年3月1日", "Mar-2024-1", "A1-Mar", "1.2.0", "10086-0"])
def test_a_code_that_only_looks_like_one_lands(text):
    assert parse("varchar", text, spelling="code") == (text, None, None)


@pytest.mark.parametrize("text", ["=A1+B2", '=TEXT(12,"0000")', "=B2&C2"])
def test_a_formula_is_no_key(text):
    assert parse("varchar", text, spelling="code")[1].reason == "formula_cell"


@pytest.mark.parametrize("text", ["a\u202eb", "a\u2066b", "a\x9bb", "a\x1bb"])
def test_what_hides_other_text_refuses_its_record(text):
    assert parse("varchar", text)[1].reason == "hidden_character"


WORDS = [
    "无",
    "—",
    "－",
    "——",
    "-",
    "/",
    "／",
    "\\",
    "NULL",
    "Null",
    "null",
    "N/A",
    "n/a",
    "Ｎ／Ａ",
    "#N/A",
    "NaN",
    "nan",
]
WORDS += ["None", "none", "空", "暂无", "不详", "未知", "待定", "（无）", "…", "\\N", "无\u200b", " NULL\t"]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_for_nothing_is_missing_in_a_text_column_and_counted(word):
    assert parse("varchar", word) == (None, None, "missing_word")
    assert parse("varchar", word, check="uscc") == (None, None, "missing_word")
    for rules in ({"required": True}, {"required": True, "spelling": "code"}):
        assert parse("varchar", word, **rules)[1].reason == "required_missing"
    assert parse("varchar", word, missing_words=())[2] != "missing_word"
    assert parse("decimal(20, 2)", word)[1].reason == "type_mismatch"


@pytest.mark.parametrize("text", ["NA", "0", "无锡", "Nullmann", "-1", "无限", "空调", "N", "某/某"])
def test_what_only_looks_like_a_word_for_nothing_stays(text):
    assert parse("varchar", text) == (text, None, None)


def test_the_words_for_nothing_of_a_column_take_the_place_of_the_default_ones():
    assert parse("varchar", "未采集", missing_words=("未采集",)) == (None, None, "missing_word")
    assert parse("varchar", "无", missing_words=("未采集",)) == ("无", None, None)
    assert parse("varchar", "无", values=("有", "无")) == ("无", None, None)
    assert parse("decimal(20, 2)", "无", missing_words=("无",)) == (None, None, "missing_word")


@pytest.mark.parametrize("raw", ["２０２５－０６－３０", "2025-06-30\u200b", "'2025-06-30", "\ufeff20250630"])
def test_a_day_in_another_spelling_is_read_and_counted(raw):
    assert parse("date", raw) == (dt.date(2025, 6, 30), None, "normalised")


@pytest.mark.parametrize("raw", ["１２", "１２．０", "'12", '="12"', "12\u200b"])
def test_a_number_in_another_spelling_is_read_and_counted(raw):
    assert parse("bigint", raw) == (12, None, "normalised")


@pytest.mark.parametrize(
    "raw", ["100元", "100万元", "3,5", "1.234,56", "（100）", "-", "—", "1 000", "￥100", "5.", ".5", "1.23457E+12"]
)
def test_an_amount_that_is_not_plain_is_refused(raw):
    assert parse("decimal(20, 2)", raw)[1].refuses


@pytest.mark.parametrize("raw", ["-0", "+5", "1e3", "1.23456789E7", Decimal("1E+3"), 1.5, 1e15])
def test_an_exact_amount_is_read_whatever_its_form(raw):
    assert parse("decimal(20, 2)", raw)[0] == Decimal(str(raw))


@pytest.mark.parametrize(
    ("raw", "kept"), [("4.35%", "4.35"), ("4.35 %", "4.35"), ("４．３５％", "4.35"), ("4.35", "4.35"), (5, "5")]
)
def test_a_rate_in_per_cent_is_its_number(raw, kept):
    assert parse("decimal(6, 2)", raw, unit="%")[0] == Decimal(kept)
    if "%" in str(raw):
        assert parse("decimal(6, 2)", raw)[1].reason == "type_mismatch"


@pytest.mark.parametrize(
    ("data_type", "raw"),
    [
        ("date", Decimal("2024.1")),
        ("date", 2024.10),
        ("date", Decimal("20240630.0")),
        ("date", 45292),
        ("date", 2024),
        ("date", "2024.1"),
        ("date", True),
        ("date", dt.time(8, 0)),
        ("timestamp", 1710101220000),
        ("timestamp", 1710101220),
        ("timestamp", 20240310),
        ("timestamp", "1710101220000"),
        ("timestamp", "1710010001"),
        ("timestamp", Decimal("45292.5")),
        ("timestamp", "2024-W01-1"),
        ("timestamp", "2024-03"),
        ("timestamp", "2024-05-01T24:00:00"),
        ("timestamp", "12000"),
    ],
)
def test_a_number_is_no_day_unless_that_is_declared(data_type, raw):
    assert parse(data_type, raw)[1].reason == "type_mismatch"


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        (20250630, dt.date(2025, 6, 30)),
        (202506, dt.date(2025, 6, 1)),
        ("2024.10", dt.date(2024, 10, 1)),
        ("2024.1.5", dt.date(2024, 1, 5)),
        ("2024年1月", dt.date(2024, 1, 1)),
        ("2024-1", dt.date(2024, 1, 1)),
        (dt.date(2025, 6, 30), dt.date(2025, 6, 30)),
        (dt.datetime(2025, 6, 30), dt.date(2025, 6, 30)),
        (dt.datetime(2025, 6, 29, 16, tzinfo=dt.UTC), dt.date(2025, 6, 30)),
        ("2025/6/30 0:00", dt.date(2025, 6, 30)),
        ("2025-06-30 00:00:00.000", dt.date(2025, 6, 30)),
        ("2025-06-29T16:00:00Z", dt.date(2025, 6, 30)),
        ("2025-06-29T16:00:00.000+0000", dt.date(2025, 6, 30)),
        ("2024-12-31T16:00:00+00:00", dt.date(2025, 1, 1)),
        ("2025-06-30T00:00:00+08:00", dt.date(2025, 6, 30)),
        ("2025-06-30T01:00:00+09:00", dt.date(2025, 6, 30)),
    ],
)
def test_a_midnight_is_its_day_in_the_zone(raw, day):
    assert parse("date", raw) == (day, None, None)


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        ("2024-04-30T16:00:00", dt.date(2024, 4, 30)),
        ("2024-12-31 16:00:00.000", dt.date(2024, 12, 31)),
        ("2025-05-01T18:00:00Z", dt.date(2025, 5, 2)),
        ("2025-05-01T00:00:00Z", dt.date(2025, 5, 1)),
        ("2025/5/1 9:30", dt.date(2025, 5, 1)),
        (dt.datetime(2025, 5, 1, 23, 59, 59), dt.date(2025, 5, 1)),
        (dt.datetime(2025, 5, 1, 18, tzinfo=dt.UTC), dt.date(2025, 5, 2)),
    ],
)
def test_another_time_of_day_refuses_a_date_unless_times_are_dropped(raw, day):
    assert parse("date", raw)[1].reason == "time_of_day"
    assert parse("date", raw, time="drop") == (day, None, "time_dropped")


SENTINELS = [
    "0001-01-01",
    "0113-05-01",
    "1753-01-01",
    "1899-12-30",
    "1899-12-31",
    "1900-01-01",
    "2406-12-01",
    "9999-12-31",
]


@pytest.mark.parametrize("text", SENTINELS)
def test_a_day_that_stands_for_none_is_discarded_and_bounds_can_be_declared(text):
    for data_type, suffix in (("date", ""), ("timestamp", ""), ("timestamp", " 00:00:00"), ("timestamp", "T00:00:00Z")):
        value, fault, _ = parse(data_type, text + suffix)
        assert value is None
        assert (fault.reason, fault.refuses) == ("out_of_range", False)
        assert parse(data_type, text + suffix, required=True)[1].refuses
    assert parse("date", text, min=dt.date.min, max=dt.date.max)[0] == dt.date.fromisoformat(text)


def test_the_bounds_of_a_moment_are_days_of_the_zone():
    bounds = {"min": dt.date(2025, 1, 1), "max": dt.date(2025, 12, 31)}
    assert parse("timestamp", "2024-12-31T16:00:00Z", **bounds)[0] == dt.datetime(2024, 12, 31, 16)
    assert parse("timestamp", "2025-12-31T16:00:00Z", **bounds)[1].reason == "out_of_range"


@pytest.mark.parametrize(
    ("unit", "raw", "moment"),
    [
        ("milliseconds", 1710101220000, dt.datetime(2024, 3, 10, 20, 7)),
        ("milliseconds", "1710101220000", dt.datetime(2024, 3, 10, 20, 7)),
        ("milliseconds", Decimal("1710101220000.0"), dt.datetime(2024, 3, 10, 20, 7)),
        ("milliseconds", 1710101220123, dt.datetime(2024, 3, 10, 20, 7, 0, 123000)),
        ("seconds", 1710101220, dt.datetime(2024, 3, 10, 20, 7)),
        ("seconds", -1, dt.datetime(1969, 12, 31, 23, 59, 59)),
        ("milliseconds", 1710101220, None),
        ("milliseconds", 0, None),
        ("seconds", 0, None),
        ("seconds", 1710101220000, None),
        ("milliseconds", "2024-03-10T20:07:00Z", None),
        ("milliseconds", Decimal("1710101220000.5"), None),
    ],
)
def test_moments_counted_from_1970_are_read_in_the_declared_unit_alone(unit, raw, moment):
    value, fault, _ = parse("timestamp", raw, epoch=unit)
    assert value == moment
    assert (fault is None) == (moment is not None)


def test_a_date_counted_from_1970_is_the_day_of_a_midnight_in_the_zone():
    assert parse("date", 1719763200000, epoch="milliseconds")[0] == dt.date(2024, 7, 1)
    assert parse("date", 1719763201000, epoch="milliseconds")[1].reason == "time_of_day"


TRUTH = {True: ["true", "TRUE", "是", "Y", "y", "yes", "T", "1", "有", "√", True, 1, Decimal("1.0"), "１"]}
TRUTH[False] = ["false", "否", "N", "no", "F", "0", "无", "×", False, 0, 0.0, "否\u200b"]


@pytest.mark.parametrize(("value", "raw"), [(value, raw) for value, raws in TRUTH.items() for raw in raws])
def test_a_word_for_truth_is_read(value, raw):
    assert parse("boolean", raw)[:2] == (value, None)


@pytest.mark.parametrize("raw", ["对", "2", 2, "-1", "maybe", "on", "真的", dt.date(2025, 1, 1), 0.5])
def test_another_word_is_no_truth(raw):
    assert parse("boolean", raw)[1].refuses


def test_declared_words_for_truth_take_the_place_of_the_default_ones():
    words = {"is_true": ("已缴",), "is_false": ("无", "未缴")}
    assert [parse("boolean", raw, **words)[0] for raw in ("已缴", "未缴", "无")] == [True, False, False]
    assert [parse("boolean", raw, **words)[0] for raw in (True, False, "false")] == [True, False, False]
    assert parse("boolean", "是", **words)[1].reason == "type_mismatch"


@pytest.mark.parametrize(
    ("data_type", "bounds", "inside", "outside"),
    [
        ("decimal(6, 2)", {"max": 0.3}, "0.3", "0.31"),
        ("decimal(6, 2)", {"min": 0.1}, "0.1", "0.09"),
        ("decimal(6, 3)", {"max": 4.35}, "4.35", "4.351"),
        ("decimal(20, 2)", {"max": 1.1, "min": 1.1}, 1.1, "1.11"),
        ("decimal(20, 2)", {"min": 0.7}, "0.70", "0.69"),
        ("integer", {"max": 3_000_000}, 3_000_000, 3_000_001),
        ("decimal(20, 2)", {"max": 10_000, "unit": "万元"}, "1", "1.0001"),
    ],
)
def test_a_bound_itself_lies_inside(data_type, bounds, inside, outside):
    assert parse(data_type, inside, **bounds)[1] is None
    assert parse(data_type, outside, **bounds)[1].reason == "out_of_range"


@pytest.mark.parametrize(
    ("data_type", "rules"),
    [
        ("decimal(6, 2)", {"min": 5, "max": 1}),
        ("date", {"min": 1}),
        ("date", {"min": dt.date(2025, 1, 1), "max": dt.date(2024, 1, 1)}),
        ("varchar", {"max": 3}),
        ("integer", {"max": dt.date(2025, 1, 1)}),
        ("boolean", {"is_true": ("是",)}),
        ("boolean", {"is_true": ("是",), "is_false": ("是",)}),
        ("varchar", {"epoch": "seconds"}),
        ("timestamp", {"time": "drop"}),
        ("date", {"check": "uscc"}),
        ("bigint", {"unit": "万元"}),
    ],
)
def test_a_rule_that_does_not_fit_its_column_is_an_error_of_the_source_file(data_type, rules):
    with pytest.raises(ValidationError):
        Column(name="c", data_type=data_type, source_field="c", **rules)


@pytest.mark.parametrize("data_type", ["varchar", "decimal(20, 2)", "bigint", "date", "timestamp", "boolean"])
@pytest.mark.parametrize(
    "part", ["1", "1.", ".0", "=", "'", "#", "１", "R－", "\u200b", "1,111", "2025-01-01 ", '"', "e+"]
)
def test_ten_times_the_text_takes_no_hundred_times_the_work(data_type, part):
    def cpu_of(text, rules):
        began = time.process_time()
        parse(data_type, text, **rules)
        return time.process_time() - began

    for end in ("", " 中"):
        for rules in ({}, {"spelling": "code"}) if data_type == "varchar" else ({},):
            short, long = (cpu_of(part * count + end, rules) for count in (10_000, 100_000))
            assert long < 40 * max(short, 0.01)
