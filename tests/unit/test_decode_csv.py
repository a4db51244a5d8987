"""From bytes to records: delimited text, its encodings and its control totals."""

import csv
import io
import re
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.decoders.chunk import Broken
from connectors.decoders.delimited import decode_csv
from connectors.decoders.form import of_page
from connectors.decoders.xlsx import decode_xlsx
from connectors.errors import DataError
from connectors.spec import Column, CsvDecoder, XlsxDecoder
from ledger.hand_made import clean
from tests.unit.test_decode_xlsx import book

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
        (b"receipt,sum\nA,1\nTRAILER,1,1\n", "no column amount to sum; its header reads 'receipt sum'.*header_row"),
        (b"receipt,amount\nA,1\nTRAILER,1,1\nmade by:x\n", "TRAILER line but 'made by:x'.*declare ends_at"),
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
    for encoding, declared in product(("utf-8", "gb18030"), permutations(("utf-8", "gb18030"))):
        (chunk,) = read_body(CHINESE.encode(encoding), kind="csv", encoding=declared)
        assert (chunk.columns["名称"], chunk.notes) == (["仲恺"], (f"encoding:{encoding}",))


@pytest.mark.parametrize(
    ("body", "declared", "told"),
    [
        (CHINESE.encode("gb18030"), "utf-8", "is not utf-8"),
        (CHINESE.encode("utf-8"), "gb18030", "reads as UTF-8, declared is gb18030"),
        (CHINESE.encode("utf-8"), "gbk", "reads as UTF-8, declared is gbk"),
        ("a,b\n臺灣積體電路製造,1\n".encode("big5"), "gb18030", "reads as Big5, declared is gb18030"),
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


def cleaned(name):
    return clean(name) and clean(name) == clean(clean(name))


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1).filter(cleaned)
VALUES = st.text(st.characters(codec="utf-8") | st.sampled_from(',"\n\r '), max_size=20)
PLAIN = VALUES.filter(lambda value: "," not in value or not re.search(r"[\r\n]", value))


@settings(max_examples=60, deadline=None)
@given(header=st.lists(NAMES, min_size=2, max_size=5, unique_by=clean), data=st.data())
def test_what_is_written_as_csv_is_read_back_but_for_blanks_before_a_field(header, data):
    multiline, values = data.draw(st.sampled_from([(True, PLAIN), ("any", VALUES)]))
    rows = data.draw(st.lists(st.lists(values, min_size=len(header), max_size=len(header)), max_size=5))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    decoder = CsvDecoder(kind="csv", multiline=multiline)
    chunks = list(decode_csv(decoder, text.getvalue().encode("utf-8-sig")))
    assert list(chunks[0].columns) == [clean(name) for name in header]
    found = [row for chunk in chunks for row in zip(*chunk.columns.values(), strict=True)]
    written = [row for row in rows if any(map(str.strip, row))]
    assert [[field.lstrip(" ") for field in row] for row in found] == [[f.lstrip(" ") for f in row] for row in written]


OPEN = 'no|name|sum\nR1|a|100\nR2|"华星（一|200\nR3|b|300\nR4|华星（二"|400\nR5|c|500\n'


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        (OPEN, 3, 'R2|"华星'),
        ('no|name|sum\nR1|"华星"系列之一|200\n', 2, "华星"),
        ('no|name|sum\n\nR1|"a\nb"|200\n', 3, "R1"),
        ('no|name|sum\nR1|a|1\nR2|"b|2\n', 3, "R2"),
        ('no|name|sum\r\nR1|a|1\r\nR2|b|"2\r\nR3|c"|"3"\r\n', 3, "R2"),
        ('no|name|sum\rR1|a|1\rR2|"b\rc"|2\r', 3, "R2"),
        ('no|name|sum\nR1|"a \\"b\\" c"|1\n', 2, "R1"),
        ("no|name|sum\nR1|a|1\nR2|b\rc|2\n", 3, "R2"),
        ("no|name|sum\r\nR1|a|1\rR2|b|2\r\n", 2, "R1"),
        ("no|name|sum\n" + "R|a|1\n" * 700 + 'R|"b\nc"|2\n', 702, "R"),
    ],
)
def test_an_open_quotation_mark_merges_nothing_and_its_line_is_named(read_body, text, line, shown):
    with pytest.raises(DataError, match=rf"line {line} .*{re.escape(shown)}.*(quote: none|lines all end alike)"):
        read_body(text.encode(), kind="csv", delimiter="|")


