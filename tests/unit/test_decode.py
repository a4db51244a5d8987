"""From bytes to records: JSON, JSON lines, delimited text, archives, encodings, control totals."""

import csv
import gzip
import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.decoders.chunk import Broken
from connectors.decoders.decode import decode
from connectors.decoders.delimited import decode_csv
from connectors.decoders.json_lines import decode_jsonl
from connectors.decoders.transpose import columns_of
from connectors.errors import DataError
from connectors.spec import CsvDecoder
from tests.unit.conftest import column

FILES = {
    "request": {"folder": "outbox", "pattern": "*"},
    "paginator": None,
    "key": ("receipt",),
    "columns": (column("receipt", required=True), column("amount_cny", "decimal(20, 2)")),
}


@pytest.fixture
def read(make_dataset):
    """Decode a body by a decoder of a source file and answer all chunks."""

    def of(body: bytes, answer=None, **decoder):
        return list(decode(make_dataset(**FILES, decoder=decoder), "loans.x", body, answer))

    return of


def zipped(*members: tuple[str, bytes], method=zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


TRAILER = {"marker": "TRAILER", "count": 2, "sum": 3, "sum_field": "amount"}
PLAIN = b"receipt,amount\nA,1\n"


def test_records_of_one_shape_become_columns_and_stay_as_they_were_sent(read):
    (chunk,) = read(
        b'{"data": {"items": [{"a": 1.10, "b": "x"}, {"a": 2, "b": null}]}}', kind="json", records="data.items"
    )
    assert chunk.columns == {"a": ["1.10", 2], "b": ["x", None]}
    assert list(chunk.positions) == [1, 2]
    assert chunk.raw(1) == {"a": 2, "b": None}


def test_records_of_several_shapes_have_none_where_a_field_is_not_there():
    records = [{"a": 1}, {"b": 2, "a": 3}, {}]
    assert columns_of(records, "x") == {"a": [1, 3, None], "b": [None, 2, None]}


def test_the_answer_itself_may_be_the_list_and_an_empty_one_is_still_a_chunk(read):
    assert read(b"\xef\xbb\xbf[]", kind="json")[0].columns == {}
    assert read(b'[{"a": 1}]', kind="json")[0].columns == {"a": [1]}


def test_an_answer_that_the_driver_has_is_not_read_again(read):
    assert read(b"not looked at", answer={"items": [{"a": 1}]}, kind="json", records="items")[0].columns == {"a": [1]}


def test_what_is_no_record_is_marked_with_its_place(read):
    (chunk,) = read(b'[{"a": 1}, 7, {"a": 2}]', kind="json")
    assert (chunk.columns, chunk.positions) == ({"a": [1, 2]}, [1, 3])
    assert chunk.broken == (Broken(2, "not_a_record", 7),)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"items": ', "cannot be read"),
        (b'{"rows": []}', "has nothing at items"),
        (b'{"items": {"a": 1}}', "no list of records at items"),
        (b'{"items": null}', "no list of records at items"),
        (b'{"items": [' + b"[" * 100_000, "cannot be read"),
        (b'{"items": [{"a": NaN}]}', "cannot be read"),
        ('{"items": [{"a": "积分"}]}'.encode("gbk"), "cannot be read"),
    ],
)
def test_a_json_page_that_is_broken_as_a_whole_is_told(read, body, told):
    with pytest.raises(DataError, match=told):
        read(body, kind="json", records="items")


def test_long_lists_come_in_chunks_whose_positions_go_on(read, monkeypatch):
    monkeypatch.setattr("connectors.decoders.json_page.CHUNK_ROWS", 2)
    chunks = read(json.dumps([{"a": n} for n in range(5)]).encode(), kind="json")
    assert [list(chunk.positions) for chunk in chunks] == [[1, 2], [3, 4], [5]]
    assert [value for chunk in chunks for value in chunk.columns["a"]] == [0, 1, 2, 3, 4]


def test_json_lines_give_one_record_a_line_and_mark_the_lines_that_are_none(read):
    (chunk,) = read(b'\xef\xbb\xbf{"a":1.10}\r\n\n[1]\n{"a":"\\ud800"}\nxx\n{"a":2}', kind="jsonl")
    assert (chunk.columns, chunk.positions) == ({"a": ["1.10", "\ud800", 2]}, [1, 4, 6])
    assert [(b.position, b.reason) for b in chunk.broken] == [(3, "not_a_record"), (5, "not_a_record")]


