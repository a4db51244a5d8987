"""The same value in a sheet, a text file, Parquet, JSON, XML or a table: it lands right or is refused by its place."""

import csv
import datetime as dt
import io
import json
import random
from decimal import Decimal
from xml.sax.saxutils import escape

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.drivers.database_values import rows_as_json
from connectors.spelling import bytes_as_text
from tests.unit.conftest import column
from tests.unit.test_reading import read_bodies


def as_csv(values):
    text = io.StringIO()
    csv.writer(text).writerows([["k", "v"], *([f"R{place}", value] for place, value in enumerate(values))])
    return text.getvalue().encode()


def as_xlsx(values):
    book = openpyxl.Workbook()
    book.active.append(["k", "v"])
    for place, value in enumerate(values):
        book.active.append([f"R{place}", None])
        cell = book.active.cell(place + 2, 2, value)
        cell.data_type = "s" if isinstance(value, str) else cell.data_type
        cell.number_format = "General" if isinstance(value, (str, int, float)) else cell.number_format
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def as_parquet(values):
    body = io.BytesIO()
    pq.write_table(pa.table({"k": [f"R{place}" for place in range(len(values))], "v": pa.array(values)}), body)
    return body.getvalue()


def as_xml(values):
    rows = (f"<row><k>R{place}</k><v>{escape(str(value))}</v></row>" for place, value in enumerate(values))
    return f"<rows>{''.join(rows)}</rows>".encode()


def records(values):
    return [{"k": f"R{place}", "v": value} for place, value in enumerate(values)]


FORMS = {
    "csv": ({"kind": "csv"}, as_csv),
    "xlsx": ({"kind": "xlsx"}, as_xlsx),
    "parquet": ({"kind": "parquet"}, as_parquet),
    "json": ({"kind": "json"}, lambda values: json.dumps(records(values)).encode()),
    "jsonl": ({"kind": "jsonl"}, lambda values: "\n".join(map(json.dumps, records(values))).encode()),
    "xml": ({"kind": "xml", "record": "row"}, as_xml),
    "database": ({"kind": "json", "records": "rows"}, lambda values: rows_as_json(records(values), "a table")),
}
NUMBERS = ("xlsx", "parquet", "json", "jsonl", "database")
DAYS = ("xlsx", "parquet", "database")


def read(make_dataset, form, data_type, values, **rules):
    """What lands of these values, None for what does not; the reasons of what was refused or discarded; the notes."""
    decoder, encode = FORMS[form]
    return read_body(make_dataset, decoder, encode(values), len(values), data_type, **rules)


def read_body(make_dataset, decoder, body, size, data_type, **rules):
    files = {"request": {"folder": "outbox", "pattern": "*"}, "paginator": None}
    columns = (column("k", required=True), column("v", data_type, **rules))
    dataset = make_dataset(**files, decoder=decoder, columns=columns, key=("k",))
    reading = read_bodies(dataset, body)
    landed = {row["k"]: row["v"] for row in reading.rows}
    reasons = [refusal.reason for refusal in reading.refusals]
    return [landed.get(f"R{place}") for place in range(size)], reasons, dict(reading.notes)


def of(kinds, *forms):
    return [(form, *kind) for kind in kinds for form in forms]


SPELLED = [
    (["0012", '="0012"', "'0012", "0012\u200b", "\ufeff0012", "００１２", "00\u00ad12"], "0012"),
    (["R-1", "R\u20101", "Ｒ－１", "R\u22121", "R-1\u3000", "'R-1'", "R\ufe63\u200d1"], "R-1"),
    (
        ["粤(2024)01号", "粤（2024）01号", "粤（２０２４）０１号", "粤(2024)\ufe0f01号", "粤(2024)01号\u00a0"],
        "粤(2024)01号",
    ),
]


@pytest.mark.parametrize(("form", "values", "kept"), of(SPELLED, *FORMS))
def test_a_code_has_one_spelling_in_every_form(make_dataset, form, values, kept):
    landed, reasons, notes = read(make_dataset, form, "varchar", values, spelling="code")
    assert (landed, reasons) == ([kept] * len(values), [])
    assert notes["normalised:v"] == sum(value.strip() != kept for value in values)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rules", [{}, {"spelling": "code"}, {"check": "uscc"}])