def test_without_quotes_a_quotation_mark_is_a_sign_like_others(read_body):
    (chunk,) = read_body(OPEN.encode(), kind="csv", delimiter="|", quote="none")
    assert chunk.columns["sum"] == ["100", "200", "300", "400", "500"]
    assert chunk.columns["name"][1] == '"华星（一'


def test_a_declared_line_end_belongs_to_its_field(read_body):
    body = b'no,name,sum\nR1,"a, b\nc",1\nR2,\'d,2\n'
    (chunk,) = read_body(body, kind="csv", multiline=True)
    assert chunk.columns["name"] == ["a, b\nc", "'d"]
    assert read_body(b"a,b\n'x,y',2\n", kind="csv", quote="'")[0].columns["a"] == ["x,y"]


@pytest.mark.parametrize(
    "text",
    [
        'no,name,sum\nR1,"北京, 朝阳\n路, 5号",1\n',
        'no,name\nR1,"a\nb, c\nd"\n',
        'no,name\nR1,"a,b\nc,d\ne"\n',
        'no,name\nR1,"Road 5, east\nNo 7"\n',
        'no,name,sum\nR1,"a\n\n1, 2, 3\n",1\n',
    ],
)
def test_a_text_of_several_lines_with_commas_is_one_field(read_body, text):
    (chunk,) = read_body(text.encode(), kind="csv", multiline=True)
    assert chunk.columns["name"] == [text.split('"')[1]]
    assert chunk.notes == ()


def test_a_text_that_looks_like_two_rows_is_read_and_counted_where_that_is_declared(read_body):
    body = 'no,name,sum\nR1,"北京,朝阳\n路,5号",1\nR2,b,2\n'.encode()
    with pytest.raises(DataError, match=r"line 2 .*multiline: .*any"):
        read_body(body, kind="csv", multiline=True)
    chunks = read_body(body, kind="csv", multiline="any")
    assert chunks[0].columns["name"] == ["北京,朝阳\n路,5号", "b"]
    assert [note for chunk in chunks for note in chunk.notes] == ["like_two_rows"]


@pytest.mark.parametrize(
    "text",
    [
        OPEN,
        'no|name|sum\nR1|"a|1\nR2|b"|2\n',
        'no|name|sum\nR1|"a|1\n\nR2|b"|2\n',
        'no|name|sum\nR1|a|"1\nR2|b|2\nR3|c"|3\n',
    ],
)
def test_a_declared_line_end_swallows_no_row(read_body, text):
    with pytest.raises(DataError, match="opens a quotation mark"):
        read_body(text.encode(), kind="csv", delimiter="|", multiline=True)


def test_a_line_end_in_the_header_is_no_part_of_a_name(read_body):
    assert list(read_body(b'"re\nceipt",b\n1,2\n', kind="csv")[0].columns) == ["re ceipt", "b"]


@pytest.mark.parametrize("blank", [",,\n", "\n", " , ,\t\n", "\u3000,\xa0,\n", '"","",""\n', ",\n", ",,,,\n"])
@pytest.mark.parametrize("trailer", [None, {**TRAILER, "sum_field": "b"}])
def test_rows_in_which_nothing_stands_are_passed_over_wherever_they_are(read_body, blank, trailer):
    end = "TRAILER,2,5\n" if trailer else ""
    text = f"a,b,c\n{blank}1,2,x\n{blank}{blank}2,3,y\n{blank}{end}{blank}{blank}"
    (chunk,) = read_body(text.encode(), kind="csv", trailer=trailer)
    assert (chunk.columns["a"], list(chunk.positions), chunk.broken) == (["1", "2"], [1, 2], ())


