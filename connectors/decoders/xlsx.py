"""A worksheet: header over one row or several, then rows of values, never of formulas."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from openpyxl.utils.datetime import from_excel

from connectors.decoders.chunk import CHUNK_ROWS, Broken, Chunk
from connectors.decoders.delimited import named
from connectors.decoders.sheet_merges import Merges, read_merges
from connectors.decoders.transpose import check_width
from connectors.decoders.workbook import Workbook, cell_text, open_workbook, unescaped
from connectors.decoders.xml_stream import local, pieces
from connectors.errors import DataError
from connectors.spec import XlsxDecoder

MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
"""What a sheet can hold at all; a place beyond is made up."""

_CALL = "call the agency with this file"
_CHUNK_CELLS = 200_000
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_INTEGER = re.compile(r"-?[0-9]{1,40}")
_NUMBER = re.compile(r"-?[0-9]{0,400}(\.[0-9]{0,400})?([eE][+-]?[0-9]{1,4})?")


@dataclass(frozen=True)
class _Unfit:
    """What stands in a cell and is no value: `formula_cell`, `error_cell` or `merged_cell`."""

    reason: str
    text: str | None


Cells = dict[int, Any]
"""Column, from 1 -> value, for the cells of a row that hold something."""


def decode_xlsx(decoder: XlsxDecoder, body: bytes, where: str, claimed: frozenset[str]) -> Iterator[Chunk]:
    """The rows below the header as columns; positions count them, blank ones too, which are otherwise passed over.

    A record is broken where a field that the source file claims holds a formula (`formula_cell`), an error
    (`error_cell`), or lies under a merged cell that begins elsewhere (`merged_cell`). In other fields the text stands.
    Values under no header come as `(4)`, by their column.
    """
    book = open_workbook(body, decoder.sheet, where)
    last = decoder.header_row + decoder.header_rows - 1
    merges = read_merges(book.sheet, decoder.header_row, last, where)
    above: dict[int, Cells] = {}
    names: list[str] = []
    batch: list[tuple[int, Cells]] = []
    cells, is_first = 0, True
    for number, row in _rows(book, where):
        if number <= last:
            above[number] = row
            continue
        names = names or _header(above, merges, decoder, where)
        if any(value not in (None, "") for value in row.values()):
            batch.append((number, row))
            cells += max(len(names), len(row))
        if len(batch) == CHUNK_ROWS or cells > _CHUNK_CELLS:
            yield _chunk(names, batch, last, merges, claimed, where)
            batch, cells, is_first = [], 0, False
    if batch or is_first:
        yield _chunk(names or _header(above, merges, decoder, where), batch, last, merges, claimed, where)


def _rows(book: Workbook, where: str) -> Iterator[tuple[int, Cells]]:
    number = 0
    for row in pieces(book.sheet, ("sheetData", "row"), where):
        try:
            at = int(row.get("r", number + 1))
            if not number < at <= MAX_ROWS:
                raise ValueError("rows out of order")
            number = at
            yield number, _cells(row, book)
        except (ValueError, LookupError):
            raise DataError(f"is damaged near row {number}.", where, _CALL) from None


def _cells(row: Element, book: Workbook) -> Cells:
    found: Cells = {}
    column = 0
    for cell in row:
        if local(cell.tag) != "c":
            continue
        column = _column(cell.get("r"), column)
        value = _value(cell, book)
        if value is not None:
            found[column] = value
    return found


def _column(reference: str | None, before: int) -> int:
    column = before + 1
    if reference is not None:
        letters = _REFERENCE.fullmatch(reference)
        if letters is None:
            raise ValueError("no cell reference")
        column = 0
        for letter in letters[1]:
            column = column * 26 + ord(letter) - 64
    if not before < column <= MAX_COLUMNS:
        raise ValueError("columns out of order")
    return column


def _value(cell: Element, book: Workbook) -> Any:
    parts = {local(child.tag): child for child in cell}
    if "f" in parts:
        return _Unfit("formula_cell", "=" + (parts["f"].text or ""))
    if "is" in parts:
        return cell_text(parts["is"])
    text = parts["v"].text if "v" in parts else None
    if text is None:
        return None
    kind = cell.get("t", "n")
    if kind == "n":
        return _number(text, int(cell.get("s", "0")) in book.date_styles, book.epoch)
    return _OTHERS[kind](text, book)


_OTHERS: dict[str, Callable[[str, Workbook], Any]] = {
    "s": lambda text, book: book.texts[int(text)],
    "str": lambda text, _: unescaped(text),
    "e": lambda text, _: _Unfit("error_cell", text),
    "b": lambda text, _: text == "1",
    "d": lambda text, _: dt.datetime.fromisoformat(text),
}


def _number(text: str, is_date: bool, epoch: dt.datetime) -> Any:
    if not _NUMBER.fullmatch(text):
        return text
    if is_date:
        try:
            moment = from_excel(float(text), epoch)
        except (ValueError, OverflowError):
            return text
        return moment.isoformat() if isinstance(moment, dt.time) else moment
    # A sheet keeps 17 digits of a binary number; the shortest text that means the same one is what was typed.
    return int(text) if _INTEGER.fullmatch(text) else repr(float(text))


def _header(above: dict[int, Cells], merges: Merges, decoder: XlsxDecoder, where: str) -> list[str]:
    """The name of each column: the cells over it from top to bottom, `学历/硕士`, the same text in a row once."""
    for (row, column), anchor in merges.header.items():
        value = above.get(anchor[0], {}).get(anchor[1])
        if value is not None:
            above.setdefault(row, {})[column] = value
    lines = [above.get(decoder.header_row + place, {}) for place in range(decoder.header_rows)]
    width = max((column for line in lines for column, value in line.items() if _clean(value)), default=0)
    names = []
    for column in range(1, width + 1):
        parts = [part for line in lines if (part := _clean(line.get(column)))]
        names.append("/".join(part for place, part in enumerate(parts) if place == 0 or part != parts[place - 1]))
    return named(names, where)


def _clean(value: Any) -> str:
    """A header without line ends and doubled blanks, and without any blank beside a Chinese character."""
    text = (value.text or "") if isinstance(value, _Unfit) else "" if value is None else str(value)
    return re.sub(r"(?<=[^\x00-\xff]) | (?=[^\x00-\xff])", "", " ".join(text.split()))


def _chunk(
    names: list[str], batch: list[tuple[int, Cells]], last: int, merges: Merges, claimed: frozenset[str], where: str
) -> Chunk:
    width = max([len(names), *(max(row, default=0) for _, row in batch)])
    called = dict(enumerate([*names, *(f"({place})" for place in range(len(names) + 1, width + 1))], start=1))
    held = {column for _, row in batch for column in row}
    # A column that nobody named and that holds nothing is only formatted.
    shown = [c for c, name in called.items() if c in held or (c <= len(names) and name != f"({c})")]
    check_width(len(shown), where)
    wanted = frozenset(c for c in shown if called[c] in claimed)
    kept, broken = [], []
    for number, row in batch:
        if (fault := _fault(number, row, merges, wanted)) is None:
            kept.append((number, row))
        else:
            record = {called[c]: _plain(row.get(c)) for c in shown}
            broken.append(Broken(number - last, fault, record))
    columns = {called[c]: [_plain(row.get(c)) for _, row in kept] for c in shown}
    return Chunk(columns, [number - last for number, _ in kept], broken=tuple(broken))


def _fault(number: int, row: Cells, merges: Merges, wanted: frozenset[int]) -> str | None:
    for column in wanted:
        if isinstance(value := row.get(column), _Unfit):
            return value.reason
        if (number, column) in merges:
            return "merged_cell"
    return None


def _plain(value: Any) -> Any:
    return value.text if isinstance(value, _Unfit) else value