def test_words_for_nothing_are_missing_and_counted_in_every_form(make_dataset, form, rules):
    values = ["无", "—", "/", "NULL", "N/A", "#N/A", "nan", "暂无", "－", "\\N"]
    assert read(make_dataset, form, "varchar", values, **rules) == ([None] * 10, [], {"missing_word:v": 10})
    assert set(read(make_dataset, form, "varchar", values, required=True, **rules)[1]) == {"required_missing"}


LOST = [
    (["6.2226E+18", "6.22261e+18", "6.2226E18"], "digits_lost"),
    (["440002008012345.0", "10086.0"], "digits_lost"),
    (["#REF!", "#VALUE!", "#####"], "error_cell"),
    (["a\u202eb", "\u2066a"], "hidden_character"),
    (["华星\ufffd\ufffd", "锟斤拷科技", "????", "？？？"], "lost_character"),
    (
        [
            "东江科技".encode().decode("cp1252", "ignore"),
            "东江宏图".encode().decode("gbk"),
            "鎶€" + "东江".encode().decode("gbk"),
        ],
        "lost_character",
    ),
    (["同上", "〃", "″", '"'], "ditto_mark"),
]


@pytest.mark.parametrize(("form", "values", "reason"), of(LOST, *FORMS))
def test_a_text_that_lost_what_it_was_is_refused_in_every_form(make_dataset, form, values, reason):
    assert read(make_dataset, form, "varchar", ["good", *values])[:2] == (
        ["good", *[None] * len(values)],
        [reason] * len(values),
    )


IN_NAMES = ["6222001\t6222002", "R\t4", "东江\\n宏", "R1\\r", "a\\\\b"]


@pytest.mark.parametrize("form", FORMS)
def test_a_line_end_or_its_escape_inside_a_code_is_refused(make_dataset, form):
    codes = read(make_dataset, form, "varchar", ["good", *IN_NAMES], spelling="code")
    assert codes[:2] == (["good", *[None] * len(IN_NAMES)], ["escaped_text"] * len(IN_NAMES))


DOUBTFUL = [
    (["b'R1'", 'b"R1"', "\\xe4\\xb8", "[object Object]"], "escaped_text"),
    (["东江?宏", "东江□宏公司", "宏\ue863", "宏\U000f0001"], "lost_character"),
    (["A&amp;B", "&#19996;&#27743;", "东&nbsp;江", "东江<br/>部", "\\u4e1c\\u6c5f", "%E4%B8%9C"], "escaped_text"),
]


@pytest.mark.parametrize(("form", "values", "reason"), of(DOUBTFUL, *FORMS))
def test_a_doubtful_character_is_refused_in_a_code_and_counted_in_a_text(make_dataset, form, values, reason):
    codes = read(make_dataset, form, "varchar", ["good", *values], spelling="code")
    assert codes[:2] == (["good", *[None] * len(values)], [reason] * len(values))
    assert read(make_dataset, form, "varchar", values) == (values, [], {"doubtful_text:v": len(values)})


PLAIN = [
    "Why?",
    "是否合格？合格",
    "AT&T",
    "R&D;",
    "5%E",
    "https://a.test/%E4%B8%9C?x=1&amp;y",
    "C:\\users",
    "a<b",
    "élan",
]
PLAIN += ["«été»", "Köln–Süd", "瑾瑜科技", "同上海公司", '5" pipe', "琚瑕缇", "1,234 units"]


@pytest.mark.parametrize("form", FORMS)
def test_a_text_with_the_same_signs_stays_as_it_is(make_dataset, form):
    assert read(make_dataset, form, "varchar", PLAIN) == (PLAIN, [], {})


@pytest.mark.parametrize("form", FORMS)
def test_digits_in_groups_are_no_code_of_their_own(make_dataset, form):
    values = ["1,234,567", "622,260", "6222 6001 1000", "1234 5678 9012 345", "12,34", "2024 0001", "1 234"]
    landed, reasons, notes = read(make_dataset, form, "varchar", values, spelling="code")
    assert landed == [None, None, "622260011000", "123456789012345", *values[4:]]
    assert (reasons, notes) == (["type_mismatch"] * 2, {"normalised:v": 2})
    assert read(make_dataset, form, "varchar", values) == (values, [], {})


