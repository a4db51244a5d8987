"""A page that is one JSON text, its records in a list somewhere inside."""

from collections.abc import Iterator
from typing import Any

from connectors.decoders.chunk import CHUNK_ROWS, Chunk
from connectors.decoders.packed import unpack
from connectors.decoders.text import open_text
from connectors.decoders.transpose import to_chunk
from connectors.errors import DataError
from connectors.json_path import MissingFieldError, RecordsAt
from connectors.json_text import loads
from connectors.spec import JsonDecoder
from connectors.verdicts import require_no_refusal


def in_utf8(decoder: JsonDecoder, body: bytes, where: str) -> bytes:
    """The text of a page in UTF-8, whatever encoding its source file declares."""
    if decoder.encodings == ("utf-8",):
        return body
    return open_text(body, decoder.encodings, where).stream.read().encode("utf-8", "surrogatepass")


def decode_json(decoder: JsonDecoder, at: RecordsAt, body: bytes, where: str, answer: Any = None) -> Iterator[Chunk]:
    """The records at the declared path, each with its own mapping; `answer` saves reading the body again."""
    next_step = "call the agency with this page"
    try:
        if answer is None and (body.strip() or not decoder.none):
            answer = loads(in_utf8(decoder, unpack(decoder, body, where), where))
        records = at.find(answer)
    except (ValueError, RecursionError, MissingFieldError) as error:
        raise DataError(f"the page cannot be read: {error}.", where, next_step) from None
    if not records and at.is_file and isinstance(answer, dict):
        require_no_refusal(answer, records, where)
    for start in range(0, max(len(records), 1), CHUNK_ROWS):
        part = records if len(records) <= CHUNK_ROWS else records[start : start + CHUNK_ROWS]
        yield to_chunk(part, start + 1, where)