@pytest.mark.parametrize("mark", [b"\x1a", b"\x1a\r\n", b"\x1a\x1a\x1a", b"\r\n\x1a\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_the_sign_that_ends_a_file_on_old_systems_is_no_row(read_body, mark, encoding):
    body = "receipt,名称\nA,仲恺\n".encode(encoding) + mark
    (chunk,) = read_body(body, kind="csv", encoding=encoding)
    assert (chunk.columns["名称"], chunk.broken) == (["仲恺"], ())


def test_the_sign_that_ends_a_file_is_none_in_the_middle_of_it(read_body):
    (chunk,) = read_body(b"receipt,b\nA\x1aB,1\n", kind="csv")
    assert chunk.columns["receipt"] == ["A\x1aB"]
    (chunk,) = read_body("receipt,b\nA,1\n\x1a".encode("utf-16-le"), kind="csv", encoding="utf-16")
    assert (chunk.columns["receipt"], chunk.broken) == (["A"], ())


def test_titles_stand_above_a_declared_header(read_body):
    body = '"2025年6月\n借据清单"\n单位：元,,\nreceipt,amount\nA,1\n'.encode()
    (chunk,) = read_body(body, kind="csv", header_row=3)
    assert (chunk.columns, list(chunk.positions)) == ({"receipt": ["A"], "amount": ["1"]}, [1])


@pytest.mark.parametrize("word", ["合计", "合 计", "  合计：", "合\u3000计"])
def test_a_declared_word_ends_the_table_and_what_comes_after_is_counted(read_body, word):
    text = f'a,b\nA,1\n,,\n,{word}\nB,2\n注：x"y\n'
    chunks = read_body(text.encode(), kind="csv", ends_at=["合计", "注:"])
    assert [value for chunk in chunks for value in chunk.columns["a"]] == ["A"]
    assert [note for chunk in chunks for note in chunk.notes] == ["row_after_end"] * 3


@pytest.mark.parametrize(
    ("below", "told"),
    [
        ("B,2\n小计,2\n合计,3\n", 1),
        ("receipt,amount_cny\nB,2\n", 1),
        ("注：截至年底,\n制表人：某,2025\n", 0),
        (",2\n", 0),
        ("B,\n", 0),
        ("B,两元\n", 0),
        ("B,2,3\n", 0),
    ],
)
def test_rows_below_the_declared_end_that_look_like_records_are_counted(read_body, below, told):
    chunks = read_body(f"receipt,amount_cny\nA,1\n小计,1\n{below}".encode(), kind="csv", ends_at=["小计"])
    assert [value for chunk in chunks for value in chunk.columns["receipt"]] == ["A"]
    assert [note for chunk in chunks for note in chunk.notes].count("record_after_end") == told


SECONDS = [
    ("编号 余额 金额", True),
    ("编号 余额 税额", True),
    ("编号 税额 余额", True),
    ("余额 编号 备注", True),
    ("编号 金额 余额", False),
    ("R3 金额 8", False),
    ("金额 余额 5", False),
    ("金额 R4 R5", False),
    ("余额 余额 余额", False),
]


@pytest.mark.parametrize(("row", "is_other"), SECONDS)
def test_a_header_that_comes_again_otherwise_is_a_loud_stop_and_a_record_or_the_same_header_is_none(
    read_body, row, is_other
):
    body = f"编号,金额,余额\nR1,1,2\n{row.replace(' ', ',') if row[0] != ' ' else row[1:].replace(' ', ',')}\nR2,3,4\n"
    if is_other:
        with pytest.raises(DataError, match="row 2 below the header names the columns anew"):
            read_body(body.encode(), kind="csv")
    else:
        (chunk,) = read_body(body.encode(), kind="csv")
        assert len(chunk.positions) == 3


@pytest.mark.parametrize(
    ("row", "is_other"),
    [
        ("编码,部门,人数", True),
        ("DEPT,STAFF,OPENED", True),
        ("编码,部门,人数2", False),
        ("R1,部门,人数", False),
        ("编号,金额,日期", False),
        ("NO,AMOUNT,DAY", False),
        ("待定,部门,人数", False),
        ("制表人：李,复核：王,单位：甲", False),
        ("编码,,", False),
        ("编码,部门,部门", False),
    ],
)
def test_the_header_of_another_table_is_a_loud_stop(read_body, row, is_other):
    header = "no,amount,day" if row.isascii() else "编号,金额,日期"
    body = f"{header}\nR1,1,2025-01-01\nR2,2,2025-01-01\n{row}\nC1,3,2025-01-01\n".encode()
    if is_other:
        with pytest.raises(DataError, match=r"row 3 below the header is the header of another table.*one table a file"):
            read_body(body, kind="csv")
    else:
        assert len(read_body(body, kind="csv")[0].positions) == 4
    # Behind the last record nothing follows that could land.
    assert len(read_body(body.replace(b"C1,3,2025-01-01\n", b""), kind="csv")[0].positions) == 3


def test_a_record_whose_figures_are_words_is_no_header(read_body):
    body = "企业,人数,产值,行业\n甲,1,2,软件业\n乙,2,3,软件业\n丙,注销,停产,软件业\n丁,3,4,制造业\n"
    assert len(read_body(body.encode(), kind="csv")[0].positions) == 4
    # On each printed page of it the other table has its header anew.
    twice = (
        body.replace("丙,注销,停产,软件业\n", "") + 20 * "戊,4,5,软件业\n" + 2 * "姓名,编码,部门,门类\n己,5,6,制造业\n"
    )
    with pytest.raises(DataError, match="row 24 below the header is the header of another table"):
        read_body(twice.encode(), kind="csv")


@pytest.mark.parametrize("below", ["A,1\n", "合计,2\nA,1\n", "注：单位为元\n,,\nA,1\n", "合计科技,1\nA,1\n"])
def test_a_total_above_the_records_is_no_end_of_the_table(read_body, below):
    with pytest.raises(DataError, match="the first row below the header ends the table"):
        read_body(f"receipt,amount\n合计,2\n{below}".encode(), kind="csv", ends_at=["合计"])


@pytest.mark.parametrize("below", ["", "注：单位为元,,,,\n", "制表人,某某,,,\n", "合计,0,1,2,3\n"])
def test_a_table_of_nothing_but_its_total_and_notes_is_an_empty_one(read_body, below):
    chunks = read_body(f"receipt,a,b,c,d\n合计,0,0,0,0\n{below}".encode(), kind="csv", ends_at=["合计"])
    assert not any(len(chunk.positions) for chunk in chunks)


def test_a_blank_before_a_quotation_mark_is_no_part_of_the_field(read_body):
    (chunk,) = read_body(b'no, name, n\nR1, "a, b", 100\nR2, "", 200\n', kind="csv")
    assert chunk.columns == {"no": ["R1", "R2"], "name": ["a, b", ""], "n": ["100", "200"]}


def test_zero_bytes_within_the_last_line_say_that_a_copy_was_cut_short(read_body):
    with pytest.raises(DataError, match="ends in zero bytes within a line"):
        read_body(b"a,b\nA,1\nB," + b"\0" * 40, kind="csv")


@pytest.mark.parametrize("zeros", [16, 5000])
def test_a_run_of_zero_bytes_before_the_end_says_that_rows_are_gone(read_body, zeros):
    with pytest.raises(DataError, match="run of zero bytes from byte 9 on: its copy is damaged"):
        read_body(b"a,b\nA,1\nB" + b"\0" * zeros + b"7\nC,2\n", kind="csv")


def test_zero_bytes_that_pad_fields_to_one_length_are_no_hole(read_body):
    (chunk,) = read_body(b"a,b,c\nA" + b"\0" * 19 + b',"B' + b"\0" * 17 + b'",C' + b"\0" * 20 + b"\n", kind="csv")
    assert len(chunk.positions) == 1


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("B", "ends within row 2 below the header: 'B'. It was cut short.*declare ends_at"),
        ("B,2", "ends within row 2 below the header: 'B 2'"),
        ("B\n", None),
        ("B,2,3", None),
        ("共1条", None),
        ("合计", None),
        ("合计,3", None),
        ("制表人：张三,审核：李四", None),
        ("2025年6月30日", None),
        ("惠州市税务局", None),
        ("Generated by admin", None),
        ("东江,2", "ends within row 2"),
    ],
)
def test_a_last_row_that_is_cut_within_says_that_rows_may_be_gone(read_body, last, told):
    body = f"a,b,c\nA,1,2\n{last}".encode()
    if told is None:
        assert sum(len(chunk.positions) for chunk in read_body(body, kind="csv")) >= 1
    else:
        with pytest.raises(DataError, match=told):
            read_body(body, kind="csv")


