"""From worksheets to records: headers over several rows, dates, formulas and errors that are no values."""

import datetime as dt
import io
import zipfile
from decimal import Decimal

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from connectors.decoders.form import of_page
from connectors.decoders.xlsx import decode_xlsx
from connectors.errors import DataError
from connectors.spec import Column, XlsxDecoder

EVERY = {
    field: Column(name=f"c{place}", data_type=kind, source_field=field)
    for place, (field, kind) in enumerate(
        {"代号": "varchar", "金额": "decimal(20, 2)", "登记日": "date", "学历/硕士": "bigint"}.items()
    )
}

PERCENT = Column(name="rate", data_type="decimal(8, 4)", source_field="金额", unit="%")
SHEET = "xl/worksheets/sheet1.xml"


def book(*rows, merge=(), title="Sheet", change=None):
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for cells in merge:
        sheet.merge_cells(cells)
    if change:
        change(workbook)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def rewritten(body: bytes, part: str, old: bytes, new: bytes, **added: bytes) -> bytes:
    """The workbook with bytes of one part replaced, as a writer other than ours would have put them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == part:
                assert old in content
                content = content.replace(old, new)
            target.writestr(name, content)
        for name, content in added.items():
            target.writestr(f"xl/{name}.xml", content)
    return buffer.getvalue()


def read(body, claimed=EVERY, **decoder):
    with of_page("talent.staff, f.xlsx"):
        return list(decode_xlsx(XlsxDecoder(kind="xlsx", **decoder), body, claimed))


def one(body, claimed=EVERY, **decoder):
    (chunk,) = read(body, claimed, **decoder)
    return chunk


def test_values_come_as_what_was_typed():
    moment = dt.datetime(2025, 6, 30, 8, 30)
    body = book(["代号", "金额", "登记日", "x"], ["A", 1234567.89, moment, True], ["B", 45, None, None])
    chunk = one(body)
    assert chunk.columns == {
        "代号": ["A", "B"],
        "金额": [Decimal("1234567.89"), 45],
        "登记日": [moment, None],
        "x": [True, None],
    }
    assert chunk.positions == [1, 2]


def test_a_header_over_two_rows_is_joined_and_a_merged_cell_counts_for_all_it_covers():
    rows = [["某区人才表", None, None], ["代号", "学历", None], [None, "硕士", "博士"], ["A", 1, 2]]
    chunk = one(book(*rows, merge=("A1:C1", "A2:A3", "B2:C2")), header_row=2, header_rows=2)
    assert chunk.columns == {"代号": ["A"], "学历/硕士": [1], "学历/博士": [2]}


def test_line_ends_and_blanks_in_a_header_are_no_part_of_its_name():
    assert list(one(book([" 代\n号 ", "姓  名", "Tax\n  ID"], ["A", "B", "C"])).columns) == ["代号", "姓名", "Tax ID"]


def test_a_name_over_two_columns_asks_for_the_row_below_it():
    rows = [["代号", "人员", None], [None, "硕士", "博士"], ["A", 1, 2]]
    with pytest.raises(DataError, match=r"'人员'.* declare header_rows: 2"):
        read(book(*rows, merge=("B1:C1",)))
    assert one(book(*rows, merge=("B1:C1",)), header_rows=2).columns["人员/博士"] == [2]


def test_the_same_header_twice_is_a_loud_stop():
    with pytest.raises(DataError, match="same header twice"):
        read(book(["代号", "学历", None], ["A", 1, 2], merge=("B1:C1",)))


def test_a_formula_is_never_a_value():
    chunk = one(book(["代号", "金额", "x"], ["A", "=1+1", 1], ["B", 2, "=ROW()"]))
    assert [(b.position, b.reason, b.raw) for b in chunk.broken] == [
        (1, "formula_cell", {"代号": "A", "金额": "=1+1", "x": 1})
    ]
    # In a field that nobody claims its text stands, to be reported.
    assert chunk.columns == {"代号": ["B"], "金额": [2], "x": ["=ROW()"]}


def test_text_that_begins_like_a_formula_is_text():
    def as_text(workbook):
        workbook.active["B2"].data_type = "s"

    assert one(book(["代号", "金额"], ["A", "=cmd()"], change=as_text)).columns["金额"] == ["=cmd()"]


def test_an_error_is_never_a_value():
    (broken,) = one(book(["代号", "金额"], ["A", "#REF!"])).broken
    assert (broken.position, broken.reason, broken.raw) == (1, "error_cell", {"代号": "A", "金额": "#REF!"})


def test_a_record_under_a_merged_cell_of_another_is_refused():
    chunk = one(book(["代号", "金额"], ["A", 9], ["B", None], ["C", 1], merge=("B2:B3",)))
    assert chunk.columns == {"代号": ["A", "C"], "金额": [9, 1]}
    assert [(b.position, b.reason) for b in chunk.broken] == [(2, "merged_cell")]


def test_blank_rows_are_passed_over_and_positions_still_are_those_of_the_sheet():
    assert one(book(["代号"], ["A"], [None], [""], ["B"], [None], [None])).positions == [1, 4]


def test_values_under_no_header_are_called_by_their_column():
    chunk = one(book(["代号", None], ["A", None, None, "note"]))
    assert chunk.columns == {"代号": ["A"], "(4)": ["note"]}


@pytest.mark.parametrize("number", [*range(27, 37), *range(50, 59)])
def test_the_date_formats_of_chinese_excel_are_dates_though_no_workbook_spells_them_out(number):
    body = book(["代号", "登记日"], ["A", dt.datetime(2025, 6, 30)])
    body = rewritten(body, "xl/styles.xml", b'<xf numFmtId="164"', b'<xf numFmtId="%d"' % number)
    assert one(body).columns["登记日"] == [dt.datetime(2025, 6, 30)]


def test_the_day_that_only_sheets_know_is_none():
    def as_days(workbook):
        for cell in workbook.active["B"][1:]:
            cell.number_format = "yyyy-mm-dd"

    body = book(["代号", "登记日"], ["A", 59], ["B", 60], ["C", 61], change=as_days)
    assert one(body).columns["登记日"] == [dt.datetime(1900, 2, 28), "60", dt.datetime(1900, 3, 1)]


def test_a_shared_text_is_all_its_runs_without_the_reading_aids():
    texts = "<sst><si><r><t>仲</t></r><r><t>恺_x000D_</t></r><rPh sb='0' eb='1'><t>zhong</t></rPh></si></sst>"
    link = b"<Relationship Id='rId98' Type='x/sharedStrings' Target='texts.xml'/></Relationships>"
    body = rewritten(book(["代号"], [7]), "xl/worksheets/sheet1.xml", b't="n"><v>7</v>', b't="s"><v>0</v>')
    body = rewritten(body, "xl/_rels/workbook.xml.rels", b"</Relationships>", link, texts=texts.encode())
    assert one(body).columns == {"代号": ["仲恺\r"]}


def test_the_only_visible_sheet_is_taken_and_of_several_one_must_be_named():
    def two(workbook):
        workbook.create_sheet("说明").append(["x"])

    def hidden(workbook):
        two(workbook)
        workbook["说明"].sheet_state = "hidden"

    assert one(book(["代号"], ["A"], change=hidden)).columns == {"代号": ["A"]}
    with pytest.raises(DataError, match=r"2 visible sheets .*Sheet.*说明"):
        read(book(["代号"], ["A"], change=two))
    assert one(book(["代号"], ["A"], change=two), sheet="说明").columns == {"x": []}
    with pytest.raises(DataError, match="has no sheet 年报"):
        read(book(["代号"], ["A"], change=two), sheet="年报")


def test_a_workbook_cut_short_anywhere_is_a_loud_stop():
    whole = book(["代号"], ["A"])
    for cut in range(0, len(whole), 97):
        with pytest.raises(DataError):
            read(whole[:cut])


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("xl/worksheets/sheet1.xml", b"<worksheet", b"<!DOCTYPE x [<!ENTITY a 'b'>]><worksheet"),
        ("xl/worksheets/sheet1.xml", b'<row r="2"', b'<row r="999999999999"'),
        ("xl/worksheets/sheet1.xml", b'r="A2"', b'r="ZZZ2"'),
        ("xl/worksheets/sheet1.xml", b'r="A2"', b'r="../2"'),
        ("xl/worksheets/sheet1.xml", b't="inlineStr"', b't="s"><v>99</v></c><c t="inlineStr"'),
        ("xl/worksheets/sheet1.xml", b't="inlineStr"', b't="odd"><v>1</v></c><c t="inlineStr"'),
        ("xl/worksheets/sheet1.xml", b"</sheetData>", b'</sheetData><mergeCell ref="A1:XFD1048576"/>'),
        ("xl/workbook.xml", b"<sheets>", b"<sheets><sheet/>"),
        ("xl/_rels/workbook.xml.rels", b"worksheets/sheet1.xml", b"../../../../etc/passwd"),
    ],
)
def test_a_made_up_part_is_a_loud_stop(part, old, new):
    with pytest.raises(DataError):
        read(rewritten(book(["代号"], ["A"]), part, old, new))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, r"an old \.xls or has a password"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "a workbook with a password"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "is a page of HTML, not a workbook"),
        ("代号,金额\nA,1\n".encode("gbk"), "is plain or delimited text, not a workbook"),
        (b'{"code": 401}', "is JSON, not a workbook"),
        (b"Rar!\x1a\x07\x00", "is a RAR archive, not a workbook"),
        (b"", "is empty, not a workbook"),
    ],
)
def test_what_is_no_workbook_is_told_for_what_it_is(read_body, body, told):
    with pytest.raises(DataError, match=told):
        read_body(body, kind="xlsx")


def renamed(body, old, new):
    """The workbook with one part under another name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            target.writestr(name.replace(old, new), source.read(name))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("worksheets/sheet1.xml", "worksheets/Sheet1.xml"),
        ("xl/styles.xml", "xl/Styles.xml"),
        ("xl/workbook.xml", "XL/Workbook.XML"),
        ("xl/_rels/workbook.xml.rels", "xl\\_rels\\workbook.xml.rels"),
        ("_rels/.rels", "_Rels/.Rels"),
    ],
)
def test_a_part_in_another_case_is_that_part(old, new):
    assert one(renamed(book(["代号"], ["A"]), old, new)).columns == {"代号": ["A"]}


