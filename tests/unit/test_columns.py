"""One value by the rules of its column, by the parser and in every format: it is kept, or refused for the right reason.

The values stand in `values.yml`; what no YAML can hold is tried here.
"""

import csv
import datetime as dt
import io
import json
import random
import re
import time
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pydantic import ValidationError

from connectors.columns import make_parser
from connectors.drivers.database_values import rows_as_json
from connectors.spec import Column
from connectors.spelling import bytes_as_text
from tests.declared import column
from tests.unit.test_reading import read_bodies

ZONE = ZoneInfo("Asia/Shanghai")
CASES = yaml.safe_load(Path(__file__).with_name("values.yml").read_text(encoding="utf-8"))
NAMES = [f"{place}-{case['type']}-{case.get('reason', case.get('kept'))}" for place, case in enumerate(CASES)]


def parse(data_type, raw, markers=(), **rules):
    declared = Column(name="c", data_type=data_type, source_field="c", **rules)
    return make_parser(declared, (*declared.missing_markers, *markers), ZONE)(raw)


def kept(case, raw):
    """What must be held of a value of this case."""
    value = None if "reason" in case else case.get("kept", raw)
    return Decimal(value) if case["type"].startswith("decimal") and value is not None else value


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_value_is_what_its_column_makes_of_it(case):
    for raw in case["raw"]:
        value, fault, note = parse(case["type"], raw, **case.get("rules", {}))
        assert (raw, value, note) == (raw, kept(case, raw), case.get("note"))
        told = (fault.reason, fault.refuses) if fault else (None, True)
        assert (raw, *told) == (raw, case.get("reason"), not case.get("stands", False))


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
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]|_x[0-9A-F]{4}_")
"""What not every format can hold: in a sheet the last is an escape."""


def read(make_dataset, form, data_type, values, /, **rules):
    """What lands of these values, None for what does not; the reasons of what was refused or discarded; the notes."""
    decoder, encode = FORMS[form]
    return read_body(make_dataset, decoder, encode(values), len(values), data_type, **rules)


def read_body(make_dataset, decoder, body, size, data_type, /, **rules):
    files = {"request": {"folder": "outbox", "pattern": "*"}, "paginator": None}
    # Else a column of which no value fits its type stops the dataset.
    files["schema_contract"] = {"data_type": "discard_row"}
    columns = (column("k", required=True), column("v", data_type, **rules))
    dataset = make_dataset(**files, decoder=decoder, columns=columns, key=("k",))
    reading = read_bodies(dataset, body)
    landed = {row["k"]: row["v"] for row in reading.rows}
    reasons = [refusal.reason for refusal in reading.refusals]
    return [landed.get(f"R{place}") for place in range(size)], reasons, dict(reading.notes)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
@pytest.mark.parametrize("form", FORMS)
def test_a_text_is_the_same_value_in_every_format(make_dataset, form, case):
    texts = [raw for raw in case["raw"] if isinstance(raw, str) and not CONTROL.search(raw)]
    if texts:
        landed, reasons, notes = read(make_dataset, form, case["type"], texts, **case.get("rules", {}))
        assert landed == [kept(case, raw) for raw in texts]
        assert reasons == [case["reason"]] * len(texts) if "reason" in case else reasons == []
        assert notes == ({f"{case['note']}:v": len(texts)} if "note" in case else {})


LONG, EXACT = 622260011001234000312345, Decimal("12345678901234567.89")
NO_YAML = [
    ("decimal(20, 2)", {}, EXACT, EXACT),
    ("decimal(20, 2)", {}, Decimal("1E+3"), 1000),
    ("decimal(20, 2)", {}, Decimal("1e999999999"), "type_mismatch"),
    ("decimal(20, 2)", {"missing_markers": ("-1",)}, Decimal("-1.000"), None),
    ("decimal(20, 2)", {"missing_markers": ("-9",)}, Decimal("-1.000"), -1),
    ("varchar", {}, Decimal("10086.0"), "10086"),
    ("varchar", {}, Decimal("1E+3"), "1000"),
    ("varchar", {}, Decimal("12345678901234567890"), "12345678901234567890"),
    ("varchar", {}, Decimal("10086.5"), "digits_lost"),
    ("varchar", {}, Decimal("1e999999999"), "digits_lost"),
    ("varchar", {}, dt.time(8, 0), "type_mismatch"),
    ("varchar", {}, "a\ud800b", "type_mismatch"),
    ("varchar", {"check": "uscc"}, " 9111 0000600037341l ", "91110000600037341L"),
    ("date", {}, Decimal("2024.1"), "type_mismatch"),
    ("date", {}, Decimal("20240630.0"), "type_mismatch"),
    ("date", {}, dt.time(8, 0), "type_mismatch"),
    ("date", {"min": dt.date.min}, "0001-01-01", dt.date.min),
    ("timestamp", {}, Decimal("45292.5"), "type_mismatch"),
    ("timestamp", {"epoch": "milliseconds"}, Decimal("1710101220000.0"), dt.datetime(2024, 3, 10, 20, 7)),
    ("timestamp", {"epoch": "milliseconds"}, Decimal("1710101220000.5"), "digits_lost"),
    ("boolean", {}, Decimal("1.0"), True),
    ("boolean", {}, 0.5, "digits_lost"),
]