def test_a_last_row_that_is_cut_within_a_name_is_no_note_below_names(read_body):
    with pytest.raises(DataError, match="ends within row 2 below the header"):
        read_body("名称,b\n东江科技,1\n惠州某".encode(), kind="csv")


@pytest.mark.parametrize(
    "error",
    [
        "ERROR: connection reset by peer",
        "Code: 241. DB::Exception: Memory limit exceeded",
        "ORA-01555: snapshot too old",
        "<html><body>502</body></html>",
        "java.sql.SQLException: Closed Connection",
        "Fatal error: Maximum execution time exceeded",
    ],
)
def test_an_error_of_a_program_among_rows_says_that_what_follows_is_missing(read_body, error):
    with pytest.raises(DataError, match=r"row 2 below the header is no record but an error: .* is missing"):
        read_body(f"a,b\nA,1\n{error}\n".encode(), kind="csv")


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        ("a,b\nA,1\nB,2", {}, ["no_line_end"]),
        ("a,b\r\nA,1\r\nB,2\r\n", {}, []),
        ("a,b\rA,1\r", {}, []),
        ("a,b", {}, []),
        ("a,b\nA,1\n合计,1", {"ends_at": ["合计"]}, ["row_after_end"]),
        ("a,b\nA,1\nTRAILER,1,1", {"trailer": {**TRAILER, "sum_field": "b"}}, []),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_last_line_without_a_line_end_is_counted(read_body, text, more, told, encoding):
    chunks = read_body(text.encode(encoding), kind="csv", encoding=encoding, **more)
    assert [note for chunk in chunks for note in chunk.notes] == told


