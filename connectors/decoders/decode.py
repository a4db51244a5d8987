"""From the bytes of one page or file to its records, whatever form the source file says they have."""

from collections.abc import Iterator
from typing import Any

from connectors.decoders.chunk import Chunk
from connectors.decoders.delimited import decode_csv
from connectors.decoders.json_lines import decode_jsonl
from connectors.decoders.json_page import decode_json
from connectors.decoders.nested import reach_in
from connectors.decoders.packed import unpack
from connectors.decoders.text import without_end_mark
from connectors.decoders.what_it_is import (
    BLANK,
    JSON,
    NOTHING,
    PARQUET,
    TEXT,
    UNKNOWN,
    UTF16,
    XLSX,
    XML,
    require_form,
)
from connectors.decoders.xml_rows import decode_xml
from connectors.json_path import RecordsAt
from connectors.spec import (
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
    chunks = _chunks(dataset, f"{dataset.address}, {label}", body, answer)
    return (reach_in(chunk, nested) for chunk in chunks) if nested else chunks


def _chunks(dataset: Dataset, where: str, body: bytes, answer: Any) -> Iterator[Chunk]:
    columns = {column.source_field: column for column in dataset.columns}
    match dataset.decoder:
        case JsonDecoder() as decoder:
            yield from decode_json(decoder, RecordsAt.of(dataset, decoder), body, where, answer)
        case CsvDecoder() as decoder:
            yield from decode_csv(decoder, _text(decoder, body, where), where, columns.keys())
        case JsonLinesDecoder() as decoder:
            yield from decode_jsonl(_text(decoder, body, where), where, decoder.encodings)
        case XmlDecoder() as decoder:
            yield from decode_xml(decoder, _text(decoder, body, where), where)
        case XlsxDecoder() as decoder:
            # Dear to import, and rare: only where a source needs them.
            from connectors.decoders.xlsx import decode_xlsx

            book = unpack(decoder, body, where)
            require_form(book, {XLSX}, XLSX, where)
            yield from decode_xlsx(decoder, book, where, columns)
        case ParquetDecoder() as decoder:
            from connectors.decoders.parquet import decode_parquet

            table = unpack(decoder, body, where)
            require_form(table, {PARQUET}, PARQUET, where)
            yield from decode_parquet(table, where, columns)


_FORMS = {"csv": {TEXT, UTF16}, "jsonl": {JSON, TEXT, UTF16}, "xml": {XML, TEXT, UTF16}}


def _text(decoder: CsvDecoder | JsonLinesDecoder | XmlDecoder, body: bytes, where: str) -> bytes:
    """The text of a page, out of its archive, up to the mark that ends it."""
    plain = without_end_mark(unpack(decoder, body, where))
    require_form(plain, {*_FORMS[decoder.kind], NOTHING, BLANK, UNKNOWN}, decoder.kind.upper(), where)
    return plain
