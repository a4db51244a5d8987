"""The workbook for people: texts stay texts, numbers are whole, and the same rows are the same bytes."""

import json
from datetime import date
from decimal import Decimal
from zipfile import ZipFile

import openpyxl
import pytest

from editions import workbook
from editions.dictionary import UndescribedError, described, read_dictionary
from editions.verify import verify
from editions.workbook import write_workbook
from tests.unit.small_edition import make_candidate, seal_small

HEADER = ("代码\ncode", "值\nvalue")
NOTES = [("code", "代码", "the code")]


@pytest.fixture
def written(tmp_path):
    """Write rows and read them back as a spreadsheet program does: the cells of the first sheet, below its header."""

    def write(*rows):
        path = tmp_path / "book.xlsx"
        write_workbook(path, "rankings", HEADER, rows, NOTES)
        book = openpyxl.load_workbook(path)
        return book, list(book.worksheets[0].iter_rows(min_row=2))

    return write


@pytest.mark.parametrize(
    "text",
    [
        "914413001234567890",
        "0012",
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-1",
        "@SUM(A1)",
        "1E5",
        "TRUE",
        "2025-06-30",
        " two  blanks ",
        '<a & "b">',
        "甲、乙\n丙",
        "𠮷野",
    ],
)
def test_a_text_is_a_text_cell_and_stays_what_it_says(written, text):
    _, ((cell, _),) = written((text, 1))
    assert (cell.data_type, cell.value, cell.number_format) == ("s", text, "@")


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (3, "n", 3),
        (Decimal("51.2923"), "n", 51.2923),
        (Decimal("0E-6"), "n", 0),
        (Decimal("123456789012.34"), "n", 123456789012.34),
        (Decimal("-123456789012345.000000"), "n", -123456789012345),
        (Decimal("0.0000000000123450"), "n", 1.2345e-11),
        (Decimal("-1234567890123.456"), "s", "-1234567890123.456"),
        (-1234567890123456, "s", "-1234567890123456"),
        (date(1900, 2, 28), "s", "1900-02-28"),
        (True, "b", True),
        (None, "n", None),
    ],
)
def test_a_value_is_a_number_a_truth_or_an_empty_cell(written, value, kind, shown):
    _, ((_, cell),) = written(("a", value))
    assert (cell.data_type, cell.value) == (kind, shown)


def test_a_day_is_a_day(written):
    _, ((_, cell),) = written(("a", date(2025, 6, 30)))
    assert (cell.value.date(), cell.number_format) == (date(2025, 6, 30), r"yyyy\-mm\-dd")


def test_what_xml_cannot_hold_is_shown_as_such_and_a_text_too_long_is_cut(written):
    _, rows = written(("a\x00\x0bb", 1), ("x" * 40_000, 2))
    assert rows[0][0].value == "a\ufffd\ufffdb"
    assert len(rows[1][0].value) == 32_767


def test_a_text_that_excel_would_take_for_an_escape_is_escaped(tmp_path):
    write_workbook(tmp_path / "book.xlsx", "rankings", HEADER, [("_x0041_", 1)], NOTES)
    with ZipFile(tmp_path / "book.xlsx") as book:
        assert b"_x005F_x0041_" in book.read("xl/worksheets/sheet1.xml")


def test_the_header_stays_in_view_and_the_last_sheet_says_what_columns_are(written):
    book, _ = written(("a", 1))
    assert book.worksheets[0].freeze_panes == "A2"
    assert [cell.value for cell in book.worksheets[0][1]] == list(HEADER)
    assert [cell.value for cell in book["说明 notes"][2]] == list(NOTES[0])


@pytest.mark.parametrize(("rows", "sheets"), [(0, 1), (2, 1), (5, 3)])
def test_what_does_not_fit_on_a_sheet_goes_on_the_next(written, monkeypatch, rows, sheets):
    monkeypatch.setattr(workbook, "ROWS_ON_A_SHEET", 2)
    book, _ = written(*((str(number), number) for number in range(rows)))
    assert book.sheetnames == [*("rankings", "rankings 2", "rankings 3")[:sheets], "说明 notes"]
    shown = [row[0] for sheet in book.worksheets[:-1] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert [one for one in shown if one is not None] == [str(number) for number in range(rows)]


def test_nothing_in_it_tells_when_it_was_written(tmp_path):
    paths = [tmp_path / "one.xlsx", tmp_path / "other.xlsx"]
    for path in paths:
        write_workbook(path, "rankings", HEADER, [("a", 1)], NOTES)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with ZipFile(paths[0]) as book:
        assert {entry.date_time for entry in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_an_edition_holds_the_ranking_by_rank_with_codes_as_texts(tmp_path):
    changes = """
    update rankings set uscc = '914413001234567890' where uscc like '%3';
    update rankings set rank_overall = null, is_ranked = false where uscc like '%6';
    """
    sealed = seal_small(tmp_path, make_candidate(tmp_path, changes=changes))
    sheet = openpyxl.load_workbook(sealed.path / "tables" / "rankings.xlsx").worksheets[0]
    header = [cell.value for cell in sheet[1]][:3]
    assert header == ["总排名\nrank_overall", "统一社会信用代码\nuscc", "企业名称\nenterprise_name"]
    ranks = [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert ranks == [*sorted(rank for rank in ranks if rank is not None), None]
    codes = [cell for cell in sheet["B"][1:] if cell.value == "914413001234567890"]
    assert [(cell.data_type, cell.number_format) for cell in codes] == [("s", "@")]
    assert verify(sealed.path, sealed.manifest_sha256) == []


def test_a_published_column_without_words_in_both_languages_is_refused_by_name(tmp_path):
    nobody_said = "alter table rankings add column mood varchar; alter table supply add column tone varchar;"
    with pytest.raises(UndescribedError, match=r"rankings: mood would be published.*dbt_project/columns\.csv"):
        seal_small(tmp_path, make_candidate(tmp_path, changes=nobody_said))
    file = tmp_path / "columns.csv"
    file.write_text("table,column,zh,en\n,mood,心情,\nrankings,mood,,the mood\n", encoding="utf-8")
    with pytest.raises(UndescribedError):
        described(read_dictionary(file), "rankings", ["mood"])


def test_words_of_one_table_come_before_those_of_all():
    words = {("", "points"): ("得分", "points"), ("class_totals", "points"): ("类别得分", "points of the class")}
    assert described(words, "class_totals", ["points"])["points"][0] == "类别得分"
    assert described(words, "points", ["points"])["points"][0] == "得分"


def test_the_readme_and_the_manifest_have_both_languages(tmp_path):
    sealed = seal_small(tmp_path, make_candidate(tmp_path))
    told = (sealed.path / "README.txt").read_text("utf-8-sig")
    assert "统一社会信用代码（18 位，文本）  unified social credit code" in told
    manifest = json.loads((sealed.path / "manifest.json").read_bytes())
    columns = [column for table in manifest["tables"].values() for column in table["columns"]]
    assert all(column["description"] and column["description_zh"] for column in columns)