def test_an_end_of_many_rows_is_one_too(read_body, monkeypatch):
    monkeypatch.setattr("connectors.decoders.delimited.CHUNK_ROWS", 10)
    monkeypatch.setattr("connectors.decoders.delimited._STEP", 5)
    text = "a,b\n" + "A,1\n" * 23 + "合计,23\n" + "注,1\n" * 20
    chunks = read_body(text.encode(), kind="csv", ends_at=["合计"])
    assert sum(len(chunk.positions) for chunk in chunks) == 23
    assert sum(len(chunk.notes) for chunk in chunks) == 21


HEADERS = ["receipt ", "\treceipt", "receipt\xa0", "\u3000receipt", "re\u200bceipt", "\ufeffreceipt", "ｒｅｃｅｉｐｔ"]


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_is_the_name_that_is_seen(read_body, header):
    (chunk,) = read_body(f"{header},金额（万元）\nA,1\n".encode(), kind="csv")
    assert list(chunk.columns) == ["receipt", "金额(万元)"]
    with pytest.raises(DataError, match="same header twice"):
        read_body(f"{header},receipt\nA,1\n".encode(), kind="csv")


def money(field, unit=None):
    return Column(name="amount_cny", data_type="decimal(20, 2)", source_field=field, unit=unit)


def test_a_unit_that_one_column_declares_leaves_the_others_what_they_declare():
    claimed = {"合同额": money("合同额", "万元"), "单价": money("单价", "元")}
    body = "单位：万元\n合同额,单价\n1,1\n".encode()
    (chunk,) = decode_csv(CsvDecoder(kind="csv", header_row=2), body, claimed)
    assert chunk.notes == ()


STATED = [
    ("单位：万元", "元", "states its amounts in 万元 above the header; 金额 is declared in 元"),
    ("2025年6月（金额单位：人民币元）", "万元", "states its amounts in 元 above the header; 金额 is declared in 万元"),
    ("（单位：千元）", "元", "states its amounts in 千元"),
    ("单位：万元、人、%", "万元", ()),
    ("填报单位：元隆公司", "万元", ()),
    ("单位：人", "元", ()),
    ("清单", "元", ()),
    ("单位：万元", None, ("stated_unit:万元",)),
    ("单位：元", None, ()),
    ("单位：万元", "%", ()),
]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize(("title", "unit", "told"), STATED)
def test_a_unit_above_the_header_and_that_of_the_column_are_the_same(form, title, unit, told):
    claimed = {"金额": money("金额", unit)}

    def read():
        with of_page("f"):
            if form == "xlsx":
                return list(decode_xlsx(XlsxDecoder(kind="xlsx", header_row=2), book([title], ["金额"], [1]), claimed))
            return list(decode_csv(CsvDecoder(kind="csv", header_row=2), f"{title}\n金额\n1\n".encode(), claimed))

    if isinstance(told, str):
        with pytest.raises(DataError, match=told):
            read()
    else:
        assert tuple(note for chunk in read() for note in chunk.notes) == told