def test_json_lines_cut_in_mid_line_are_a_loud_stop():
    whole = b'{"a":"x"}\n{"a":"y"}'
    for cut in range(11, len(whole)):
        with pytest.raises(DataError, match="cut short"):
            list(decode_jsonl(whole[:cut], "f"))


def test_json_lines_in_another_encoding_are_a_loud_stop(read):
    with pytest.raises(DataError, match="is not utf-8"):
        read('{"a":"积分"}\n'.encode("gb18030"), kind="jsonl")


def test_a_file_whose_control_total_agrees_is_read_without_its_trailer(read):
    (chunk,) = read(b'receipt,amount\nA,1.10\nB,"2,002.20"\nTRAILER,2,2003.30\n', kind="csv", trailer=TRAILER)
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
def test_a_wrong_control_total_stops_the_whole_file(read, body, told):
    with pytest.raises(DataError, match=told):
        read(body, kind="csv", trailer=TRAILER)


def test_a_control_total_holds_over_many_chunks(read, monkeypatch):
    monkeypatch.setattr("connectors.decoders.delimited.CHUNK_ROWS", 10)
    monkeypatch.setattr("connectors.decoders.delimited._STEP", 5)
    lines = "".join(f"{n},{n}.01\n" for n in range(25))
    chunks = read(f"receipt,amount\n{lines}TRAILER,25,300.25\n".encode(), kind="csv", trailer=TRAILER)
    assert [place for chunk in chunks for place in chunk.positions] == list(range(1, 26))
    assert [value for chunk in chunks for value in chunk.columns["receipt"]] == [str(n) for n in range(25)]


def test_a_line_with_too_few_fields_is_one_broken_record_not_a_broken_file(read):
    (chunk,) = read(b"receipt,amount\nA\nB,2\n\nC,3,4\n", kind="csv")
    assert (chunk.columns, chunk.positions) == ({"receipt": ["B"], "amount": ["2"]}, [2])
    assert chunk.broken == (Broken(1, "field_count", ["A"]), Broken(3, "field_count", ["C", "3", "4"]))


def test_a_formula_in_text_is_only_text(read):
    assert read(b'receipt,amount\n"=cmd()|x",+1\n', kind="csv")[0].columns["receipt"] == ["=cmd()|x"]


def test_a_header_that_stands_twice_is_refused(read):
    with pytest.raises(DataError, match="same header twice: 'receipt'"):
        read(b"receipt,receipt\nA,B\n", kind="csv")


def test_a_column_that_nobody_named_is_called_by_its_place(read):
    assert read(b",receipt\n7,A\n", kind="csv")[0].columns == {"(1)": ["7"], "receipt": ["A"]}


@pytest.mark.parametrize("body", [b"", b"\n\n", b",,\n1,2,3\n"])
def test_a_file_without_a_header_is_a_loud_stop(read, body):
    with pytest.raises(DataError, match="no header"):
        read(body, kind="csv")


def test_a_quote_left_open_is_a_loud_stop(read):
    with pytest.raises(DataError, match="is not delimited text"):
        read(b'receipt,amount\n"A,1\nB,2\n', kind="csv")


CHINESE = "receipt,名称\nA,仲恺\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
def test_each_encoding_is_read_with_or_without_its_mark(read, encoding):
    declared = encoding.removesuffix("-sig").removesuffix("-le").removesuffix("-be")
    (chunk,) = read(CHINESE.encode(encoding), kind="csv", encoding=declared)
    assert (chunk.columns["名称"], chunk.notes) == (["仲恺"], ())


def test_of_several_declared_encodings_the_one_that_fits_is_taken_and_noted(read):
    for encoding in ("utf-8", "gb18030"):
        (chunk,) = read(CHINESE.encode(encoding), kind="csv", encoding=("utf-8", "gb18030"))
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
def test_an_encoding_that_lies_is_a_loud_stop(read, body, declared, told):
    with pytest.raises(DataError, match=told):
        read(body, kind="csv", encoding=declared)


def test_a_character_cut_by_a_block_is_still_one_character(read, monkeypatch):
    monkeypatch.setattr("connectors.decoders.text._BLOCK", 3)
    monkeypatch.setattr("connectors.decoders.delimited._BLOCK", 3)
    (chunk,) = read(CHINESE.encode("gb18030"), kind="csv", encoding="gb18030")
    assert chunk.columns == {"receipt": ["A"], "名称": ["仲恺"]}


