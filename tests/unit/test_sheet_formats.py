"""What a cell shows and what it holds agree, or the declared unit decides, or the record is refused by its place."""

import datetime as dt
import io
from decimal import Decimal

import openpyxl
import pytest

from connectors.decoders.sheet_formats import PLAIN, formats_of, number_of
from connectors.decoders.xlsx import decode_xlsx
from connectors.spec import Column, XlsxDecoder


def cell(value, code, data_type="decimal(20, 4)", unit=None):
    """What a column takes from one cell: its value, or the reason why its record is refused."""
    book = openpyxl.Workbook()
    book.active.append(["编号", "值"])
    book.active.append(["A", value])
    book.active["B2"].number_format = code
    buffer = io.BytesIO()
    book.save(buffer)
    columns = {"值": Column(name="value", data_type=data_type, source_field="值", unit=unit)}
    (chunk,) = decode_xlsx(XlsxDecoder(kind="xlsx"), buffer.getvalue(), columns)
    return chunk.broken[0].reason if chunk.broken else chunk.columns["值"][0]


@pytest.mark.parametrize(
    ("value", "code", "taken"),
    [
        (10086.0, "General", 10086),
        (10086, "0", 10086),
        (10086, "0.00", 10086),
        (10086, "#,##0", 10086),
        (10086, "0_);[Red]\\(0\\)", 10086),
        (10086, "@", 10086),
        (100000, "0.00E+00", 100000),
        (440002008012345, "General", 440002008012345),
        (999999999999999, "0", 999999999999999),
        (1000000000000000, "0", "digits_lost"),
        (6.2226001100123505e18, "General", "digits_lost"),
        (622260011001234000, "0", "digits_lost"),
        (123, "00000", "00123"),
        (123456, "00000", "123456"),
        (0, "000", "000"),
        (7, "#000", "007"),
        (123, '"HT"0000', "HT0123"),
        (30, '0"人"', "30人"),
        (123, "General\\号", "123号"),
        (13800138000, "000-0000-0000", "scaled_format"),
        (123, "[DBNum1]General", "scaled_format"),
        (0.5, "# ?/?", "scaled_format"),
        (123456, '0!.0,"万"', "scaled_format"),
        (1234.5, '0.00"元"', "scaled_format"),
        (0.0435, "0.00%", "4.35%"),
        (2.1, "0.00", Decimal("2.1")),
        (1, '[=1]"男";[=2]"女"', "scaled_format"),
        (1, ";;;", "scaled_format"),
        (0, '0;-0;"-"', "scaled_format"),
        (0.0435, "0.0%", "scaled_format"),
    ],
)
def test_a_number_in_a_column_of_text_is_its_digits_as_they_are_shown(value, code, taken):
    found = cell(value, code, "varchar")
    assert (found, type(found)) == (taken, type(taken))


@pytest.mark.parametrize(
    ("value", "code", "taken"),
    [
        (0.0435, "0.00%", "4.35%"),
        (0.05, "0%", "5%"),
        (1, "0%", "100%"),
        (4.35, '0.00"%"', "4.35%"),
        (12.5, "0.0‰", "scaled_format"),
        (-5, "#,##0.00_);(#,##0.00)", -5),
        (-5, "0;[Red]0", -5),
        (-5, "0;0", "scaled_format"),
        (5, "-0;0", "scaled_format"),
        (5, "(0)", "scaled_format"),
        (5, '0"-"', "scaled_format"),
        (435, '0"bp"', "scaled_format"),
        (35, '0"基点"', "scaled_format"),
        (0.43, '0.00"成"', "scaled_format"),
        (5, '"共"0"%"', "scaled_format"),
        (1234.5, '"¥"#,##0.00', Decimal("1234.5")),
        (1234.5, "[$￥-804]#,##0.00", Decimal("1234.5")),
        (1234.5, '_ ¥* #,##0.00_ ;_ ¥* -#,##0.00_ ;_ ¥* "-"??_ ;_ @_ ', Decimal("1234.5")),
        (0, '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ', 0),
        (0, "0;-0;;@", 0),
        (1234.5, "[$$-409]#,##0.00", "scaled_format"),
        (1234.5, "[$USD] 0.00", "scaled_format"),
        (30, '0"人"', 30),
        (30, '0"户"', 30),
        (1, '0"千户"', "scaled_format"),
        (123, '"HT"0000', "scaled_format"),
        (123, "00000", 123),
        (0.5, "# ?/?", "scaled_format"),
        (123456, "0,", "scaled_format"),
        (123456, "0.0,,", "scaled_format"),
        (123456, "0,.0", "scaled_format"),
        (5, ";;;", "scaled_format"),
        (1, '[=1]"是";[=0]"否"', "scaled_format"),
        (12345, '[>=10000]0!.0,"万";0', "scaled_format"),
        (123, '[>=10000]0!.0,"万";0', 123),
        (1e15, "0", "digits_lost"),
    ],
)
def test_a_number_is_what_it_shows_or_is_refused(value, code, taken):
    found = cell(value, code)
    assert (found, type(found)) == (taken, type(taken))