def test_a_header_has_the_spelling_of_the_source_file():
    field = "金额（万元）"
    (chunk,) = decode_csv(CsvDecoder(kind="csv"), "金额(万元),X\n1,2\n".encode(), {field: money(field)})
    assert list(chunk.columns) == ["金额（万元）", "X"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<!DOCTYPE html><html></html>", "is a page of HTML, not CSV"),
        (b'{"code": 500}', "is JSON, not CSV"),
        (b"\x1f\x8b\x08\x00", "is packed with gzip, not CSV"),
        (b"PK\x03\x04 a.csv", "is a zip archive, not CSV"),
        (b"PK\x03\x04[Content_Types].xml xl/workbook.xml", "is a workbook"),
        (b"<?xml version='1.0'?><rows/>", "is XML, not CSV"),
        ("receipt,amount\nA,1\n".encode("utf-16-le"), "is text in UTF-16, declared is utf-8"),
        (b"%PDF-1.4", "is a PDF, not CSV"),
    ],
)
def test_what_is_no_delimited_text_is_told_for_what_it_is(read_body, body, told):
    with pytest.raises(DataError, match=told):
        read_body(body, kind="csv")


@pytest.mark.parametrize(
    ("body", "encoding", "told"),
    [
        ("a,b\n仲,1\n".encode() + "恺,2\n".encode("gbk"), "utf-8", r"not utf-8 \(byte 10, line 3\)"),
        ("a,b\n仲,恺".encode()[:-1], "utf-8", "the file ends within a character, at byte 8"),
        ("a,b\n仲,恺".encode("gb18030")[:-1], "gb18030", "the file ends within a character, at byte 7"),
        ("a,b\n仲".encode("utf-16")[:-1], "utf-16", "the file ends within a character"),
        ("a,b\n仲,1\n".encode("gbk") + b"\xff\n", "gbk", r"not gbk \(byte 9, line 3\)"),
        ("仲".encode() * 5 + b"\xff\n", "utf-8", r"not utf-8 \(byte 15, line 1\)"),
    ],
)
def test_where_an_encoding_ends_is_told_by_byte_and_line(read_body, body, encoding, told, monkeypatch):
    monkeypatch.setattr("connectors.decoders.text._BLOCK", 4)
    with pytest.raises(DataError, match=told):
        read_body(body, kind="csv", encoding=encoding)


def test_notes_below_a_control_total_end_the_table(read_body):
    body = b"receipt,amount\nA,1\nTRAILER,1,1\nmade by:x\n"
    chunks = read_body(body, kind="csv", trailer=TRAILER, ends_at=["made by:"])
    assert [value for chunk in chunks for value in chunk.columns["receipt"]] == ["A"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("A,5\nB,—\nTRAILER,2,5\n", "row 2 below the header holds '—' for an amount"),
        ('A,"￥1,000.00"\nTRAILER,1,1000\n', "row 1 below the header holds '￥1,000.00' for an amount"),
        ("A,5\nTRAILER,1笔,5元\n", "no plain count and sum in 'TRAILER 1笔 5元'"),
        ("A,5\nTRAILER,1\nB,6\nTRAILER,1,6\n", "says 1 rows and 6.*row 2 below the header is a TRAILER line too"),
    ],
)
def test_what_a_control_total_stumbles_over_is_named(read_body, rows, told):
    with pytest.raises(DataError, match=told):
        read_body(f"receipt,amount\n{rows}".encode(), kind="csv", trailer=TRAILER)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_the_line_by_which_excel_is_told_the_delimiter_is_no_header(read_body, delimiter):
    body = "sep=,\nreceipt,amount\nA,1\n".replace(",", delimiter).encode()
    for more in ({}, {"header_row": 2}):
        (chunk,) = read_body(body, kind="csv", delimiter=delimiter, **more)
        assert chunk.columns == {"receipt": ["A"], "amount": ["1"]}


@pytest.mark.parametrize(
    ("row", "told"),
    [("A\rB,1", "a carriage return stands within a field"), ('"A"B,1', "text stands behind a closing quotation mark")],
)
def test_what_keeps_a_line_from_being_parted_is_told_in_plain_words(read_body, row, told):
    with pytest.raises(DataError, match=f"line 3 cannot be parted into fields: {told}"):
        read_body(f"receipt,amount\nX,1\n{row}\n".encode(), kind="csv")