@pytest.mark.parametrize(("data_type", "rules", "raw", "told"), NO_YAML)
def test_a_value_that_no_yaml_holds_is_what_its_column_makes_of_it(data_type, rules, raw, told):
    value, fault, _ = parse(data_type, raw, **rules)
    assert (fault.reason if fault else value) == told


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


UTC_MIDNIGHTS = [dt.datetime(2024, 4, 30, 16, tzinfo=dt.UTC), dt.datetime(2024, 12, 31, 16, tzinfo=dt.UTC)]
MIDNIGHT = 1719763200000
TYPED = [
    # What no text is: in which formats, the column's type and rules, the values, what lands of each and why others not.
    (NUMBERS, "varchar", {}, [10086, 440002008012345, 0, -5], ["10086", "440002008012345", "0", "-5"], []),
    (["json", "jsonl", "database"], "varchar", {}, [LONG, 1], [str(LONG), "1"], []),
    (["parquet"], "varchar", {}, [Decimal("62226001100123400031")], ["62226001100123400031"], []),
    (["json", "jsonl"], "varchar", {}, [1.0, "1.0", 1e3, "x", 2.5, 1.5e-7], ["1", "1.0", "1000", "x", "2.5", None],
     ["digits_lost"]),
    (["json", "jsonl"], "decimal(9, 2)", {}, [1.0, "1.0", 1e3, 7], [1, 1, 1000, 7], []),
    *((["xlsx", "parquet"], "varchar", {}, [value], [None], ["type_mismatch"])
      for value in (dt.date(2025, 6, 30), dt.datetime(2025, 6, 30, 8), dt.time(8, 30), True)),
    (NUMBERS, "date", {}, [2024.08, 2024.1, 2024.11], [None] * 3, ["type_mismatch"] * 3),
    (["xlsx", "parquet"], "date", {}, [45292, 2024, 7], [None] * 3, ["type_mismatch"] * 3),
    (NUMBERS, "date", {}, [20250630, 202507], [dt.date(2025, 6, 30), dt.date(2025, 7, 1)], []),
    (NUMBERS, "date", {}, [MIDNIGHT], [None], ["type_mismatch"]),
    (NUMBERS, "timestamp", {}, [MIDNIGHT], [None], ["type_mismatch"]),
    (NUMBERS, "date", {"epoch": "milliseconds"}, [MIDNIGHT], [dt.date(2024, 7, 1)], []),
    (NUMBERS, "timestamp", {"epoch": "milliseconds"}, [MIDNIGHT], [dt.datetime(2024, 6, 30, 16)], []),
    (NUMBERS, "timestamp", {"epoch": "seconds"}, [MIDNIGHT], [None], ["type_mismatch"]),
    (DAYS, "date", {}, [dt.datetime(2024, 5, 1), dt.datetime(2024, 4, 30, 16)], [dt.date(2024, 5, 1), None],
     ["time_of_day"]),
    (["parquet", "database"], "date", {}, UTC_MIDNIGHTS, [dt.date(2024, 5, 1), dt.date(2025, 1, 1)], []),
    (["parquet", "database"], "date", {}, [dt.date(1, 1, 1), dt.date(1900, 1, 1), dt.date(9999, 12, 31)], [None] * 3,
     ["out_of_range"] * 3),
    (NUMBERS, "boolean", {}, [1, 0, 2], [True, False, None], ["type_mismatch"]),
    (["parquet", "database"], "decimal(6, 2)", {"min": 0.1, "max": 0.3}, [Decimal("0.3"), Decimal("0.31")],
     [Decimal("0.3"), None], ["out_of_range"]),
]  # fmt: skip


@pytest.mark.parametrize(("form", "case"), [(form, case) for case in TYPED for form in case[0]])
def test_a_typed_value_of_a_format_is_what_its_column_makes_of_it(make_dataset, form, case):
    _, data_type, rules, values, landed, reasons = case
    assert read(make_dataset, form, data_type, values, **rules)[:2] == (landed, reasons)


@pytest.mark.parametrize("form", NUMBERS)
def test_a_binary_number_in_a_text_column_is_its_digits_as_far_as_it_keeps_them(make_dataset, form):
    values = [10086.0, 440002008012345.0, 6.2226001100123505e18, 1234567890123456.0, 10086.5]
    landed, reasons, _ = read(make_dataset, form, "varchar", values, spelling="code")
    assert landed[:4] == ["10086", "440002008012345", None, None]
    # A table and JSON give a fraction as the text it is; from a sheet or a file of binary numbers it is no text.
    assert (landed[4], reasons) in [(None, ["digits_lost"] * 3), ("10086.5", ["digits_lost"] * 2)]


def test_a_round_amount_that_a_program_writes_as_a_power_of_ten_is_exact_in_json(make_dataset):
    amounts = ["1E+2", "5E+6", "1.5E+3", "1.2E+13", "-3e+2"]
    body = ", ".join(f'{{"k": "R{place}", "v": {value}}}' for place, value in enumerate(amounts))
    found = read_body(make_dataset, {"kind": "json"}, f"[{body}]".encode(), len(amounts), "decimal(20, 2)")
    assert found[:2] == ([Decimal(value) for value in amounts], [])


def test_a_key_is_a_code_unless_it_is_a_name_or_declared_a_text(make_dataset):
    columns = (
        column("standard_no", required=True),
        column("drafter_name", required=True),
        column("title", required=True, spelling="text"),
    )
    dataset = make_dataset(columns=columns, key=tuple(one["name"] for one in columns))
    assert [one.spelling for one in dataset.columns] == ["code", None, "text"]