@pytest.mark.parametrize("form", ["parquet", "database"])
def test_bytes_are_their_text_or_a_key_of_bytes_and_text_in_gbk_is_refused(make_dataset, form):
    texts = ["东江科技", "西湖(集团)A9", "宏图", "龘东江宏图"]
    values = ["东江".encode(), b"\xff", bytes(range(0xF0, 0x100)), *(text.encode("gb18030") for text in texts)]
    landed, reasons, _ = read(make_dataset, form, "varchar", values)
    assert landed == ["东江", "0xff", "0xf0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", None, None, None, None]
    assert reasons == ["lost_character"] * 4


def test_few_keys_of_random_bytes_are_taken_for_text():
    rng = random.Random(20250630)
    assert sum(not bytes_as_text(rng.randbytes(16)).startswith("0x") for _ in range(5_000)) <= 5


@pytest.mark.parametrize("form", FORMS)
def test_a_radical_is_the_character_that_it_looks_like(make_dataset, form):
    assert read(make_dataset, form, "varchar", ["\u2f24学"]) == (["大学"], [], {"normalised:v": 1})


@pytest.mark.parametrize("form", NUMBERS)
def test_a_whole_number_in_a_text_column_is_its_digits_in_every_form(make_dataset, form):
    values = [10086, 10087, 440002008012345, 0, -5]
    assert read(make_dataset, form, "varchar", values)[:2] == ([str(value) for value in values], [])


@pytest.mark.parametrize("form", NUMBERS)
def test_a_binary_number_in_a_text_column_is_its_digits_as_far_as_it_keeps_them(make_dataset, form):
    values = [10086.0, 440002008012345.0, 6.2226001100123505e18, 1234567890123456.0, 10086.5]
    landed, reasons, _ = read(make_dataset, form, "varchar", values, spelling="code")
    assert landed[:4] == ["10086", "440002008012345", None, None]
    # A table and JSON give a fraction as the text it is; from a sheet or a file of binary numbers it is no text.
    assert (landed[4], reasons) in [(None, ["digits_lost"] * 3), ("10086.5", ["digits_lost"] * 2)]


@pytest.mark.parametrize("form", ["json", "jsonl", "database"])
def test_a_whole_number_of_any_length_is_exact_where_the_form_keeps_it(make_dataset, form):
    long = 622260011001234000312345
    assert read(make_dataset, form, "varchar", [long, 1])[0] == [str(long), "1"]


def test_a_long_decimal_of_parquet_is_exact(make_dataset):
    long = Decimal("62226001100123400031")
    assert read(make_dataset, "parquet", "varchar", [long])[0] == [str(long)]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_number_of_json_and_a_text_that_looks_like_one_are_two_things(make_dataset, form):
    values = [1.0, "1.0", 1e3, "x", 2.5, 1.5e-7]
    assert read(make_dataset, form, "varchar", values)[:2] == (["1", "1.0", "1000", "x", "2.5", None], ["digits_lost"])
    assert read(make_dataset, form, "decimal(9, 2)", [1.0, "1.0", 1e3, 7])[0] == [1, 1, 1000, 7]


ROUND = ["1E+2", "5E+6", "1.5E+3", "1.2E+13", "-3e+2"]


def test_a_round_amount_that_a_program_writes_as_a_power_of_ten_is_exact_in_json(make_dataset):
    body = ", ".join(f'{{"k": "R{place}", "v": {value}}}' for place, value in enumerate(ROUND))
    found = read_body(make_dataset, {"kind": "json"}, f"[{body}]".encode(), len(ROUND), "decimal(20, 2)")
    assert found[:2] == ([Decimal(value) for value in ROUND], [])


@pytest.mark.parametrize("form", ["csv", "xml", "json"])
def test_a_power_of_ten_in_text_is_refused_from_where_sheets_write_it(make_dataset, form):
    landed, reasons, _ = read(make_dataset, form, "decimal(20, 2)", ["1E+2", "1.5E+3", "1.5E+10", "1.23457E+12"])
    assert (landed, reasons) == ([100, 1500, 15_000_000_000, None], ["digits_lost"])


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
@pytest.mark.parametrize("value", [dt.date(2025, 6, 30), dt.datetime(2025, 6, 30, 8), dt.time(8, 30), True])
def test_a_day_a_time_or_a_truth_is_no_text(make_dataset, form, value):
    assert read(make_dataset, form, "varchar", [value])[:2] == ([None], ["type_mismatch"])