@pytest.mark.parametrize(
    ("code", "unit", "taken"),
    [
        ('0!.0,"万"', "元", 123456),
        ('0!.0,"万"', "万元", "scaled_format"),
        ('0"."0,"万元"', "万元", "scaled_format"),
        ("0\\.0,", "万元", "scaled_format"),
        ("0\\.0,", "元", 123456),
        ("0!.0000", "元", 123456),
        ("0!.0000", "万元", "scaled_format"),
        ('0"."0000"万元"', "元", 123456),
        ("0!.0000", None, "scaled_format"),
        ('0!.0,"元"', "万元", "scaled_format"),
        ("0,", "元", 123456),
        ("0,", "万元", "scaled_format"),
        ('#,##0,"千元"', "元", 123456),
        ('0.00,,"百万"', "元", 123456),
        ('0.00,,"亿"', "元", "scaled_format"),
        ('0!.00,"万"', "万元", "scaled_format"),
        ('0.00"元"', "元", 123456),
        ('0.00"元"', None, 123456),
        ('0.00"元"', "万元", "scaled_format"),
        ('0.00"万元"', "万元", 123456),
        ('0.00"万元"', "元", "scaled_format"),
        ('0.00"万元"', None, "scaled_format"),
        ('"¥"0.00', "万元", 123456),
    ],
)
def test_where_a_format_scales_the_declared_unit_decides(code, unit, taken):
    assert cell(123456, code, unit=unit) == taken


@pytest.mark.parametrize(
    ("value", "code", "taken"),
    [
        (dt.datetime(2024, 6, 30), "yyyy-mm-dd", dt.datetime(2024, 6, 30)),
        (dt.datetime(2024, 6, 30, 16), 'm"月"d"日"', dt.datetime(2024, 6, 30, 16)),
        (dt.datetime(2024, 6, 30, 16), "h:mm", dt.time(16)),
        (0.5, 'h"时"mm"分"', dt.time(12)),
        (1.5, "[h]:mm", dt.timedelta(days=1.5)),
        (2024.1, "0.00", Decimal("2024.1")),
        (2024.1, "General", Decimal("2024.1")),
        (20240601, "0", 20240601),
    ],
)
@pytest.mark.parametrize("data_type", ["date", "varchar"])
def test_a_day_is_a_day_only_where_it_is_shown_as_one(value, code, taken, data_type):
    found = cell(value, code, data_type)
    assert (found, type(found)) == (taken, type(taken))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10086.0", 10086),
        ("4.4000200801234599E17", 440002008012346000),
        ("1E+05", 100000),
        ("4.3499999999999996", 4.35),
    ],
)
def test_the_number_of_a_cell_is_the_one_that_was_typed(text, number):
    assert number_of(text) == (Decimal(str(number)))


@pytest.mark.parametrize("code", ["\\\\a" * 5_000 + '"', "[" * 50_000, '"' * 50_001, "0" + "," * 50_000, ";" * 50_000])
def test_a_format_made_to_break_us_takes_no_time(code):
    (form,) = formats_of({200: code}, [200])
    assert form.moment is None or form.sections == ()


def test_a_format_nobody_knows_shows_the_number():
    assert [form.look(5) for form in formats_of({}, [0, 999])] == [PLAIN, PLAIN]
