"""Records as bytes, in each form that a source file may name. Knows nothing of how our own decoders read them."""

import csv
import gzip
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

import msgspec

from connectors.spec import CsvDecoder, Dataset, JsonDecoder, JsonLinesDecoder, ParquetDecoder, XlsxDecoder, XmlDecoder

Record = Mapping[str, Any]

CONTENT_TYPES: Final = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
    "xml": "application/xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
SURROGATE: Final = "\ue000half\ue000"
"""Stands for half of a character in a text, which no encoder would write."""
DEEP: Final = "\ue000deep\ue000"
"""Stands for a list nested deeper than any reader goes."""
NAN: Final = "\ue000nan\ue000"
"""Stands for NaN."""
TWICE: Final = "\ue000twice\ue000"
"""Behind the name of a field: the same name a second time."""
QUOTE: Final = "\ue000quote\ue000"
"""Stands for a bare quotation mark in delimited text, where a writer would double it."""
DELIMITER: Final = "\ue000delimiter\ue000"
"""Stands for a bare delimiter in delimited text, where a writer would quote the field."""
_DEPTH: Final = 100_000
_MARK: Final = "\ue000".encode()
_IN_JSON: Final = {SURROGATE: b"\\ud800", f'"{DEEP}"': b"[" * _DEPTH + b"]" * _DEPTH, f'"{NAN}"': b"NaN", TWICE: b""}


@dataclass(frozen=True)
class Shown:
    """A cell of a sheet that shows its value in a format."""

    value: Any
    number_format: str


_JSON: Final = msgspec.json.Encoder(decimal_format="number")


def _json(value: Any) -> bytes:
    """A value as JSON, decimals as numbers of full length, and what no encoder would write put in by hand."""
    plain = _JSON.encode(value)
    if _MARK in plain:
        for mark, written in _IN_JSON.items():
            plain = plain.replace(mark.encode(), written)
    return plain


def content_type(dataset: Dataset) -> str:
    """The media type of a body of this dataset."""
    archive = getattr(dataset.decoder, "archive", None)
    if archive is not None:
        return {"zip": "application/zip", "gzip": "application/gzip"}[archive]
    return CONTENT_TYPES[dataset.decoder.kind]


def encode(
    dataset: Dataset, records: Sequence[Any], envelope: Mapping[str, Any] | None = None, place: int = 0
) -> bytes:
    """One body: `envelope` are values beside the records, by dotted path (JSON alone); `place` numbers files, from 0.

    A record is a mapping of the agency's fields; a fault may put anything else in its place, which only JSON carries.
    """
    decoder = dataset.decoder
    match decoder:
        case JsonDecoder():
            plain = _again(encode_json(decoder, _nested(dataset, records), envelope or {}), decoder, place)
        case JsonLinesDecoder():
            lines = (_json(record) + b"\n" for record in _nested(dataset, records))
            plain = _again(b"".join(lines), decoder, place)
        case CsvDecoder():
            plain = csv_bytes(decoder, csv_lines(dataset, decoder, records), place)
        case XmlDecoder():
            plain = _encode_xml(dataset, decoder, records)
        case XlsxDecoder():
            from sandbox.standin.sheets import encode_xlsx

            plain = encode_xlsx(dataset, decoder, records)
        case ParquetDecoder():
            from sandbox.standin.sheets import encode_parquet

            plain = encode_parquet(dataset, records)
    return pack(plain, decoder.archive, member_name(decoder.kind, decoder.member))


def encode_json(decoder: JsonDecoder, records: Sequence[Any], envelope: Mapping[str, Any]) -> bytes:
    """A JSON answer: the list itself, or an object with the list and the values of the envelope at their paths.

    Where one object may stand for a list of one, or null for none, they do.
    """
    listed: Any = list(records)
    if decoder.one and len(records) == 1 and isinstance(records[0], dict):
        listed = records[0]
    elif decoder.none and not records:
        listed = None
    if decoder.records is None:
        return _json(listed)
    answer: dict[str, Any] = {}
    for place, value in envelope.items():
        set_path(answer, place, value)
    set_path(answer, decoder.records, listed)
    return _json(answer)


def _nested(dataset: Dataset, records: Sequence[Any]) -> Sequence[Any]:
    """Records whose fields with points in their names stand in parts: `customer.code` within `customer`."""
    dotted = {column.source_field for column in dataset.columns if "." in column.source_field}
    if not dotted:
        return records
    made = []
    for record in records:
        if isinstance(record, dict):
            inside = {name for name in record if name.removesuffix(TWICE) in dotted}
            plain = {name: value for name, value in record.items() if name not in inside}
            for name in sorted(inside):
                set_path(plain, name, record[name])
            made.append(plain)
        else:
            made.append(record)
    return made


def set_path(answer: dict[str, Any], path: str, value: Any) -> None:
    """Set a value at `a.b.c`, making what lies between."""
    *steps, last = path.split(".")
    for step in steps:
        answer = answer.setdefault(step, {})
    answer[last] = value


