"""What planned faults make of one file."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connectors.spec import CsvDecoder
from sandbox.standin.drift import required_column
from sandbox.standin.encode import csv_bytes, csv_lines, encode, fill_pattern, member_name, pack
from sandbox.standin.faults import Fault
from sandbox.standin.records import Entry, Stock
from sandbox.standin.rows import Row
from sandbox.standin.struck import archive_bomb

if TYPE_CHECKING:
    from sandbox.standin.files import Written

HUGE_BYTES: Final = 65 * 1024 * 1024
FILES: Final = 3
"""How many files the records of a dataset are cut into."""
_CSV_FAULTS: Final = frozenset(
    {
        "trailer_count_wrong", "trailer_sum_wrong", "trailer_gone", "duplicate_header", "missing_column",
        "extra_column", "wrong_delimiter", "header_only",
    }
)  # fmt: skip


def file_size(stock: Stock) -> int:
    """About how many records a file holds."""
    return max(1, -(-len(stock.entries) // FILES))


def spoil(stock: Stock, file: "Written", fault: Fault, folder: Path, pattern: str) -> "Written":
    """The file under a fault of stage `file` or `body`; `folder` and `pattern` are where it stands."""
    if fault.name in _CSV_FAULTS:
        return replace(file, body=_spoilt_csv(stock, file, fault))
    if fault.name in _BYTES:
        return replace(file, body=_BYTES[fault.name](stock, file, fault))
    changed: dict[str, Any] = {}
    match fault.name:
        case "file_growing":
            changed = {"grows_from": len(file.body) // 2, "grow_seconds": fault.seconds or file.grow_seconds}
        case "missing_flag":
            changed = {"is_flagged": False}
        case "wrong_manifest_hash":
            changed = {"stated_sha256": hashlib.sha256(b"another file").hexdigest()}
        case "huge_file":
            changed = {"size": HUGE_BYTES}
        case "traversal_name":
            stamps = ("..\\..\\20990101", "$(id)`id`\n;&")
            changed = {"links": tuple((fill_pattern(pattern, stamp), "") for stamp in stamps)}
        case "symlink":
            outside = folder.parent / f"outside_{file.name}"
            outside.write_bytes(file.body)
            changed = {"links": ((fill_pattern(pattern, "20990102"), str(outside.absolute())),)}
        case _:
            raise ValueError(f"no file of kind {fault.name}")
    return replace(file, **changed)


def _with_bad_member(stock: Stock, file: "Written", _fault: Fault) -> bytes:
    decoder: Any = stock.dataset.decoder
    with zipfile.ZipFile(io.BytesIO(file.body)) as packed:
        plain = packed.read(packed.namelist()[0])
    return pack(plain, "zip", f"../../../{member_name(decoder.kind, decoder.member)}")


def _in_other_encoding(stock: Stock, file: "Written", _fault: Fault) -> bytes:
    """A CSV in an encoding that was not declared."""
    decoder = stock.dataset.decoder
    if not isinstance(decoder, CsvDecoder):
        raise TypeError(f"{stock.dataset.address} is no CSV")
    other = "gb18030" if set(decoder.encodings) <= {"utf-8", "utf-16"} else "utf-16-le"
    lines = csv_lines(stock.dataset, decoder, [entry.wire for entry in file.entries])
    plain = csv_bytes(decoder.model_copy(update={"encoding": "utf-8"}), lines, 0).decode().encode(other)
    return pack(plain, decoder.archive, member_name("csv", decoder.member))


def _with_correction(stock: Stock, file: "Written", fault: Fault) -> bytes:
    rows = [stock.wire_of(true_entry(stock, entry, [fault]), entry.index) for entry in file.entries]
    return encode(stock.dataset, rows, place=file.place)


_BYTES: Final[Mapping[str, Callable[[Stock, "Written", Fault], bytes]]] = {
    "truncated_zip": lambda _stock, file, _fault: file.body[: len(file.body) // 2],
    "empty_file": lambda _stock, _file, _fault: b"",
    "archive_bomb": lambda stock, _file, _fault: archive_bomb(stock.dataset.decoder),
    "byte_order_mark": lambda _stock, file, _fault: b"\xef\xbb\xbf" + file.body.removeprefix(b"\xef\xbb\xbf"),
    "member_traversal": _with_bad_member,
    "encoding_lie": _in_other_encoding,
    "replaced_file": _with_correction,
}


def true_entry(stock: Stock, entry: Entry, faults: Sequence[Fault]) -> Row:
    """The typed row under faults that put other contents into a file: a correction of the record at the position."""
    row = entry.typed
    for fault in faults:
        if fault.name == "replaced_file" and entry.index == fault.target(len(stock.entries), file_size(stock)):
            row = corrected(stock, row)
    return row


def corrected(stock: Stock, row: Row) -> Row:
    """A row with one value changed, outside the key: the first amount, count or text that may change freely."""
    ruled = {name for rule in stock.dataset.rules for name in (rule.part, rule.whole)}
    for column in stock.dataset.columns:
        value = row[column.name]
        if column.name in ruled or column.name in stock.dataset.key or value is None or column.check or column.values:
            continue
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and value > 1:
            return {**row, column.name: value - 1}
        if isinstance(value, str):
            return {**row, column.name: f"{value}（更正）"}
    return row


def _spoilt_csv(stock: Stock, file: "Written", fault: Fault) -> bytes:
    decoder = stock.dataset.decoder
    if not isinstance(decoder, CsvDecoder):
        raise TypeError(f"{stock.dataset.address} is no CSV")
    lines = csv_lines(stock.dataset, decoder, [entry.wire for entry in file.entries])
    if fault.name == "header_only":
        lines = csv_lines(stock.dataset, decoder, [])
    elif fault.name.startswith("trailer"):
        lines = _spoilt_trailer(decoder, lines, fault)
    elif fault.name == "wrong_delimiter":
        decoder = decoder.model_copy(update={"delimiter": "\t" if decoder.delimiter != "\t" else ";"})
    else:
        lines = _spoilt_columns(stock, lines, fault)
    return pack(csv_bytes(decoder, lines, file.place), decoder.archive, member_name("csv", decoder.member))


def _spoilt_trailer(decoder: CsvDecoder, lines: list[list[str]], fault: Fault) -> list[list[str]]:
    trailer = decoder.trailer
    if trailer is None or fault.name == "trailer_gone":
        return lines[:-1]
    last = list(lines[-1])
    if fault.name == "trailer_count_wrong":
        last[trailer.count - 1] = str(int(last[trailer.count - 1]) + 1)
    else:
        last[trailer.sum - 1] = str(Decimal(last[trailer.sum - 1]) + 1)
    return [*lines[:-1], last]


def _spoilt_columns(stock: Stock, lines: list[list[str]], fault: Fault) -> list[list[str]]:
    decoder = stock.dataset.decoder
    has_trailer = isinstance(decoder, CsvDecoder) and decoder.trailer is not None
    header, *rows = lines
    last = [rows.pop()] if has_trailer else []
    if fault.name == "duplicate_header":
        return [[header[0], header[0], *header[2:]], *rows, *last]
    if fault.name == "extra_column":
        return [[*header, "备注"], *([*row, "无"] for row in rows), *last]
    gone = header.index(required_column(stock, fault).source_field)
    return [[v for place, v in enumerate(line) if place != gone] for line in (header, *rows)] + last
