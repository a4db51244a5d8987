"""From the bytes of one page or file to its records, in the form that the source file declares."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.decoders.chunk import Chunk
from connectors.decoders.delimited import decode_csv
from connectors.decoders.form import AS_TEXT, BLANK, NOTHING, PARQUET, UNKNOWN, XLSX, of_page, require_form
from connectors.decoders.headers import unit_row
from connectors.decoders.json_records import decode_json, decode_jsonl
from connectors.decoders.packed import unpack
from connectors.decoders.text import without_end_mark
from connectors.decoders.xml_records import decode_xml
from connectors.json_path import RecordsAt
from connectors.spec import (
    Column,
    CsvDecoder,
    Dataset,
    JsonDecoder,
    JsonLinesDecoder,
    ParquetDecoder,
    XlsxDecoder,
    XmlDecoder,
)


def decode(dataset: Dataset, label: str, body: bytes, answer: Any = None) -> Iterator[Chunk]:
    """The records of one page, in order, at least one chunk. One broken record is only marked in its chunk.

    `answer` is the decoded JSON of the body, where the driver had it already. Raises a `DataError`, sometimes only
    after some chunks, where the page is broken as a whole: nothing of it may be used then.
    """
    nested = tuple(column.source_field for column in dataset.columns if "." in column.source_field)
    with of_page(f"{dataset.address}, {label}"):
        for chunk in _chunks(dataset, body, answer):
            yield reach_in(chunk, nested) if nested else chunk


def _chunks(dataset: Dataset, body: bytes, answer: Any) -> Iterator[Chunk]:
    columns = {column.source_field: column for column in dataset.columns}
    match dataset.decoder:
        case JsonDecoder() as decoder:
            yield from decode_json(decoder, RecordsAt.of(dataset, decoder), body, answer)
        case CsvDecoder() as decoder:
            yield from _with_units(decode_csv(decoder, _text(decoder, body), columns), columns)
        case JsonLinesDecoder() as decoder:
            yield from decode_jsonl(_text(decoder, body), decoder.encodings)
        case XmlDecoder() as decoder:
            yield from decode_xml(decoder, _text(decoder, body), is_whole=dataset.is_whole)
        case XlsxDecoder() as decoder:
            # Dear to import, and rare: only where a source needs them.
            from connectors.decoders.xlsx import decode_xlsx

            book = unpack(decoder, body)
            require_form(book, XLSX)
            yield from _with_units(decode_xlsx(decoder, book, columns), columns)
        case ParquetDecoder() as decoder:
            from connectors.decoders.parquet import decode_parquet

            table = unpack(decoder, body)
            require_form(table, PARQUET)
            yield from decode_parquet(table, columns)


def _with_units(chunks: Iterator[Chunk], columns: Mapping[str, Column]) -> Iterator[Chunk]:
    """The chunks of a table; the first row below its header may state units, which are compared with the declared."""
    for chunk in chunks:
        stated = unit_row(chunk.raw(0), columns) if chunk.positions and chunk.positions[0] == 1 else ()
        yield replace(chunk, notes=(*chunk.notes, *stated)) if stated else chunk


def _text(decoder: CsvDecoder | JsonLinesDecoder | XmlDecoder, body: bytes) -> bytes:
    """The text of a page, out of its archive, up to the mark that ends it."""
    plain = without_end_mark(unpack(decoder, body))
    require_form(plain, *AS_TEXT[decoder.kind], NOTHING, BLANK, UNKNOWN, declared=decoder.kind.upper())
    return plain


def reach_in(chunk: Chunk, fields: Sequence[str]) -> Chunk:
    """The chunk with a column for each of these fields, taken out of the parts that hold it.

    A record that has the name with its points as it stands keeps that value; one that has both holds the field twice,
    and the list of the two values stands for it, which no column takes. Of a part only what was not taken is left in
    its own column, which goes where nothing is left.
    """
    columns = dict(chunk.columns)
    taken: dict[str, list[list[str]]] = {}
    for field in fields:
        head, *steps = field.split(".")
        parts = chunk.columns.get(head, []) if steps else []
        found = [_reached(part, steps) for part in parts]
        if not any(found):
            continue
        flat = columns.get(field, [None] * len(parts))
        columns[field] = [_one_of(*each) for each in zip(flat, parts, found, strict=True)]
        taken.setdefault(head, []).append(steps)
    for head in taken.keys() - fields:
        left = [_without(part, taken[head]) for part in chunk.columns[head]]
        columns[head] = left
        if not any(part is not None for part in left):
            del columns[head]
    return replace(chunk, columns=columns)


def _one_of(stands: Any, part: Any, inner: tuple[Any, ...]) -> Any:
    if stands is None or not isinstance(part, dict) or inner in ((), (None,)):
        return inner[0] if stands is None and inner else stands
    return [stands, *inner]


def _reached(part: Any, steps: Sequence[str]) -> tuple[Any, ...]:
    """The value in a part, or nothing where it is not there.

    Where a list or a plain value stands in place of a part, its meaning is not known: it comes as a list, which no
    column takes.
    """
    for step in steps:
        if not isinstance(part, dict):
            return () if part in (None, "") else ([part],)
        if step not in part:
            return ()
        part = part[step]
    return (part,)


def _without(part: Any, paths: list[list[str]]) -> Any:
    """What is left of a part without the values at these paths; None for nothing."""
    if not isinstance(part, dict):
        return part
    left = {}
    for name, value in part.items():
        inner = [steps[1:] for steps in paths if steps[0] == name]
        kept = None if [] in inner else _without(value, inner) if inner else value
        if kept is not None or not inner:
            left[name] = kept
    return left or None
