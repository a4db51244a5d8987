"""A table as an Excel workbook for people: codes stay text, the header stays in view, equal rows give equal bytes."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROWS_ON_A_SHEET = 1_048_575
"""The most rows that Excel takes below the header; further rows go on the next sheet."""
LONGEST_TEXT = 32_767
DIGITS = 15
"""So many digits of a number a sheet keeps."""
FIRST_DAY, SURE_FROM = date(1899, 12, 30), date(1900, 3, 1)
NUMBER, TEXT, DAY, HEAD = 0, 1, 2, 3
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
ESCAPE_LIKE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# Number format 49 is text: a cell that begins with "=" stays text, also after it was edited.
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" '
    'applyAlignment="1">'
    '<alignment vertical="top" wrapText="1"/></xf></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)

Rows = Iterable[Sequence[Any]]


def write_workbook(path: Path, title: str, header: Sequence[str], rows: Rows, notes: Rows) -> None:
    """Write one table and, on a last sheet, notes about it; `rows` may be any number.

    A text is a text cell, whatever it looks like; a number is written digit by digit, one of more than 15 digits as
    text; None is an empty cell.
    """
    left, names = iter(rows), list[str]()
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=6) as book:
        while (first := next(left, None)) is not None or not names:
            names.append(f"{title} {len(names) + 1}" if names else title)
            sheet = chain([] if first is None else [first], islice(left, ROWS_ON_A_SHEET - 1))
            _sheet(book, len(names), header, sheet)
        names.append("说明 notes")
        _sheet(book, len(names), ("列 column", "中文", "English"), notes)
        _frame(book, names)


def _sheet(book: ZipFile, number: int, header: Sequence[str], rows: Rows) -> None:
    width = _letters(len(header))
    with book.open(_entry(f"xl/worksheets/sheet{number}.xml"), "w", force_zip64=True) as file:
        file.write(
            f'{XML}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">'
            f'<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
            f'<sheetFormatPr defaultRowHeight="15"/>'
            f'<cols><col min="1" max="{len(header)}" width="20" customWidth="1"/></cols><sheetData>'.encode()
        )
        file.write(f"<row>{''.join(_text(name, HEAD) for name in header)}</row>".encode())
        count = 1
        for lines in _chunks(rows):
            count += len(lines)
            file.write("".join(lines).encode())
        file.write(f'</sheetData><autoFilter ref="A1:{width}{count}"/></worksheet>'.encode())


def _chunks(rows: Rows) -> Iterator[list[str]]:
    lines = (f"<row>{''.join([_cell(value) for value in row])}</row>" for row in rows)
    while some := list(islice(lines, 10_000)):
        yield some


def _cell(value: Any) -> str:
    return "<c/>" if value is None else _WRITTEN.get(type(value), _text)(value)


def _text(value: Any, style: int = TEXT) -> str:
    text = str(value)[:LONGEST_TEXT]
    if not text.isalnum():
        text = escape(UNPRINTABLE.sub("\ufffd", ESCAPE_LIKE.sub("_x005F_", text)))
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _number(text: str) -> str:
    """A number, as text where it has more digits than a sheet keeps."""
    if len(text) > DIGITS and len((text.rstrip("0") if "." in text else text).lstrip("-0.").replace(".", "")) > DIGITS:
        return _text(text)
    return f"<c><v>{text}</v></c>"


def _day(value: date) -> str:
    """A day; before March 1900 as text, since Excel counts a 29 February 1900."""
    return _text(value) if value < SURE_FROM else f'<c s="{DAY}"><v>{(value - FIRST_DAY).days}</v></c>'


_WRITTEN: dict[type, Callable[[Any], str]] = {
    int: lambda value: _number(str(value)),
    Decimal: lambda value: _number(f"{value:f}"),
    bool: lambda value: f'<c t="b"><v>{int(value)}</v></c>',
    date: _day,
}


def _frame(book: ZipFile, names: Sequence[str]) -> None:
    """The parts that describe the sheets, without author and time."""
    numbers = range(1, len(names) + 1)
    sheets = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in zip(numbers, names, strict=True)
    )
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{TYPE}.worksheet+xml"/>'
        for number in numbers
    )
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    )
    held = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{TYPE}.styles+xml"/>'
        f"{parts}</Types>",
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">'
        f"<bookViews><workbookView/></bookViews><sheets>{sheets}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}<Relationship '
        f'Id="rId{len(names) + 1}" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": STYLES,
    }
    for name, content in held.items():
        book.writestr(_entry(name), XML + content)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = ZIP_DEFLATED
    return entry


def _letters(number: int) -> str:
    """The name of a column: 1 is A, 27 is AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
