"""A worksheet: header over one row or several, then rows of values, never of formulas."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import chain, groupby
from typing import Any
from xml.etree.ElementTree import Element

from openpyxl.utils.cell import column_index_from_string

from connectors.decoders.chunk import CHUNK_ROWS, Broken, Chunk, check_width
from connectors.decoders.form import CALL, FormError
from connectors.decoders.headers import (
    beginning_with,
    is_like_a_record,
    named,
    refuse_second,
    refuse_total_on_top,
    stated_unit,
)
from connectors.decoders.sheet_formats import PLAIN, Format, FormattedNumber, Misfit, moment_of, number_of, settled
from connectors.decoders.workbook import Merges, Workbook, cell_text, open_workbook, read_merges, unescaped
from connectors.decoders.xml_records import local, pieces
from connectors.spec import Column, XlsxDecoder
from ledger.hand_made import clean

MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
"""The largest sheet there is; a cell beyond is damage."""

_CHUNK_CELLS = 200_000
"""A chunk of a wide sheet ends here: it is cells that take memory, not rows."""

_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_NUMBER = re.compile(r"-?[0-9]{0,400}(\.[0-9]{0,400})?([eE][+-]?[0-9]{1,4})?")


Cells = dict[int, Any]
"""Column, from 1 -> value, for the cells of a row that hold something."""
SheetRow = tuple[int, Cells, str]
"""The number of a row, what stands in it, and its mark."""


def decode_xlsx(decoder: XlsxDecoder, body: bytes, claimed: Mapping[str, Column]) -> Iterator[Chunk]:
    """The rows below the header as columns; positions count them, blank ones too, which are otherwise passed over.

    A record is broken where a field that the source file claims holds a formula (`formula_cell`), an error
    (`error_cell`), a text that is struck out in part (`struck_text`), a number of more digits than a sheet keeps
    (`digits_lost`) or shown as another than it is (`scaled_format`), or lies under a merged cell that begins elsewhere
    (`merged_cell`). In other fields the text stands. Values under no header come as `(4)`, by their column. Numbers are
    int or Decimal, padded ones text. Rows that are hidden or struck out are records like the others, and counted
    (`hidden_row`, `struck_row`, and `struck_cell` where a part of the row is); so are other sheets with these columns,
    which are not read (`other_sheet`).
    """
    book = open_workbook(body, decoder.sheet)
    last = decoder.header_row + decoder.header_rows - 1
    merges = read_merges(book.sheet, decoder.header_row, last)
    rows = _rows(book)
    above, first = _above(rows, last)
    names = _header(above, merges, decoder, claimed)
    units = _units(above, decoder, claimed) if first else ()
    batch: list[tuple[int, Cells]] = []
    cells, is_first, after_end, marked = 0, True, 0, Counter[str]()
    end_word = beginning_with(decoder.ends_at)
    for number, row, mark in chain(first, rows):
        filled = [text for value in row.values() if (text := str(_plain(value)).strip())]
        if after_end or (filled and end_word and end_word.match(filled[0])):
            after_end += bool(filled)
            below = {names[column - 1]: _plain(value) for column, value in row.items() if column <= len(names)}
            is_end = not filled or (end_word is not None and end_word.match(filled[0]))
            marked["record_after_end"] += not is_end and is_like_a_record(below, claimed)
            if end_word and not batch and is_first:
                refuse_total_on_top(end_word, len(names), [filled])
        elif filled:
            batch.append((number, row))
            marked[mark] += bool(mark)
            cells += max(len(names), len(row))
        if len(batch) == CHUNK_ROWS or cells > _CHUNK_CELLS:
            yield _chunk(names, batch, last, merges, claimed)
            batch, cells, is_first = [], 0, False
    others = tuple(f"other_sheet:{name}" for name, content in book.others if _is_alike(book, content, decoder, claimed))
    if batch or is_first or after_end or marked.total() or units or others:
        chunk = _chunk(names, batch, last, merges, claimed)
        notes = ("row_after_end",) * after_end + tuple(marked.elements()) + units + others
        yield replace(chunk, notes=notes)


def _above(rows: Iterator[SheetRow], last: int) -> tuple[dict[int, Cells], list[SheetRow]]:
    """The rows down to the last one of the header; and the first one below it, where there is one."""
    above: dict[int, Cells] = {}
    for number, row, mark in rows:
        if number > last:
            return above, [(number, row, mark)]
        above[number] = row
    return above, []


def _rows(book: Workbook) -> Iterator[SheetRow]:
    """The number of each row, what stands in it, and whether it is hidden (by hand or a filter) or struck out."""
    number = 0
    for row in pieces(book.sheet, ("sheetData", "row")):
        try:
            at = int(row.get("r", number + 1))
            if not number < at <= MAX_ROWS:
                raise ValueError("rows out of order")
            number = at
            yield number, _cells(row, book), _mark(row, book)
        except (ValueError, LookupError):
            raise FormError(f"is damaged near row {number}.") from None


def _mark(row: Element, book: Workbook) -> str:
    if row.get("hidden") in ("1", "true"):
        return "hidden_row"
    styles = {int(cell.get("s", "0")) for cell in row if len(cell)} if book.struck else set()
    if not styles & book.struck:
        return ""
    return "struck_row" if styles <= book.struck else "struck_cell"


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
        column = column_index_from_string(letters[1])
    if not before < column <= MAX_COLUMNS:
        raise ValueError("columns out of order")
    return column


def _value(cell: Element, book: Workbook) -> Any:
    parts = {local(child.tag): child for child in cell}
    if "f" in parts:
        return Misfit("formula_cell", "=" + (parts["f"].text or ""))
    if "is" in parts:
        return cell_text(parts["is"])
    text = parts["v"].text if "v" in parts else None
    if text is None:
        return None
    kind = cell.get("t", "n")
    if kind != "str":
        # A writer that lays its XML out puts blanks around a value, and they are none of it.
        text = text.strip()
        if not text:
            return None
    if kind == "n":
        return _number(text, int(cell.get("s", "0")), book)
    return _OTHERS[kind](text, book)


_TRUTHS = {"1": True, "true": True, "0": False, "false": False}
"""What the schema allows in a cell of truth; anything else is text, for its column to judge."""

_OTHERS: dict[str, Callable[[str, Workbook], Any]] = {
    "s": lambda text, book: book.texts[int(text)],
    "str": lambda text, _: unescaped(text),
    "e": lambda text, _: Misfit("error_cell", text),
    "b": lambda text, _: _TRUTHS.get(text, text),
    "d": lambda text, _: _iso_moment(text),
}


def _iso_moment(text: str) -> dt.datetime | str:
    """A day or a moment; a time alone stays text, for its column to judge."""
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return text


def _number(text: str, style: int, book: Workbook) -> Any:
    if not _NUMBER.fullmatch(text):
        return text
    form = book.formats[style] if style < len(book.formats) else Format()
    if form.moment is not None:
        try:
            return moment_of(text, form.moment, book.epoch)
        except (ValueError, OverflowError):
            return text
    held = number_of(text)
    look = form.look(held)
    return held if look == PLAIN else FormattedNumber(held, look)


def _header(above: dict[int, Cells], merges: Merges, decoder: XlsxDecoder, claimed: Mapping[str, Column]) -> list[str]:
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
        names.append("/".join(part for part, _ in groupby(parts)))
    more = f"declare header_rows: {decoder.header_rows + 1} where the names go over one more row, or {CALL}"
    if merges.header:
        more = f"one cell of the header is merged over several columns: ask for one name a column, or {more}"
    return named(names, claimed.keys(), more)


def _is_alike(book: Workbook, content: bytes, decoder: XlsxDecoder, claimed: Mapping[str, Column]) -> bool:
    """Whether the header of another sheet has all the columns: it may be the rest of this table."""
    last = decoder.header_row + decoder.header_rows - 1
    try:
        above, _ = _above(_rows(replace(book, sheet=content)), last)
        return {*claimed} <= {*_header(above, read_merges(content, decoder.header_row, last), decoder, claimed)}
    except FormError:
        return False


def _units(above: dict[int, Cells], decoder: XlsxDecoder, claimed: Mapping[str, Column]) -> tuple[str, ...]:
    titles = (row for number, row in above.items() if number < decoder.header_row)
    return stated_unit((str(_plain(value)) for row in titles for value in row.values()), claimed)


def _clean(value: Any) -> str:
    return "" if value is None else clean(str(_plain(value) or ""))


def _chunk(
    names: list[str], batch: list[tuple[int, Cells]], last: int, merges: Merges, claimed: Mapping[str, Column]
) -> Chunk:
    width = max([len(names), *(max(row, default=0) for _, row in batch)])
    called = dict(enumerate([*names, *(f"({place})" for place in range(len(names) + 1, width + 1))], start=1))
    held = {column for _, row in batch for column in row}
    # A column without name and values is only formatted.
    shown = [c for c, name in called.items() if c in held or (c <= len(names) and name != f"({c})")]
    check_width(len(shown))
    wanted = {c: claimed[called[c]] for c in shown if called[c] in claimed}
    kept, broken = [], []
    for number, row in batch:
        found, place, fault = _settle(number, row, merges, wanted)
        if fault is None:
            kept.append((number, found))
        else:
            record = {called[c]: _plain(row.get(c)) for c in shown}
            broken.append(Broken(number - last, fault, record, called[place]))
    columns = {called[c]: [_plain(row.get(c)) for _, row in kept] for c in shown}
    positions = [number - last for number, _ in kept]
    refuse_second(names, columns, positions)
    return Chunk(columns, positions, broken=tuple(broken))


def _settle(number: int, row: Cells, merges: Merges, wanted: Mapping[int, Column]) -> tuple[Cells, int, str | None]:
    """The row with each claimed number as its column takes it; or the place of a cell that is no value, and why."""
    found = dict(row)
    for place, column in wanted.items():
        value = row.get(place)
        if (number, place) in merges.below and not isinstance(value, Misfit):
            value = Misfit("merged_cell")
        if isinstance(value, (int, Decimal, FormattedNumber)) and not isinstance(value, bool):
            found[place] = value = settled(value, column)
        if isinstance(value, Misfit):
            return row, place, value.reason
    return found, 0, None


def _plain(value: Any) -> Any:
    if isinstance(value, Misfit):
        return value.text
    return value.held if isinstance(value, FormattedNumber) else value
