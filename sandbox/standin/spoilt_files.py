"""What planned faults make of one file."""

import gzip
import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connectors.spec import CsvDecoder, ReplaceBy
from sandbox.standin.drift import required_column
from sandbox.standin.encode import csv_bytes, csv_lines, encode, encode_text, fill_pattern, member_name, pack
from sandbox.standin.faults import PlantedFault
from sandbox.standin.records import Entry, Stock
from sandbox.standin.rows import Row
from sandbox.standin.struck import HTML, archive_bomb

if TYPE_CHECKING:
    from sandbox.standin.files import Written

HUGE_BYTES: Final = 65 * 1024 * 1024
"""More than a file may have (64 MiB, `connectors.drivers.pages`)."""
FILES: Final = 3
"""How many files the records of a dataset are cut into."""
_BELOW: Final[Mapping[str, tuple[tuple[str, bool], ...]]] = {
    "blank_rows": (("", False),) * 3,
    "subtotal_row": (("小计：", True),),
    "totals_row": (("合计", True),),
    "note_rows": (("注：数据截至2024年底。", False), ("制表人：", False)),
    "end_of_file_mark": (("\x1a", False),),
}
"""Rows below the records: the first cell, and whether the others are as in the last record."""
_OTHER_FORMS: Final = {
    "rar_file": b"Rar!\x1a\x07\x01\x00",
    "pdf_file": b"%PDF-1.7\n",
    "old_workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
}
"""Files of another form: what they begin with."""
_NAMES: Final[Mapping[str, Callable[[str], str]]] = {
    "other_case": str.upper,
    "name_with_copy": lambda name: f"副本 {name}",
    "name_with_blank": lambda name: f"{name} ",
    "backup_name": lambda name: f"{name}.bak",
}
"""Names under which a file may be put in place of its own."""
_CORRECTIONS: Final[Mapping[str, Callable[[str, str], str]]] = {
    "correction_sorts_first": lambda _name, pattern: fill_pattern(pattern, "20200101"),
    "correction_beside": lambda name, _pattern: "-2.".join(name.rsplit(".", 1)),
    "partial_correction": lambda _name, pattern: fill_pattern(pattern, "20991231"),
}
"""A later file that holds one record of this file, corrected: its name."""


