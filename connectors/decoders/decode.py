"""From the bytes of one page or file to its records, whatever form the source file says they have."""

from collections.abc import Iterator
from typing import Any

from connectors.decoders.chunk import Chunk
from connectors.decoders.delimited import decode_csv
from connectors.decoders.json_lines import decode_jsonl
from connectors.decoders.json_page import decode_json
from connectors.decoders.packed import unpack
from connectors.decoders.xml_rows import decode_xml
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
    where = f"{dataset.address}, {label}"
    match dataset.decoder:
        case JsonDecoder() as decoder:
            yield from decode_json(decoder, body, where, answer)
        case CsvDecoder() as decoder:
            yield from decode_csv(decoder, unpack(decoder, body, where), where)
        case JsonLinesDecoder() as decoder:
            yield from decode_jsonl(unpack(decoder, body, where), where, decoder.encodings)
        case XmlDecoder() as decoder:
            yield from decode_xml(decoder, unpack(decoder, body, where), where)
        case XlsxDecoder() as decoder:
            # Dear to import, and rare: only where a source needs them.
            from connectors.decoders.xlsx import decode_xlsx

            claimed = frozenset(column.source_field for column in dataset.columns)
            yield from decode_xlsx(decoder, body, where, claimed)
        case ParquetDecoder():
            from connectors.decoders.parquet import decode_parquet

            yield from decode_parquet(body, where)
