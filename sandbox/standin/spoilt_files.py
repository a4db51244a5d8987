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
from sandbox.standin.faults import Fault
from sandbox.standin.records import Entry, Stock
from sandbox.standin.rows import Row
from sandbox.standin.struck import HTML, archive_bomb

if TYPE_CHECKING:
    from sandbox.standin.files import Written

HUGE_BYTES: Final = 65 * 1024 * 1024
FILES: Final = 3
"""How many files the records of a dataset are cut into."""
_CSV_FAULTS: Final = frozenset(
    {
        "trailer_count_wrong", "trailer_sum_wrong", "trailer_gone", "duplicate_header", "missing_column",
        "extra_column", "wrong_delimiter", "header_only", "title_row", "header_blanks",
    }
)  # fmt: skip
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
    fault: Fault
    folder: Path
    pattern: str


def spoil(stock: Stock, file: "Written", fault: Fault, folder: Path, pattern: str) -> "Written":
    """The file under a fault of stage `file` or `body`; `folder` and `pattern` are where it stands."""
    if fault.name in _BYTES:
        return replace(file, body=_BYTES[fault.name](stock, file, fault))
    return replace(file, **_AROUND[fault.name](_Spot(stock, file, fault, folder, pattern)))


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
    return {"more": (replace(late, body=_with_correction(at.stock, late, at.fault)),)}


def _with_bad_member(stock: Stock, file: "Written", _fault: Fault) -> bytes:
    decoder: Any = stock.dataset.decoder
    with zipfile.ZipFile(io.BytesIO(file.body)) as packed:
        plain = packed.read(packed.namelist()[0])
    return pack(plain, "zip", f"../../../{member_name(decoder.kind, decoder.member)}")


def _with_rows_below(stock: Stock, file: "Written", fault: Fault) -> bytes:
    """A workbook or delimited text with rows below its records."""
    import openpyxl

    if isinstance(stock.dataset.decoder, CsvDecoder):
        return _spoilt_csv(stock, file, fault)
    book = openpyxl.load_workbook(io.BytesIO(file.body))
    sheet = book.worksheets[0]
    last = [cell.value for cell in sheet[sheet.max_row]]
    for first, is_full in _BELOW[fault.name]:
        for column, value in enumerate([first, *(last[1:] if is_full else [""] * (len(last) - 1))], start=1):
            sheet.cell(sheet.max_row + (column == 1), column, value)
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


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


def true_entry(stock: Stock, entry: Entry, faults: Sequence[Fault]) -> Row:
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
    """A row that says it belongs to another delivery, in which its key is not taken."""
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


def _spoilt_csv(stock: Stock, file: "Written", fault: Fault) -> bytes:
    decoder = stock.dataset.decoder
    if not isinstance(decoder, CsvDecoder):
        raise TypeError(f"{stock.dataset.address} is no CSV")
    lines = csv_lines(stock.dataset, decoder, [entry.wire for entry in file.entries])
    if fault.name == "header_only":
        lines = csv_lines(stock.dataset, decoder, [])
    elif fault.name.startswith("trailer"):
        lines = _spoilt_trailer(decoder, lines, fault)
    elif fault.name == "title_row":
        lines = [[stock.dataset.description.split("。")[0]], *lines]
    elif fault.name == "header_blanks":
        lines = [[f"{name}\u00a0" if place % 2 else f" {name} " for place, name in enumerate(lines[0])], *lines[1:]]
    elif fault.name in _BELOW:
        lines = [
            *lines,
            *(
                [first, *(lines[-1][1:] if is_full else [""] * (len(lines[0]) - 1))]
                for first, is_full in _BELOW[fault.name]
            ),
        ]
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


_BYTES: Final[Mapping[str, Callable[[Stock, "Written", Fault], bytes]]] = {
    **dict.fromkeys(_CSV_FAULTS, _spoilt_csv),
    **dict.fromkeys(_BELOW, _with_rows_below),
    "truncated_zip": lambda _stock, file, _fault: file.body[: len(file.body) // 2],
    "empty_file": lambda _stock, _file, _fault: b"",
    "archive_bomb": lambda stock, _file, _fault: archive_bomb(stock.dataset.decoder),
    "byte_order_mark": lambda _stock, file, _fault: b"\xef\xbb\xbf" + file.body.removeprefix(b"\xef\xbb\xbf"),
    "member_traversal": _with_bad_member,
    "encoding_lie": _in_other_encoding,
    "replaced_file": _with_correction,
    "stray_day": _with_correction,
    **dict.fromkeys(_OTHER_FORMS, lambda _stock, file, fault: _OTHER_FORMS[fault.name] + file.body[:200]),
    "html_file": lambda _stock, _file, _fault: HTML.encode(),
    "json_file": lambda _stock, _file, _fault: b'{"code": 500, "message": "export failed"}',
    "packed_file": lambda _stock, file, _fault: gzip.compress(file.body, mtime=0),
    "text_as_workbook": lambda stock, file, _fault: encode_text(stock.dataset, [e.wire for e in file.entries]),
}
_CORRECTED: Final = frozenset({"replaced_file", "same_second", *_CORRECTIONS})
_AROUND: Final[Mapping[str, Callable[[_Spot], dict[str, Any]]]] = {
    "same_second": lambda at: {"body": _with_correction(at.stock, at.file, at.fault), "keeps_time": True},
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
"""What else than its bytes is changed of a file."""