def pack(plain: bytes, archive: str | None, member: str = "data") -> bytes:
    """The bytes as they are, or in an archive; a zip holds a note beside its member, as agencies' zips do."""
    if archive is None:
        return plain
    if archive == "gzip":
        return gzip.compress(plain, mtime=0)
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo(member, (2025, 6, 30, 0, 0, 0)), plain, zipfile.ZIP_DEFLATED)
    return body.getvalue()


def member_name(kind: str, pattern: str | None) -> str:
    """A name that the declared pattern matches."""
    return fill_pattern(pattern, "data") if pattern is not None else f"data.{kind}"


def fill_pattern(pattern: str, stamp: str) -> str:
    """A file name that a pattern matches: the stamp for the first `*`, nothing for others, a digit for `?`."""
    head, star, tail = pattern.partition("*")
    name = (head + (stamp if star else "") + tail.replace("*", "")).replace("?", "0")
    if not fnmatchcase(name, pattern):
        raise ValueError(f"cannot make a name for the pattern {pattern}")
    return name


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _amount(value: Any) -> Decimal:
    """What a trailer adds up; a fault may have put words in place of an amount."""
    try:
        return Decimal(_plain(value) or "0")
    except ArithmeticError:
        return Decimal(0)


def fields_of(dataset: Dataset, records: Sequence[Record]) -> list[str]:
    """The header of a table: the declared fields, then what else a record has."""
    return list(dict.fromkeys([c.source_field for c in dataset.columns] + [f for r in records for f in r]))


def csv_lines(dataset: Dataset, decoder: CsvDecoder, records: Sequence[Record]) -> list[list[str]]:
    """Header, rows and, where one is declared, the trailer with the count and the sum of what was sent."""
    header = fields_of(dataset, records)
    lines = [header, *([_plain(record.get(name)) for name in header] for record in records)]
    if decoder.trailer is not None:
        trailer = decoder.trailer
        last = [""] * max(trailer.count, trailer.sum)
        last[0], last[trailer.count - 1] = trailer.marker, str(len(records))
        amounts = (_amount(record.get(trailer.sum_field)) for record in records)
        last[trailer.sum - 1] = format(sum(amounts, Decimal(0)), "f")
        lines.append(last)
    return lines


def encode_text(dataset: Dataset, records: Sequence[Record]) -> bytes:
    """The records as text separated by commas, whatever form is declared."""
    decoder = CsvDecoder(kind="csv", encoding="utf-8")
    return csv_bytes(decoder, csv_lines(dataset, decoder, records), 0)


def csv_bytes(decoder: CsvDecoder, lines: Sequence[Sequence[str]], place: int) -> bytes:
    """Lines as text in the encoding of this place: each file in its own where several are declared.

    A title stands in each row above the header, and the word that ends the table below it.
    """
    text = io.StringIO()
    is_quoted = decoder.quote != "none"
    writer = csv.writer(
        text,
        delimiter=decoder.delimiter,
        lineterminator="\r\n",
        quotechar=decoder.quote if is_quoted else None,
        quoting=csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE,
    )
    writer.writerows([*[["报送清单"]] * (decoder.header_row - 1), *lines, *([word] for word in decoder.ends_at[:1])])
    written = text.getvalue().replace(QUOTE, '"').replace(DELIMITER, decoder.delimiter)
    return _in_encoding(written, decoder, place)


def _again(plain: bytes, decoder: JsonDecoder | JsonLinesDecoder, place: int) -> bytes:
    """JSON in the encoding that is declared, where that is another one."""
    return plain if decoder.encodings == ("utf-8",) else _in_encoding(plain.decode(), decoder, place)


def _in_encoding(text: str, decoder: CsvDecoder | JsonDecoder | JsonLinesDecoder, place: int) -> bytes:
    """The declared encoding whose turn it is; or the first that has all of the text's signs and is not mistaken."""
    allowed = decoder.encodings
    turn = place % len(allowed)
    for chosen in (*allowed[turn:], *allowed[:turn]):
        try:
            body = text.encode(chosen)
        except UnicodeEncodeError:
            continue
        if not any(_reads(body, earlier) for earlier in allowed[: allowed.index(chosen)]):
            return b"\xef\xbb\xbf" + body if chosen == "utf-8" and place % 2 else body
    raise ValueError(f"no declared encoding has all signs of this text: {', '.join(allowed)}")


def _reads(body: bytes, encoding: str) -> bool:
    try:
        body.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _encode_xml(dataset: Dataset, decoder: XmlDecoder, records: Sequence[Record]) -> bytes:
    *around, tag = decoder.record.split("/")
    opened = "".join(f"<{name}>" for name in around)
    closed = "".join(f"</{name}>" for name in reversed(around))
    rows = "".join(_xml_record(tag, record) for record in records)
    comment = f"<!-- {escape(dataset.description).replace('--', '')} -->"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{head}<data>{comment}{opened}{rows}{closed}</data>\n".encode()


def _xml_record(tag: str, record: Record) -> str:
    marks = "".join(f" {n[1:]}={quoteattr(_plain(v))}" for n, v in record.items() if n.startswith("@"))
    children = "".join(f"<{n}>{escape(_plain(v))}</{n}>" for n, v in record.items() if not n.startswith("@"))
    return f"<{tag}{marks}>{children}</{tag}>"
