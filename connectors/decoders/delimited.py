"""Delimited text (CSV), a chunk at a time, with its control total."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from itertools import chain, islice
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.decoders.chunk import CHUNK_ROWS, Broken, Chunk
from connectors.decoders.form import CALL, PUT_AGAIN, FormError
from connectors.decoders.headers import (
    beginning_with,
    is_like_a_record,
    named,
    refuse_second,
    refuse_total_on_top,
    stated_unit,
)
from connectors.decoders.text import open_text
from connectors.spec import Column, CsvDecoder, Trailer
from ledger.hand_made import NO_NAME, NO_RECORD, WORDS, clean

MAX_CHUNK_CHARACTERS = 8 * 1024 * 1024
"""A chunk ends with the row that passes this; one row alone may not hold more."""

NONE_CLAIMED: Mapping[str, Column] = MappingProxyType({})
Row = list[str]

_BLOCK = 64 * 1024
_STEP = 500
"""Rows taken at a time: whether one of them goes over several lines is seen from the count of all."""
_SHOWN = 60
_LINE_END = re.compile(r"\r\n|\r|\n")
_WORDS = re.compile(WORDS)
_HOLE = b"\0" * 16
"""A block that was never written, within a file that was copied by several writers at once or not to its end."""
_PROGRAM_FAILED = re.compile(
    r"\s*(?:ORA-\d{5}\b|(?:\w+ )?(?:error|exception|fatal)\b.*:|error\s+\d{3,5}\b|Code: \d+\b.*Exception"
    r"|Traceback \(|java\.\w|<(?:!doctype|html|br|b)\b)",
    re.IGNORECASE,
)
_CSV_FAULTS = {
    "new-line character": "a carriage return stands within a field that no quotation marks enclose",
    "expected after": "text stands behind a closing quotation mark",
    "unexpected end": "a quotation mark is not closed",
    "field limit": "one field is longer than any may be",
}
_QUOTES = (
    "declare quote: none where quotation marks mean nothing in this file, or multiline: true where a field may hold "
    "a line end (any: even one that looks like two rows); otherwise call the agency with this line"
)
_LINE_ENDS = (
    "ask the agency for a file whose lines all end alike, or for such a field in quotation marks (multiline: true)"
)


def decode_csv(decoder: CsvDecoder, content: bytes, claimed: Mapping[str, Column] = NONE_CLAIMED) -> Iterator[Chunk]:
    """The rows below the header as columns of text. Positions count rows below the header, blank rows left out.

    A row with another number of fields than the header is broken (`field_count`). A quotation mark that a line leaves
    open, and a control total that does not agree, is a `FormError`, maybe after some chunks; so is a last line that
    ends within a row, and an error of the agency's program in place of a row. What comes after the declared end of the
    table is counted (`row_after_end`, and `record_after_end` where it looks like one); so is a last line without the
    line end that the others have, for it may be cut within a number (`no_line_end`), where no control total says that
    it is whole, and a field that looks like two rows where that is declared (`like_two_rows`).
    """
    rows = _Rows(decoder, content)
    notes: tuple[str, ...] = (f"encoding:{rows.encoding}",) if len(decoder.encodings) > 1 else ()
    top = rows.header()
    if not top:
        raise FormError("has no header line.")
    notes += stated_unit(chain.from_iterable(rows.above), claimed)
    trailer = decoder.trailer
    header = named(top, claimed.keys() | {trailer.sum_field} if trailer else claimed.keys())
    total = _ControlTotal(trailer, header) if trailer else None
    position, chunk = 1, None
    for batch in rows.batches():
        kept = total.hold_back(batch) if total else batch
        chunk = _chunk(header, kept, position, notes)
        _refuse_failure(chunk.broken)
        refuse_second(header, chunk.columns, chunk.positions)
        yield chunk
        position, notes = position + len(kept), ()
    if total:
        total.check()
    elif not rows.after_end and rows.is_cut and chunk is not None:
        _refuse_cut_row(chunk, position - 1, header)
    notes += ("row_after_end",) * rows.after_end
    below = (dict(zip(header, row, strict=False)) for row in rows.below if len(row) == len(header))
    notes += ("record_after_end",) * sum(is_like_a_record(row, claimed) for row in below)
    notes += ("like_two_rows",) * rows.like_two
    notes += ("no_line_end",) * (position > 1 and not rows.after_end and not total and rows.is_cut)
    if position == 1 or notes:
        yield _chunk(header, [], position, notes)


class _Rows:
    """The rows of a file in their order, and the line at which the reader stands."""

    def __init__(self, decoder: CsvDecoder, content: bytes) -> None:
        self._decoder, self._content = decoder, content
        self._end_word = beginning_with(decoder.ends_at)
        self._characters = self._width = self._body = self.after_end = self.like_two = 0
        self.above: list[Row] = []
        self.below: list[Row] = []
        # Where lines end in LF, a CR alone is no line end; only old systems end lines in CR.
        self._ends = "\n" if b"\n" in content else ""
        # A delimiter before a blank counts as a comma of a text, not as one between fields.
        self._signs = re.compile(re.escape(decoder.delimiter) + "(?! )")
        self.is_cut = not content.rstrip(b"\0").endswith((b"\r", b"\n"))
        if self.is_cut and content.endswith(b"\0") and "utf-16" not in decoder.encodings:
            raise FormError("ends in zero bytes within a line: it was cut short while it was copied.", PUT_AGAIN)
        if "utf-16" not in decoder.encodings and (hole := _hole_in(content.rstrip(b"\0"), decoder.delimiter)) >= 0:
            raise FormError(f"holds a run of zero bytes from byte {hole} on: its copy is damaged.", PUT_AGAIN)
        text = open_text(content, decoder.encodings)
        self.encoding = text.encoding
        self._reader = self._parted(chain.from_iterable(self._blocks(text.stream)))

    def header(self) -> Row:
        """The row that names the columns. Its fields may hold line ends: they are held against the source file."""
        self.above = self._take(self._decoder.header_row - 1)
        while (rows := self._take(1)) in ([[]], [["sep=", ""]]):
            # Excel's own line that names the delimiter is no header, and Excel does not show it.
            pass
        self._width, self._body = len(rows[0]) if rows else 0, self._reader.line_num
        return rows[0] if rows else []

    def batches(self) -> Iterator[list[Row]]:
        """The rows in which something stands, as many at a time as a chunk may hold, up to the end of the table."""
        rows: list[Row] = []
        is_begun = False
        for step in self._steps():
            end = 0 if self.after_end else self._end(step)
            is_begun = is_begun or end > 0
            rows += step[:end]
            self.after_end += len(step) - end
            self.below += [row for row in step[end:] if not self._is_end(row)][: _STEP - len(self.below)]
            if self._end_word and not is_begun:
                refuse_total_on_top(self._end_word, self._width, step[end:])
            if len(rows) >= CHUNK_ROWS or self._characters >= MAX_CHUNK_CHARACTERS:
                yield rows
                rows, self._characters = [], 0
        if rows:
            yield rows

    def _steps(self) -> Iterator[list[Row]]:
        before = self._reader.line_num
        while step := self._take(_STEP):
            if self._reader.line_num - before != len(step):
                self._check_line_ends(step)
            before = self._reader.line_num
            yield [row for row in step if any(map(str.strip, row))]

    def _end(self, rows: list[Row]) -> int:
        ends = (place for place, row in enumerate(rows) if self._is_end(row))
        return len(rows) if self._end_word is None else next(ends, len(rows))

    def _is_end(self, row: Row) -> bool:
        word = self._end_word
        return word is not None and word.match(next(filter(str.strip, row))) is not None

    def _take(self, count: int) -> list[Row]:
        try:
            return list(islice(self._reader, count))
        except csv.Error as error:
            reason = next((words for sign, words in _CSV_FAULTS.items() if sign in str(error)), str(error))
            is_of_quotes = "new-line" not in str(error)
            fault = self._fault(f"cannot be parted into fields: {reason}")
            raise (fault if is_of_quotes else FormError(fault.what, _LINE_ENDS)) from None

    def _check_line_ends(self, rows: list[Row]) -> None:
        if not self._decoder.multiline:
            raise self._fault("opens a quotation mark that it does not close")
        found = sum(map(self._swallows, rows))
        self.like_two += found
        if found and self._decoder.multiline != "any":
            raise self._fault("opens a quotation mark that is closed some whole rows later")

    def _swallows(self, row: Row) -> bool:
        """Whether a field of several lines reads like the end of one row, maybe whole ones, and the head of another.

        A row whose width is right can have swallowed others only where the mark that closes stands in the field of the
        mark that opened.
        """
        last = self._width - 1
        for place, field in enumerate(row):
            lines = _LINE_END.split(field)
            if len(lines) > 1 and len(row) != self._width:
                return True
            if len(lines) > 1 and last:
                head, *inner, tail = (len(self._signs.findall(line)) for line in lines)
                if (head, tail) == (last - place, place) and (last in inner or not "".join(lines[1:-1]).strip()):
                    return True
        return False

    def _fault(self, what: str) -> FormError:
        """The error that names the first line which is at fault, found by reading the file once more."""
        reader = self._parted(self._lines())
        before = 0
        with suppress(csv.Error):
            for row in reader:
                is_long = before >= self._body and reader.line_num - before > 1
                if is_long and (not self._decoder.multiline or self._swallows(row)):
                    break
                before = reader.line_num
        line = next(islice(self._lines(), before, None), "").rstrip("\r\n")
        shown = repr(line[:_SHOWN]) + ("…" if len(line) > _SHOWN else "")
        return FormError(f"is not delimited text as declared: line {before + 1} {what}: {shown}.", _QUOTES)

    def _lines(self) -> Iterator[str]:
        stream = open_text(self._content, self._decoder.encodings).stream
        stream.reconfigure(newline=self._ends)
        yield from stream

    def _parted(self, lines: Iterable[str]) -> Any:
        delimiter, quote = self._decoder.delimiter, self._decoder.quote
        if quote == "none":
            return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
        # A blank before a field, in quotation marks or not, is no part of it.
        return csv.reader(lines, delimiter=delimiter, quotechar=quote, strict=True, skipinitialspace=True)

    def _blocks(self, stream: io.TextIOWrapper) -> Iterator[io.StringIO]:
        """The text in blocks of whole lines, each an iterator over its lines."""
        rest = ""
        while block := stream.read(_BLOCK):
            whole = rest + block
            cut = (whole.rfind("\n") if self._ends else whole.rfind("\r", 0, -1)) + 1
            rest = whole[cut:]
            self._characters += len(block)
            if self._characters > 2 * MAX_CHUNK_CHARACTERS:
                raise FormError(f"one row holds more than {MAX_CHUNK_CHARACTERS} characters.")
            yield io.StringIO(whole[:cut], newline=self._ends)
        yield io.StringIO(rest, newline=self._ends)


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


def _hole_in(content: bytes, delimiter: str) -> int:
    """Where a block begins that was never written, or -1. Zeros up to the end of a field are its padding."""
    if _HOLE not in content:
        return -1
    found = re.search(rb"\0{512}|\0{16,}(?![\0\"\r\n" + re.escape(delimiter.encode()) + rb"])", content)
    return found.start() if found else -1


def _refuse_failure(broken: Iterable[Broken]) -> None:
    """Raise a `FormError` for an error that the agency's program wrote among the rows: what follows it is missing."""
    for one in broken:
        if len(one.raw) == 1 and _PROGRAM_FAILED.match(one.raw[0]):
            what = f"row {one.position} below the header is no record but an error: {one.raw[0].strip()[:_SHOWN]!r}."
            raise FormError(f"{what} What follows it is missing.", PUT_AGAIN)


