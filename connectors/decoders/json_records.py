"""Records in JSON: a page that is one text with a list somewhere inside, or a file with one object on each line."""

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from connectors.decoders.chunk import CHUNK_ROWS, Broken, Chunk, columns_of, to_chunk
from connectors.decoders.form import PUT_AGAIN, FormError
from connectors.decoders.packed import unpack
from connectors.decoders.text import open_text
from connectors.json_path import MissingFieldError, RecordsAt
from connectors.json_text import NameTwiceError, loads
from connectors.spec import JsonDecoder
from connectors.verdicts import refusals, require_no_refusal, require_whole

MAX_LINE_BYTES = 2 * 1024 * 1024
"""The most that one line may hold, and about what the lines of one chunk hold together."""

_ONE_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*\{[^\n]*(?:\s*\Z|,\s*\n)|[\[{]\s*\n\s*[\[{\"])")
"""A list of objects, or an object that goes over several lines."""


def in_utf8(decoder: JsonDecoder, body: bytes) -> bytes:
    """The text of a page in UTF-8, whatever encoding its source file declares."""
    if decoder.encodings == ("utf-8",):
        return body
    return open_text(body, decoder.encodings).stream.read().encode("utf-8", "surrogatepass")


def decode_json(decoder: JsonDecoder, at: RecordsAt, body: bytes, answer: Any = None) -> Iterator[Chunk]:
    """The records at the declared path, each with its own mapping; `answer` saves reading the body again."""
    next_step = "call the agency with this page"
    try:
        if answer is None and (body.strip() or not decoder.none):
            answer = loads(in_utf8(decoder, unpack(decoder, body)))
        records = at.find(answer)
    except (ValueError, RecursionError, MissingFieldError) as error:
        raise FormError(f"the page cannot be read: {error}.", next_step) from None
    if not records and at.is_file and isinstance(answer, dict):
        require_no_refusal(answer, records)
    if at.is_whole:
        require_whole(answer, records, is_sure=not at.is_coded)
    for start in range(0, max(len(records), 1), CHUNK_ROWS):
        # A page that is one chunk, as most are, is not copied.
        part = records if len(records) <= CHUNK_ROWS else records[start : start + CHUNK_ROWS]
        yield to_chunk(part, start + 1)


def decode_jsonl(content: bytes, encodings: Sequence[str] = ("utf-8",)) -> Iterator[Chunk]:
    """The objects of a file; positions are line numbers. Blank lines are passed over.

    A line that holds no object is broken (`not_a_record`). A `FormError`: a last line that is no JSON at all, for the
    file was cut short by an unknown number of lines; a line that shares no name with the first and reports
    an error, as servers write it that fail in the middle of an answer.
    """
    text = open_text(content, encodings)
    if text.encoding != "utf-8":
        content = text.stream.read().encode()
    records: list[dict[str, Any]] = []
    places: list[int] = []
    broken: list[Broken] = []
    size, is_first, fault = 0, True, ""
    if _ONE_TEXT.match(content):
        raise FormError("is one JSON text, and not one value on each line.", "declare kind: json under decoder")
    known: set[str] = set()
    for place, length, value, why in _values(content):
        if isinstance(value, dict):
            known = known or set(value)
            _refuse_error(value, known, place)
            records.append(value)
            places.append(place)
        else:
            broken.append(Broken(place, "not_a_record", value))
        fault = f"the last line ({place}) is no JSON: {why}." if why else ""
        size += length
        if len(records) + len(broken) >= CHUNK_ROWS or size >= MAX_LINE_BYTES:
            yield Chunk(columns_of(records), places, records, tuple(broken))
            records, places, broken, size, is_first = [], [], [], 0, False
    if fault:
        raise FormError(fault, PUT_AGAIN)
    if records or broken or is_first:
        yield Chunk(columns_of(records), places, records, tuple(broken))


def _refuse_error(value: dict[str, Any], known: set[str], place: int) -> None:
    if known.isdisjoint(value) and (said := next(refusals(value), None)):
        again = "ask the agency why; it is fetched at the next run"
        what = f"line {place}: is no record but an error: {said[:200]!r}. What follows it is missing."
        raise FormError(what, again)


def _values(content: bytes) -> Iterator[tuple[int, int, Any, str]]:
    """Each line that is not blank: its number, its length, its value (its text where it is none), why it is no JSON."""
    stream = io.BytesIO(content)
    stream.seek(len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0)
    place = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        place += 1
        if len(line) > MAX_LINE_BYTES:
            raise FormError(f"line {place} holds more than {MAX_LINE_BYTES} bytes.")
        if line.strip():
            yield place, len(line), *_value(line)


def _value(line: bytes) -> tuple[Any, str]:
    try:
        return loads(line), ""
    except NameTwiceError:
        return line.decode().strip(), ""
    except (ValueError, RecursionError) as error:
        is_cut = getattr(error, "is_cut", False)
        # What follows the colon says to declare the kind that this is.
        return line.decode().strip(), "the file is cut short" if is_cut else str(error).partition(": one value")[0]