@pytest.mark.parametrize(
    ("written", "value"),
    [("1", True), ("true", True), (" 1 ", True), ("0", False), ("false", False), ("2", "2"), ("TRUE", "TRUE")],
)
def test_a_cell_of_truth_holds_what_the_schema_allows_and_nothing_else_is_false(written, value):
    body = rewritten(book(["代号"], [True]), SHEET, b"<v>1</v>", f"<v>{written}</v>".encode())
    assert one(body).columns["代号"] == [value]


@pytest.mark.parametrize(
    ("written", "value"),
    [("2025-06-30T00:00:00", dt.datetime(2025, 6, 30)), ("2025-06-30", dt.datetime(2025, 6, 30)), ("13:45:30",) * 2],
)
def test_a_cell_of_iso_dates_is_a_day_and_a_time_alone_spoils_no_file(written, value):
    body = rewritten(book(["代号"], [7]), SHEET, b't="n"><v>7</v>', f't="d"><v>{written}</v>'.encode())
    assert one(body).columns["代号"] == [value]


def test_blanks_that_a_writer_puts_around_a_value_are_none_of_it():
    def padded(workbook):
        workbook.active["A2"].number_format = "000000"
        workbook.active["B2"].number_format = "0.00%"

    laid_out = rewritten(book(["代号", "金额"], [10086, 0.0435], change=padded), SHEET, b"<v>", b"<v>\n  ")
    found = one(rewritten(laid_out, SHEET, b"</v>", b"\n</v>"), claimed={"代号": EVERY["代号"], "金额": PERCENT})
    assert (found.columns["代号"], found.columns["金额"]) == (["010086"], ["4.35%"])


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "_rels/.rels"])
def test_a_part_that_is_missing_is_named(part):
    with pytest.raises(DataError, match=f"its part '{part}' is missing"):
        read(renamed(book(["代号"], ["A"]), part, "lost.xml"))