NO_DAYS = [([2024.08, 2024.1, 2024.11],), ([45292, 2024, 7],)]


@pytest.mark.parametrize(("form", "values"), of(NO_DAYS[:1], *NUMBERS) + of(NO_DAYS[1:], "xlsx", "parquet"))
def test_a_number_is_no_month_in_a_sheet_or_a_file_of_numbers(make_dataset, form, values):
    assert read(make_dataset, form, "date", values)[:2] == ([None] * 3, ["type_mismatch"] * 3)


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "xml", "database"])
def test_a_month_with_one_digit_behind_a_point_may_be_october(make_dataset, form):
    assert read(make_dataset, form, "date", ["2024.1", "2024.11"])[:2] == (
        [None, dt.date(2024, 11, 1)],
        ["type_mismatch"],
    )


@pytest.mark.parametrize("form", NUMBERS)
def test_a_day_written_as_eight_digits_is_read_from_a_number_too(make_dataset, form):
    assert read(make_dataset, form, "date", [20250630, 202507])[0] == [dt.date(2025, 6, 30), dt.date(2025, 7, 1)]


@pytest.mark.parametrize("form", NUMBERS)
@pytest.mark.parametrize("data_type", ["date", "timestamp"])
def test_a_number_is_a_moment_only_where_that_is_declared(make_dataset, form, data_type):
    midnight = 1719763200000
    expected = dt.date(2024, 7, 1) if data_type == "date" else dt.datetime(2024, 6, 30, 16)
    assert read(make_dataset, form, data_type, [midnight])[1] == ["type_mismatch"]
    assert read(make_dataset, form, data_type, [midnight], epoch="milliseconds")[0] == [expected]
    assert read(make_dataset, form, data_type, [midnight], epoch="seconds")[1] == ["type_mismatch"]
    assert read(make_dataset, form, data_type, [midnight // 1000], epoch="milliseconds")[1] == ["type_mismatch"]


TIMES = ["2024-04-30T16:00:00", "2024-12-31 16:00:00.000", "2025/6/3 8:05", "2024-05-01T00:00:01"]


@pytest.mark.parametrize("form", FORMS)
def test_a_time_of_day_in_a_date_column_is_refused_or_dropped_as_declared_in_every_form(make_dataset, form):
    days = [dt.date(2024, 4, 30), dt.date(2024, 12, 31), dt.date(2025, 6, 3), dt.date(2024, 5, 1)]
    assert read(make_dataset, form, "date", TIMES)[:2] == ([None] * 4, ["time_of_day"] * 4)
    assert read(make_dataset, form, "date", TIMES, time="drop") == (days, [], {"time_dropped:v": 4})


@pytest.mark.parametrize("form", DAYS)
def test_a_moment_in_a_date_column_is_a_day_at_midnight_alone(make_dataset, form):
    values = [dt.datetime(2024, 5, 1), dt.datetime(2024, 4, 30, 16), dt.datetime(2024, 12, 31, 23, 59, 59)]
    landed, reasons, _ = read(make_dataset, form, "date", values)
    assert (landed, reasons) == ([dt.date(2024, 5, 1), None, None], ["time_of_day"] * 2)


@pytest.mark.parametrize("form", ["parquet", "database"])
def test_a_moment_with_an_offset_is_a_day_of_the_zone(make_dataset, form):
    values = [dt.datetime(2024, 4, 30, 16, tzinfo=dt.UTC), dt.datetime(2024, 12, 31, 16, tzinfo=dt.UTC)]
    assert read(make_dataset, form, "date", values)[:2] == ([dt.date(2024, 5, 1), dt.date(2025, 1, 1)], [])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("data_type", ["date", "timestamp"])
def test_a_day_that_stands_for_none_is_discarded_in_every_form(make_dataset, form, data_type):
    values = ["0001-01-01", "0113-05-01", "1753-01-01", "1899-12-30", "1900-01-01", "9999-12-31", "2025-06-30"]
    landed, reasons, _ = read(make_dataset, form, data_type, values)
    assert (landed[:6], reasons) == ([None] * 6, ["out_of_range"] * 6)
    assert landed[6] is not None
    assert read(make_dataset, form, data_type, values, required=True)[1] == ["out_of_range"] * 6
    assert read(make_dataset, form, data_type, values, max="9999-12-31", min="1850-01-01")[1] == ["out_of_range"] * 3


@pytest.mark.parametrize("form", FORMS)
def test_a_licence_without_end_is_a_day_or_a_word_as_the_column_declares(make_dataset, form):
    values = ["9999-12-31", "长期", "2025-06-30"]
    declared = {"max": "9999-12-31", "missing_markers": ("长期",)}
    landed, reasons, _ = read(make_dataset, form, "date", values, **declared)
    assert (landed, reasons) == ([dt.date(9999, 12, 31), None, dt.date(2025, 6, 30)], [])


@pytest.mark.parametrize("form", ["parquet", "database"])
def test_a_day_of_a_table_that_stands_for_none_is_discarded(make_dataset, form):
    values = [dt.date(1, 1, 1), dt.date(1753, 1, 1), dt.date(1900, 1, 1), dt.date(9999, 12, 31), dt.date(2025, 6, 30)]
    landed, reasons, _ = read(make_dataset, form, "date", values)
    assert (landed, reasons) == ([*[None] * 4, dt.date(2025, 6, 30)], ["out_of_range"] * 4)


@pytest.mark.parametrize("form", FORMS)
def test_words_for_truth_are_read_in_every_form(make_dataset, form):
    values = ["是", "否", "Y", "n", "有", "无", "TRUE", "0", "1", "√"]
    truth = [True, False, True, False, True, False, True, False, True, True]
    assert read(make_dataset, form, "boolean", values)[:2] == (truth, [])
    assert read(make_dataset, form, "boolean", ["也许", "2", "-"])[1] == ["type_mismatch"] * 3
    declared = {"is_true": ["在册"], "is_false": ["注销", "无"]}
    assert read(make_dataset, form, "boolean", ["在册", "注销", "无", "是"], **declared)[:2] == (
        [True, False, False, None],
        ["type_mismatch"],
    )


@pytest.mark.parametrize("form", NUMBERS)
def test_one_and_zero_are_truth_and_another_number_is_none(make_dataset, form):
    assert read(make_dataset, form, "boolean", [1, 0, 2])[:2] == ([True, False, None], ["type_mismatch"])


@pytest.mark.parametrize("form", FORMS)
def test_bounds_are_compared_as_decimals_in_every_form(make_dataset, form):
    decimals = [Decimal("0.1"), Decimal("0.3"), Decimal("0.09"), Decimal("0.31")]
    values = decimals if form in ("parquet", "database") else list(map(str, decimals))
    landed, reasons, _ = read(make_dataset, form, "decimal(6, 2)", values, min=0.1, max=0.3)
    assert (landed, reasons) == ([Decimal("0.10"), Decimal("0.30"), None, None], ["out_of_range"] * 2)


@pytest.mark.parametrize("form", FORMS)
def test_an_amount_with_words_or_foreign_separators_is_refused_in_every_form(make_dataset, form):
    values = ["100万元", "3,5", "1.234,56", "（100）", "1 000", "￥100", "1.23457E+12", "5%", "-", "12.5元"]
    assert set(read(make_dataset, form, "decimal(20, 2)", values)[1]) == {"type_mismatch", "digits_lost"}
    assert read(make_dataset, form, "decimal(20, 2)", values)[0] == [None] * len(values)


@pytest.mark.parametrize("form", FORMS)
def test_a_rate_in_per_cent_is_its_number_in_every_form(make_dataset, form):
    values = ["4.35%", "5 %", "３．８５％", "3.85"]
    landed, reasons, _ = read(make_dataset, form, "decimal(6, 2)", values, unit="%")
    assert (landed, reasons) == ([Decimal("4.35"), Decimal("5.00"), Decimal("3.85"), Decimal("3.85")], [])


def test_a_key_is_a_code_unless_it_is_a_name_or_declared_a_text(make_dataset):
    columns = (
        column("standard_no", required=True),
        column("drafter_name", required=True),
        column("title", required=True, spelling="text"),
    )
    dataset = make_dataset(columns=columns, key=tuple(one["name"] for one in columns))
    assert [one.spelling for one in dataset.columns] == ["code", None, "text"]