@pytest.mark.parametrize("archive", ["zip", "gzip"])
def test_a_truncated_archive_is_a_loud_stop_that_names_the_file(read, archive):
    content = b"receipt,amount\n" + b"".join(b"%d,%d\n" % (n, n * 7) for n in range(50))
    whole = gzip.compress(content) if archive == "gzip" else zipped(("a.csv", content))
    assert len(read(whole, kind="csv", archive=archive)[0].positions) == 50
    for cut in range(1, len(whole), 7):
        with pytest.raises(DataError, match=r"loans\.x"):
            read(whole[:cut], kind="csv", archive=archive)


@pytest.mark.parametrize("archive", ["zip", "gzip"])
def test_an_archive_whose_checksum_is_wrong_is_a_loud_stop(read, archive):
    whole = gzip.compress(PLAIN, 0) if archive == "gzip" else zipped(("a.csv", PLAIN), method=zipfile.ZIP_STORED)
    with pytest.raises(DataError, match="damaged"):
        read(whole.replace(b"A,1", b"A,2", 1), kind="csv", archive=archive)


@pytest.mark.parametrize("archive", ["zip", "gzip"])
def test_what_unfolds_beyond_the_cap_is_refused(read, monkeypatch, archive):
    monkeypatch.setattr("connectors.decoders.packed.MAX_UNPACKED_BYTES", 1000)
    whole = gzip.compress(b"0" * 100_000) if archive == "gzip" else zipped(("a.csv", b"0" * 100_000))
    with pytest.raises(DataError, match="unfolds to more than 1000 bytes"):
        read(whole, kind="csv", archive=archive)


@pytest.mark.parametrize("name", ["../../etc/a.csv", "/etc/a.csv", "C:\\windows\\a.csv", "x/y/a.csv"])
def test_the_name_of_a_member_is_matched_and_never_used_as_a_path(read, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read(zipped((name, PLAIN)), kind="csv", archive="zip", member="a.csv")[0].columns["receipt"] == ["A"]
    assert list(tmp_path.iterdir()) == []


def test_a_member_named_in_gbk_by_an_old_windows_is_found(read):
    raw = zipped(("XXXX.csv", PLAIN)).replace(b"XXXX.csv", "贷款".encode("gbk") + b".csv")
    assert read(raw, kind="csv", archive="zip", member="贷款.csv")[0].columns["receipt"] == ["A"]


@pytest.mark.parametrize("names", [("a.csv", "b/a.csv"), ("a.txt",), ()])
def test_exactly_one_member_must_match(read, names):
    with pytest.raises(DataError, match="members match"):
        read(zipped(*((name, PLAIN) for name in names)), kind="csv", archive="zip", member="*.csv")


def test_two_members_of_one_name_are_refused(read):
    with pytest.warns(UserWarning, match="Duplicate"):
        body = zipped(("a.csv", PLAIN), ("a.csv", b"receipt,amount\nB,2\n"))
    with pytest.raises(DataError, match="2 members match"):
        read(body, kind="csv", archive="zip")


def test_an_encrypted_member_is_refused(read):
    body = bytearray(zipped(("a.csv", PLAIN)))
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match="encrypted"):
        read(bytes(body), kind="csv", archive="zip")


def test_a_packing_method_that_takes_memory_at_will_is_refused(read):
    with pytest.raises(DataError, match="method 14"):
        read(zipped(("a.csv", PLAIN), method=zipfile.ZIP_LZMA), kind="csv", archive="zip")


def test_a_zip_in_a_zip_is_not_unfolded(read):
    with pytest.raises(DataError):
        read(zipped(("a.csv", zipped(("b.csv", PLAIN)))), kind="csv", archive="zip")


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


JSON_VALUES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | VALUES


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(VALUES, JSON_VALUES, max_size=5), max_size=8), st.booleans())
def test_what_is_written_as_json_lines_is_read_back(records, is_ascii):
    body = "\n".join(json.dumps(record, ensure_ascii=is_ascii) for record in records).encode()
    chunks = list(decode_jsonl(body, "f"))
    assert [record for chunk in chunks for record in chunk.records] == records