TOTALS = [["代号", "金额"], ["A", 1], [None, None], [None, "合 计"], ["B", 2], ["注：截至年底", None]]


def test_a_declared_word_ends_the_table_and_what_comes_after_is_counted():
    chunk = one(book(*TOTALS), ends_at=["合计"])
    told = (*("row_after_end",) * 3, "record_after_end")
    assert (chunk.columns, chunk.notes) == ({"代号": ["A"], "金额": [1]}, told)
    assert one(book(*TOTALS), ends_at=["注:"]).columns["代号"] == ["A", None, "B"]
    assert one(book(*TOTALS)).notes == ()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            [["代号", "金额", "备注"], ["A", 1, "x"], ["代号", "备注", "金额"], ["B", "y", 2]],
            "row 2 below the header names",
        ),
        ([["代号", "金额", "备注"], ["合计", 3, None], ["A", 1, None]], "first row below the header ends the table"),
    ],
)
def test_a_second_header_and_a_total_above_the_records_are_loud_stops(rows, told):
    with pytest.raises(DataError, match=told):
        read(book(*rows), ends_at=["合计"])


def test_the_same_header_again_and_a_total_of_nothing_are_none():
    assert one(book(["代号", "金额"], ["A", 1], ["代号", "金额"])).columns["代号"] == ["A", "代号"]
    assert one(book(["代号", "金额", "备注"], ["合计", 0, None], ["注：元"]), ends_at=["合计"]).columns["代号"] == []