def file_size(stock: Stock) -> int:
    """About how many records a file holds."""
    return max(1, -(-len(stock.entries) // FILES))


@dataclass(frozen=True)
class _Spot:
    """Where a fault strikes: the file, the folder it stands in, and the pattern of the names there."""

    stock: Stock
    file: "Written"
    fault: PlantedFault
    folder: Path
    pattern: str


def spoil(stock: Stock, file: "Written", fault: PlantedFault, folder: Path, pattern: str) -> "Written":
    """The file under a fault of stage `file` or `body`; `folder` and `pattern` are where it stands."""
    at = _Spot(stock, file, fault, folder, pattern)
    if fault.name in _AROUND:
        return replace(file, **_AROUND[fault.name](at))
    return replace(file, body=_BYTES[fault.name](at) if fault.name in _BYTES else _spoilt_lines(at))


def _links(at: _Spot) -> dict[str, Any]:
    stamps = ("..\\..\\20990101", "$(id)`id`\n;&")
    return {"links": tuple((fill_pattern(at.pattern, stamp), "") for stamp in stamps)}


def _symlink(at: _Spot) -> dict[str, Any]:
    outside = at.folder.parent / f"outside_{at.file.name}"
    outside.write_bytes(at.file.body)
    return {"links": ((fill_pattern(at.pattern, "20990102"), str(outside.absolute())),)}


def _correction(at: _Spot) -> dict[str, Any]:
    """A later file beside this one, with one of its records, corrected."""
    target = at.fault.target(len(at.stock.entries), file_size(at.stock))
    entries = tuple(entry for entry in at.file.entries if entry.index == target)
    name = _CORRECTIONS[at.fault.name](at.file.name, at.pattern)
    late = replace(at.file, name=name, entries=entries, place=FILES)
    return {"more": (replace(late, body=_with_correction(replace(at, file=late))),)}


def _with_bad_member(at: _Spot) -> bytes:
    decoder: Any = at.stock.dataset.decoder
    with zipfile.ZipFile(io.BytesIO(at.file.body)) as packed:
        plain = packed.read(packed.namelist()[0])
    return pack(plain, "zip", f"../../../{member_name(decoder.kind, decoder.member)}")


def _with_rows_below(at: _Spot) -> bytes:
    """A workbook or delimited text with rows below its records."""
    import openpyxl

    if isinstance(at.stock.dataset.decoder, CsvDecoder):
        return _spoilt_lines(at)
    book = openpyxl.load_workbook(io.BytesIO(at.file.body))
    sheet = book.worksheets[0]
    below = sheet.max_row + 1
    for row, values in enumerate(_below(at.fault, [cell.value for cell in sheet[sheet.max_row]]), start=below):
        for column, value in enumerate(values, start=1):
            sheet.cell(row, column, value)
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def _below(fault: PlantedFault, last: Sequence[Any]) -> list[list[Any]]:
    """The rows below the records: the first cell of each, and the others as in the last record or empty."""
    return [[first, *(last[1:] if is_full else [""] * (len(last) - 1))] for first, is_full in _BELOW[fault.name]]


def _in_other_encoding(at: _Spot) -> bytes:
    """A CSV in an encoding that was not declared."""
    decoder, lines = _lines(at)
    other = "gb18030" if set(decoder.encodings) <= {"utf-8", "utf-16"} else "utf-16-le"
    plain = csv_bytes(decoder.model_copy(update={"encoding": "utf-8"}), lines, 0).decode().encode(other)
    return pack(plain, decoder.archive, member_name("csv", decoder.member))


def _with_correction(at: _Spot) -> bytes:
    rows = [at.stock.wire_of(true_entry(at.stock, entry, [at.fault]), entry.index) for entry in at.file.entries]
    return encode(at.stock.dataset, rows, place=at.file.place)


def true_entry(stock: Stock, entry: Entry, faults: Sequence[PlantedFault]) -> Row:
    """The typed row under faults that put other contents into a file: a correction of the record at the position."""
    row = entry.typed
    for fault in faults:
        if entry.index != fault.target(len(stock.entries), file_size(stock)):
            continue
        if fault.name in _CORRECTED:
            row = corrected(stock, row)
        elif fault.name == "stray_day":
            row = _astray(stock, row)
    return row


def _astray(stock: Stock, row: Row) -> Row:
    """A row moved to another delivery, in which its key is not taken."""
    deletes = stock.dataset.deletes
    if not isinstance(deletes, ReplaceBy):
        raise TypeError(f"{stock.dataset.address} replaces nothing")
    taken = {tuple(entry.typed[name] for name in stock.dataset.key) for entry in stock.entries}
    for other in stock.entries:
        moved = {**row, deletes.column: other.typed[deletes.column]}
        is_free = (
            tuple(moved[name] for name in stock.dataset.key) not in taken or deletes.column not in stock.dataset.key
        )
        if other.typed[deletes.column] != row[deletes.column] and is_free:
            return moved
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


Lines = list[list[str]]


def _lines(at: _Spot) -> tuple[CsvDecoder, Lines]:
    """The decoder of a CSV, and what stands in the file: header, records, and the trailer where one is declared."""
    decoder = at.stock.dataset.decoder
    if not isinstance(decoder, CsvDecoder):
        raise TypeError(f"{at.stock.dataset.address} is no CSV")
    return decoder, csv_lines(at.stock.dataset, decoder, [entry.wire for entry in at.file.entries])


def _spoilt_lines(at: _Spot) -> bytes:
    """A CSV whose lines are spoilt; of a fault about columns the trailer stays as it is."""
    decoder, lines = _lines(at)
    end = len(lines) - (decoder.trailer is not None)
    if at.fault.name == "wrong_delimiter":
        decoder = decoder.model_copy(update={"delimiter": "\t" if decoder.delimiter != "\t" else ";"})
    elif at.fault.name == "header_only":
        lines = csv_lines(at.stock.dataset, decoder, [])
    elif at.fault.name in _TRAILERS:
        lines = [*lines[:end], *_TRAILERS[at.fault.name](decoder, lines[-1])]
    elif at.fault.name in _BELOW:
        lines = [*lines, *_below(at.fault, lines[-1])]
    else:
        lines = [*_TABLES[at.fault.name](at, lines[:end]), *lines[end:]]
    return pack(csv_bytes(decoder, lines, at.file.place), decoder.archive, member_name("csv", decoder.member))


def _without_column(at: _Spot, lines: Lines) -> Lines:
    gone = lines[0].index(required_column(at.stock, at.fault).source_field)
    return [[value for place, value in enumerate(line) if place != gone] for line in lines]


def _off_by_one(decoder: CsvDecoder, trailer: list[str], cell: str) -> Lines:
    place = getattr(decoder.trailer, cell) - 1
    return [[str(Decimal(value) + 1) if at == place else value for at, value in enumerate(trailer)]]


_TRAILERS: Final[Mapping[str, Callable[[CsvDecoder, list[str]], Lines]]] = {
    "trailer_gone": lambda _decoder, _trailer: [],
    "trailer_count_wrong": lambda decoder, trailer: _off_by_one(decoder, trailer, "count"),
    "trailer_sum_wrong": lambda decoder, trailer: _off_by_one(decoder, trailer, "sum"),
}
_TABLES: Final[Mapping[str, Callable[[_Spot, Lines], Lines]]] = {
    "title_row": lambda at, lines: [[at.stock.dataset.description.split("。")[0]], *lines],
    "header_blanks": lambda _at, lines: [
        [f"{name}\u00a0" if place % 2 else f" {name} " for place, name in enumerate(lines[0])],
        *lines[1:],
    ],
    "duplicate_header": lambda _at, lines: [[lines[0][0], lines[0][0], *lines[0][2:]], *lines[1:]],
    "extra_column": lambda _at, lines: [[*lines[0], "备注"], *([*row, "无"] for row in lines[1:])],
    "missing_column": _without_column,
}

_BYTES: Final[Mapping[str, Callable[[_Spot], bytes]]] = {
    **dict.fromkeys(_BELOW, _with_rows_below),
    "truncated_zip": lambda at: at.file.body[: len(at.file.body) // 2],
    "empty_file": lambda _at: b"",
    "archive_bomb": lambda at: archive_bomb(at.stock.dataset.decoder),
    "byte_order_mark": lambda at: b"\xef\xbb\xbf" + at.file.body.removeprefix(b"\xef\xbb\xbf"),
    "member_traversal": _with_bad_member,
    "encoding_lie": _in_other_encoding,
    "replaced_file": _with_correction,
    "stray_day": _with_correction,
    **dict.fromkeys(_OTHER_FORMS, lambda at: _OTHER_FORMS[at.fault.name] + at.file.body[:200]),
    "html_file": lambda _at: HTML.encode(),
    "json_file": lambda _at: b'{"code": 500, "message": "export failed"}',
    "packed_file": lambda at: gzip.compress(at.file.body, mtime=0),
    "text_as_workbook": lambda at: encode_text(at.stock.dataset, [entry.wire for entry in at.file.entries]),
}
_CORRECTED: Final = frozenset({"replaced_file", "same_second", *_CORRECTIONS})
_AROUND: Final[Mapping[str, Callable[[_Spot], dict[str, Any]]]] = {
    "same_second": lambda at: {"body": _with_correction(at), "keeps_time": True},
    "file_growing": lambda at: {
        "grows_from": len(at.file.body) // 2,
        "grow_seconds": at.fault.seconds or at.file.grow_seconds,
    },
    "missing_flag": lambda _at: {"is_flagged": False},
    "wrong_manifest_hash": lambda _at: {"stated_sha256": hashlib.sha256(b"another file").hexdigest()},
    "huge_file": lambda _at: {"size": HUGE_BYTES},
    "traversal_name": _links,
    "symlink": _symlink,
    **dict.fromkeys(_CORRECTIONS, _correction),
    **dict.fromkeys(_NAMES, lambda at: {"name": _NAMES[at.fault.name](at.file.name)}),
}
"""Faults that change something of a file other than its bytes."""