def _refuse_cut_row(chunk: Chunk, last: int, header: Row) -> None:
    """Raise a `FormError` where the last row, without a line end, has too few fields and is no note or total.

    Words below a column of codes are a note, whatever they say.
    """
    broken = chunk.broken
    if not broken or broken[-1].position != last or len(row := broken[-1].raw) >= len(header):
        return
    said, codes = clean(row[0]), chunk.columns[header[0]]
    is_note = pc.match_substring_regex(pa.array([said]), NO_RECORD + NO_NAME)[0].as_py()
    is_among_codes = codes and not any(map(_WORDS.search, codes))
    if not is_note and not (len(row) == 1 and is_among_codes and _WORDS.search(said)):
        what = f"ends within row {last} below the header: {' '.join(row)[:_SHOWN]!r}. It was cut short."
        raise FormError(what, f"{PUT_AGAIN}; for a note below the table declare ends_at")


class _ControlTotal:
    """The last row of a file, held back until it is known to be the last, and what the rows before it add up to."""

    def __init__(self, trailer: Trailer, header: Row) -> None:
        if trailer.sum_field not in header:
            shown = " ".join(header)[:_SHOWN]
            what = f"has no column {trailer.sum_field} to sum; its header reads {shown!r}."
            raise FormError(what, f"declare header_row where titles stand above the header, or {CALL}")
        self._trailer = trailer
        self._column = header.index(trailer.sum_field)
        self._last: list[Row] = []
        self._count, self._sum, self._earlier = 0, Decimal(0), 0

    def hold_back(self, rows: list[Row]) -> list[Row]:
        """The rows without the last, which comes first in the next batch."""
        together = self._last + rows
        kept, self._last = together[:-1], together[-1:]
        for place, row in enumerate(kept, start=self._count + 1):
            if row[0].strip() == self._trailer.marker:
                self._earlier = self._earlier or place
            try:
                self._sum += _amount(row[self._column]) if len(row) > self._column else 0
            except ArithmeticError:
                what = f"the control total cannot be computed: row {place} below the header holds"
                raise FormError(f"{what} {row[self._column][:_SHOWN]!r} for an amount.") from None
        self._count += len(kept)
        return kept

    def check(self) -> None:
        """Raise a `FormError` unless the last row is the trailer and agrees with the rows."""
        (last,) = self._last or [[""]]
        if clean(last[0]) != clean(self._trailer.marker):
            what = f"the last line is no {self._trailer.marker} line but {' '.join(last)[:_SHOWN]!r}"
            notes = "declare ends_at where notes stand below the total, or "
            raise FormError(f"{what}: the file is cut short, or goes on behind it.", notes + PUT_AGAIN)
        try:
            declared = int(last[self._trailer.count - 1]), _amount(last[self._trailer.sum - 1])
        except (ArithmeticError, ValueError, IndexError):
            what = f"the control total cannot be read: no plain count and sum in {' '.join(last)[:_SHOWN]!r}"
            raise FormError(f"{what}.", f"compare count and sum under trailer, or {CALL}") from None
        if declared != (self._count, self._sum):
            found = f"the file holds {self._count} and {self._sum}"
            what = f"control total says {declared[0]} rows and {declared[1]}, {found}"
            if self._earlier:
                what += f"; row {self._earlier} below the header is a {self._trailer.marker} line too"
            raise FormError(f"{what}.", PUT_AGAIN)


def _amount(text: str) -> Decimal:
    """The number, thousands separated by commas or not; an empty field adds nothing."""
    return Decimal(text.replace(",", "")) if text else Decimal(0)