@pytest.mark.parametrize(
    "header", ["代号\t", " 代\u3000号", "代\u200b号", "\ufeff代号", "代\xa0号", "代\n号"],
)  # fmt: skip
def test_what_nobody_sees_is_no_part_of_a_header(header):
    assert one(book([header], ["A"])).columns == {"代号": ["A"]}


def test_an_empty_sheet_is_none_and_one_with_the_same_columns_is_counted():
    def more(workbook):
        workbook.create_sheet("Sheet2")
        workbook.create_sheet("Sheet3").merge_cells("A1:B2")

    assert one(book(["代号"], ["A"], change=more)).columns == {"代号": ["A"]}

    def rest(workbook):
        more(workbook)
        for name, header in (("续", list(EVERY)), ("说明", ["代号"])):
            workbook.create_sheet(name).append(header)

    body = book(list(EVERY), ["A"], change=rest)
    assert [chunk.notes for chunk in read(body, sheet="Sheet")] == [("other_sheet:续",)]
    with pytest.raises(DataError, match="3 visible sheets"):
        read(body)


def test_hidden_rows_are_records_and_counted():
    def hide(workbook):
        for row in (1, 3, 4):
            workbook.active.row_dimensions[row].hidden = True

    (chunk,) = read(book(["代号"], ["A"], ["B"], [], ["C"], change=hide))
    assert (chunk.columns["代号"], chunk.notes) == (["A", "B", "C"], ("hidden_row",))


def test_rows_that_are_struck_out_are_records_and_counted():
    def strike(workbook):
        for cell in ("A1", "A2", "B2", "C2", "A3"):
            workbook.active[cell].font = openpyxl.styles.Font(strike=True)
        workbook.active["A4"].font = openpyxl.styles.Font(strike=False)

    (chunk,) = read(book(["代号", "x"], ["A", 1], ["B", 2], ["C", 3], change=strike))
    assert (chunk.columns["代号"], chunk.notes) == (["A", "B", "C"], ("struck_row", "struck_cell"))


@pytest.mark.parametrize(
    ("runs", "is_broken"),
    [
        ((("旧名", True), ("新名", False)), True),
        ((("新名", False), (" ", True)), False),
        ((("名", False), ("称", False)), False),
        ((("旧", True), ("名", True)), False),
    ],
)
def test_a_text_that_is_struck_out_in_part_is_no_value(runs, is_broken):
    text = CellRichText(*(TextBlock(InlineFont(strike=struck), part) for part, struck in runs))
    (chunk,) = read(book(["代号", "注"], ["A", "x"], [text, "x"], ["C", text]))
    assert [(one.position, one.reason) for one in chunk.broken] == [(2, "struck_text")] * is_broken
    assert chunk.columns["注"][-1].strip() == str(text).strip(), "no column claims it, so it stands"


def test_a_link_to_another_workbook_is_not_followed():
    link = b'<Relationship Id="rId99" Type="x/externalLink" TargetMode="External" Target="http://127.0.0.1/x"/>'
    body = rewritten(
        book(["代号"], ["A"]), "xl/_rels/workbook.xml.rels", b"</Relationships>", link + b"</Relationships>"
    )
    assert one(body).columns == {"代号": ["A"]}


def test_many_rows_come_in_chunks(monkeypatch):
    monkeypatch.setattr("connectors.decoders.xlsx.CHUNK_ROWS", 2)
    assert [chunk.positions for chunk in read(book(["代号"], *([n] for n in range(5))))] == [[1, 2], [3, 4], [5]]
