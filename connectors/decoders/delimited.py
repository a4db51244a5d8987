"""Delimited text (CSV), a chunk at a time, with its control total."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice

from connectors.decoders.chunk import CHUNK_ROWS, Broken, Chunk
from connectors.decoders.text import Text, open_text
from connectors.decoders.transpose import MAX_FIELDS
from connectors.errors import DataError
from connectors.spec import CsvDecoder, Trailer

MAX_CHUNK_CHARACTERS = 8 * 1024 * 1024
"""A chunk ends with the row that passes this; one row alone may not hold more."""

Row = list[str]

_BLOCK = 64 * 1024
_STEP = 500
_CALL = "call the agency with this file"
_AGAIN = "ask the agency to put the file again; it is fetched at the next run"


@dataclass
class _Meter:
    """How many characters were handed out since the last chunk began."""

    characters: int = 0


def decode_csv(decoder: CsvDecoder, content: bytes, where: str) -> Iterator[Chunk]:
    """The rows below the header as columns of text. Positions count rows below the header, blank lines left out.

    A row with another number of fields than the header is broken (`field_count`). A control total that does not agree
    is a `DataError` after the last chunk.
    """
    text = open_text(content, decoder.encodings, where)
    notes = (f"encoding:{text.encoding}",) if len(decoder.encodings) > 1 else ()
    batches = _batches(text, decoder.delimiter, where)
    rows = next(batches, [])
    if not rows:
        raise DataError("has no header line.", where, _CALL)
    header, first = named(rows[0], where), rows[1:]
    total = _ControlTotal(decoder.trailer, header, where) if decoder.trailer else None
    position = 1
    for batch in chain([first], batches):
        kept = total.hold_back(batch) if total else batch
        yield _chunk(header, kept, position, notes if position == 1 else ())
        position += len(kept)
    if total:
        total.check()


def named(header: Row, where: str) -> Row:
    """The names of all columns, each different; one without a name is called by its place, such as `(1)`.

    A column that nobody named is thus reported as a field that the source file does not claim, and not lost.
    """
    if len(header) > MAX_FIELDS:
        raise DataError(f"has {len(header)} headers, more than {MAX_FIELDS}.", where, _CALL)
    if not any(name.strip() for name in header):
        raise DataError("has no header line: its first line names nothing.", where, _CALL)
    names = [name if name.strip() else f"({place})" for place, name in enumerate(header, start=1)]
    if len(set(names)) != len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise DataError(f"has the same header twice: {twice[:60]!r}.", where, _CALL)
    return names


def _batches(text: Text, delimiter: str, where: str) -> Iterator[list[Row]]:
    """Rows without the blank lines, as many at a time as a chunk may hold."""
    meter = _Meter()
    reader = csv.reader(chain.from_iterable(_blocks(text, meter, where)), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    try:
        while step := list(islice(reader, _STEP)):
            rows += filter(None, step)
            if len(rows) >= CHUNK_ROWS or meter.characters >= MAX_CHUNK_CHARACTERS:
                yield rows
                rows, meter.characters = [], 0
    except csv.Error as error:
        raise DataError(f"is not delimited text ({error}).", where, _CALL) from None
    if rows:
        yield rows


def _blocks(text: Text, meter: _Meter, where: str) -> Iterator[io.StringIO]:
    """The text in blocks of whole lines, each an iterator over its lines."""
    rest = ""
    while block := text.stream.read(_BLOCK):
        whole = rest + block
        cut = max(whole.rfind("\n"), whole.rfind("\r", 0, -1)) + 1
        rest = whole[cut:]
        meter.characters += len(block)
        if meter.characters > 2 * MAX_CHUNK_CHARACTERS:
            raise DataError(f"one row holds more than {MAX_CHUNK_CHARACTERS} characters.", where, _CALL)
        yield io.StringIO(whole[:cut], newline="")
    yield io.StringIO(rest, newline="")


def _chunk(header: Row, rows: list[Row], first: int, notes: tuple[str, ...]) -> Chunk:
    width = len(header)
    if set(map(len, rows)) == {width}:
        columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
        return Chunk(columns, range(first, first + len(rows)), notes=notes)
    placed = list(enumerate(rows, start=first))
    whole = [row for row in rows if len(row) == width]
    values = map(list, zip(*whole, strict=True)) if whole else ([] for _ in header)
    return Chunk(
        dict(zip(header, values, strict=True)),
        [place for place, row in placed if len(row) == width],
        broken=tuple(Broken(place, "field_count", row) for place, row in placed if len(row) != width),
        notes=notes,
    )


class _ControlTotal:
    """The last row of a file, held back until it is known to be the last, and what the rows before it add up to."""

    def __init__(self, trailer: Trailer, header: Row, where: str) -> None:
        if trailer.sum_field not in header:
            raise DataError(f"has no column {trailer.sum_field} to sum.", where, _AGAIN)
        self._trailer, self._where = trailer, where
        self._column = header.index(trailer.sum_field)
        self._last: list[Row] = []
        self._count, self._sum = 0, Decimal(0)

    def hold_back(self, rows: list[Row]) -> list[Row]:
        """The rows without the last, which comes first in the next batch."""
        together = self._last + rows
        kept, self._last = together[:-1], together[-1:]
        self._count += len(kept)
        try:
            self._sum += sum((_amount(row[self._column]) for row in kept if len(row) > self._column), Decimal(0))
        except ArithmeticError:
            raise DataError("the control total cannot be computed.", self._where, _AGAIN) from None
        return kept

    def check(self) -> None:
        """Raise a `DataError` unless the last row is the trailer and agrees with the rows."""
        (last,) = self._last or [[""]]
        if last[0] != self._trailer.marker:
            raise DataError(
                f"the last line is no {self._trailer.marker} line: the file is cut short.", self._where, _AGAIN
            )
        try:
            declared = int(last[self._trailer.count - 1]), _amount(last[self._trailer.sum - 1])
        except (ArithmeticError, ValueError, IndexError):
            raise DataError("the control total cannot be read.", self._where, _AGAIN) from None
        if declared != (self._count, self._sum):
            raise DataError(
                f"control total says {declared[0]} rows and {declared[1]}, "
                f"the file holds {self._count} and {self._sum}.",
                self._where,
                _AGAIN,
            )


def _amount(text: str) -> Decimal:
    """The number, thousands separated by commas or not; an empty field adds nothing."""
    return Decimal(text.replace(",", "")) if text else Decimal(0)
