"""From the bytes of one page to its records, in order, each a mapping of the agency's own field names."""

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from connectors.errors import DataError
from connectors.json_path import MissingFieldError, at_path
from connectors.spec import CsvDecoder, Dataset, JsonDecoder, Trailer

MAX_MEMBER_BYTES = 512 * 1024 * 1024
"""The most that one member of an archive may unfold to."""


@dataclass(frozen=True)
class Record:
    """One record where it stood: `fields` is None where it is no record at all, and `fault` says why."""

    position: int
    fields: dict[str, Any] | None
    raw: Any
    fault: str | None = None


def decode(dataset: Dataset, label: str, body: bytes) -> list[Record]:
    """The records of one page. A page that is broken as a whole is a `DataError`; one broken record is only marked."""
    where = f"{dataset.address}, {label}"
    match dataset.decoder:
        case JsonDecoder() as decoder:
            return _decode_json(decoder, body, where)
        case CsvDecoder() as decoder:
            return _decode_csv(decoder, _unpack(decoder, body, where), where)


def _decode_json(decoder: JsonDecoder, body: bytes, where: str) -> list[Record]:
    try:
        found = at_path(json.loads(body, parse_float=Decimal), decoder.records)
    except (ValueError, RecursionError, MissingFieldError) as error:
        raise DataError(f"the page cannot be read: {error}.", where, "call the agency with this page") from error
    records = []
    for position, item in enumerate(found, start=1):
        if isinstance(item, dict):
            records.append(Record(position, item, item))
        else:
            records.append(Record(position, None, item, "not_a_record"))
    return records


def _unpack(decoder: CsvDecoder, body: bytes, where: str) -> bytes:
    if decoder.archive is None:
        return body
    next_step = "ask the agency to put the file again; it is fetched at the next run"
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = [n for n in archive.namelist() if fnmatchcase(n, decoder.member or "*")]
            if len(names) != 1:
                raise DataError(f"{len(names)} members match {decoder.member}, one is expected.", where, next_step)
            with archive.open(names[0]) as member:
                # Read one byte more than allowed: what the archive says of its own size is not to be believed.
                content = member.read(MAX_MEMBER_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"the archive is damaged or cut short ({error}).", where, next_step) from error
    if len(content) > MAX_MEMBER_BYTES:
        raise DataError(f"{names[0]} unfolds to more than {MAX_MEMBER_BYTES} bytes.", where, next_step)
    return content


def _decode_csv(decoder: CsvDecoder, content: bytes, where: str) -> list[Record]:
    try:
        text = content.decode(decoder.encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"is not {decoder.encoding} (byte {error.start}).", where, "ask the agency which encoding it is"
        ) from error
    try:
        lines = [line for line in csv.reader(io.StringIO(text), delimiter=decoder.delimiter, strict=True) if line]
    except csv.Error as error:
        raise DataError(f"is not delimited text ({error}).", where, "call the agency with this file") from error
    if not lines:
        raise DataError("has no header line.", where, "call the agency with this file")
    header, *rows = lines
    if len(set(header)) != len(header):
        raise DataError("has the same header twice.", where, "call the agency with this file")
    if decoder.trailer is not None:
        rows = _without_trailer(decoder.trailer, header, rows, where)
    return list(_rows_as_records(header, rows))


def _rows_as_records(header: list[str], rows: list[list[str]]) -> Iterator[Record]:
    for position, row in enumerate(rows, start=1):
        if len(row) == len(header):
            yield Record(position, dict(zip(header, row, strict=True)), row)
        else:
            yield Record(position, None, row, "field_count")


def _without_trailer(trailer: Trailer, header: list[str], rows: list[list[str]], where: str) -> list[list[str]]:
    """The rows without the last line, once its count and sum agree with them; otherwise a `DataError` with both."""
    next_step = "ask the agency to put the file again; it is fetched at the next run"
    if not rows or rows[-1][0] != trailer.marker:
        raise DataError(f"the last line is no {trailer.marker} line: the file is cut short.", where, next_step)
    *kept, last = rows
    column = header.index(trailer.sum_field) if trailer.sum_field in header else None
    if column is None:
        raise DataError(f"has no column {trailer.sum_field} to sum.", where, next_step)
    try:
        declared_count, declared_sum = int(last[trailer.count - 1]), Decimal(last[trailer.sum - 1])
        found_sum = sum((Decimal(row[column]) for row in kept if len(row) > column and row[column]), Decimal(0))
    except (ArithmeticError, ValueError, IndexError) as error:
        raise DataError("the control total cannot be computed or read.", where, next_step) from error
    if (declared_count, declared_sum) != (len(kept), found_sum):
        raise DataError(
            f"control total says {declared_count} rows and {declared_sum}, the file holds {len(kept)} and {found_sum}.",
            where,
            next_step,
        )
    return kept
