"""From bytes to records: delimited text, its encodings and its control totals."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.decoders.chunk import Broken
from connectors.decoders.delimited import decode_csv
from connectors.errors import DataError
from connectors.spec import CsvDecoder

TRAILER = {"marker": "TRAILER", "count": 2, "sum": 3, "sum_field": "amount"}


def test_a_file_whose_control_total_agrees_is_read_without_its_trailer(read_body):
    (chunk,) = read_body(b'receipt,amount\nA,1.10\nB,"2,002.20"\nTRAILER,2,2003.30\n', kind="csv", trailer=TRAILER)
    assert chunk.columns == {"receipt": ["A", "B"], "amount": ["1.10", "2,002.20"]}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"receipt,amount\nA,1.10\nTRAILER,2,1.10\n", "says 2 rows and 1.10, the file holds 1 and 1.10"),
        (b"receipt,amount\nA,1.10\nTRAILER,1,1.11\n", "says 1 rows and 1.11"),
        (b"receipt,amount\nA,1.10\n", "cut short"),
        (b"receipt,amount\n", "cut short"),
        (b"receipt,amount\nA,x\nTRAILER,1,1\n", "cannot be computed"),
        (b"receipt,amount\nA,1\nTRAILER,1\n", "cannot be read"),
        (b"receipt,sum\nA,1\nTRAILER,1,1\n", "no column amount"),
    ],
)
def test_a_wrong_control_total_stops_the_whole_file(read_body, body, told):
    with pytest.raises(DataError, match=told):
        read_body(body, kind="csv", trailer=TRAILER)


def test_a_control_total_holds_over_many_chunks(read_body, monkeypatch):
    monkeypatch.setattr("connectors.decoders.delimited.CHUNK_ROWS", 10)
    monkeypatch.setattr("connectors.decoders.delimited._STEP", 5)
    lines = "".join(f"{n},{n}.01\n" for n in range(25))
    chunks = read_body(f"receipt,amount\n{lines}TRAILER,25,300.25\n".encode(), kind="csv", trailer=TRAILER)
    assert [place for chunk in chunks for place in chunk.positions] == list(range(1, 26))
    assert [value for chunk in chunks for value in chunk.columns["receipt"]] == [str(n) for n in range(25)]


def test_a_line_with_too_few_fields_is_one_broken_record_not_a_broken_file(read_body):
    (chunk,) = read_body(b"receipt,amount\nA\nB,2\n\nC,3,4\n", kind="csv")
    assert (chunk.columns, chunk.positions) == ({"receipt": ["B"], "amount": ["2"]}, [2])
    assert chunk.broken == (Broken(1, "field_count", ["A"]), Broken(3, "field_count", ["C", "3", "4"]))


def test_a_formula_in_text_is_only_text(read_body):
    assert read_body(b'receipt,amount\n"=cmd()|x",+1\n', kind="csv")[0].columns["receipt"] == ["=cmd()|x"]


def test_a_header_that_stands_twice_is_refused(read_body):
    with pytest.raises(DataError, match="same header twice: 'receipt'"):
        read_body(b"receipt,receipt\nA,B\n", kind="csv")


def test_a_column_that_nobody_named_is_called_by_its_place(read_body):
    assert read_body(b",receipt\n7,A\n", kind="csv")[0].columns == {"(1)": ["7"], "receipt": ["A"]}


@pytest.mark.parametrize("body", [b"", b"\n\n", b",,\n1,2,3\n"])
def test_a_file_without_a_header_is_a_loud_stop(read_body, body):
    with pytest.raises(DataError, match="no header"):
        read_body(body, kind="csv")


def test_a_quote_left_open_is_a_loud_stop(read_body):
    with pytest.raises(DataError, match="is not delimited text"):
        read_body(b'receipt,amount\n"A,1\nB,2\n', kind="csv")


CHINESE = "receipt,名称\nA,仲恺\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
def test_each_encoding_is_read_with_or_without_its_mark(read_body, encoding):
    declared = encoding.removesuffix("-sig").removesuffix("-le").removesuffix("-be")
    (chunk,) = read_body(CHINESE.encode(encoding), kind="csv", encoding=declared)
    assert (chunk.columns["名称"], chunk.notes) == (["仲恺"], ())


def test_of_several_declared_encodings_the_one_that_fits_is_taken_and_noted(read_body):
    for encoding in ("utf-8", "gb18030"):
        (chunk,) = read_body(CHINESE.encode(encoding), kind="csv", encoding=("utf-8", "gb18030"))
        assert (chunk.columns["名称"], chunk.notes) == (["仲恺"], (f"encoding:{encoding}",))


@pytest.mark.parametrize(
    ("body", "declared", "told"),
    [
        (CHINESE.encode("gb18030"), "utf-8", "is not utf-8"),
        (CHINESE.encode("utf-8"), "gb18030", "reads as UTF-8, declared is gb18030"),
        (CHINESE.encode("utf-8"), "gbk", "reads as UTF-8, declared is gbk"),
        (CHINESE.encode("utf-8-sig"), "gb18030", "begins with the mark of utf-8"),
        (CHINESE.encode("utf-16"), "utf-8", "begins with the mark of utf-16"),
        (b"\xef\xbb\xbf" + CHINESE.encode("gb18030"), "utf-8", "in spite of its mark"),
        ("receipt,a\nA,é\n".encode(), ("utf-8", "gb18030"), "reads as utf-8 and as gb18030 alike"),
        (CHINESE.encode("utf-16-le")[:-1], "utf-16", "is not utf-16"),
        (CHINESE.encode()[:-3], "utf-8", "is not utf-8"),
    ],
)
def test_an_encoding_that_lies_is_a_loud_stop(read_body, body, declared, told):
    with pytest.raises(DataError, match=told):
        read_body(body, kind="csv", encoding=declared)


def test_a_character_cut_by_a_block_is_still_one_character(read_body, monkeypatch):
    monkeypatch.setattr("connectors.decoders.text._BLOCK", 3)
    monkeypatch.setattr("connectors.decoders.delimited._BLOCK", 3)
    (chunk,) = read_body(CHINESE.encode("gb18030"), kind="csv", encoding="gb18030")
    assert chunk.columns == {"receipt": ["A"], "名称": ["仲恺"]}


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1).filter(str.strip)
VALUES = st.text(st.characters(codec="utf-8"), max_size=20)


@settings(max_examples=60, deadline=None)
@given(header=st.lists(NAMES, min_size=2, max_size=5, unique=True), data=st.data())
def test_what_is_written_as_csv_is_read_back(header, data):
    rows = data.draw(st.lists(st.lists(VALUES, min_size=len(header), max_size=len(header)), max_size=5))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    decoder = CsvDecoder(kind="csv")
    chunks = list(decode_csv(decoder, text.getvalue().encode("utf-8-sig"), "f"))
    assert list(chunks[0].columns) == header
    found = [row for chunk in chunks for row in zip(*chunk.columns.values(), strict=True)]
    assert found == [tuple(row) for row in rows]
