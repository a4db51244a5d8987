"""What must land, written beside the agencies and read by the checks that judge a pull."""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from connectors.spec import FileRequest
from sandbox.standin.drift import true_row
from sandbox.standin.faults import PlantedFault
from sandbox.standin.files import cut
from sandbox.standin.pages import page_size
from sandbox.standin.records import Stock
from sandbox.standin.rows import Row
from sandbox.standin.spoilt_files import file_size, true_entry

_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "timestamp": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "decimal": Decimal,
}


def true_rows(stock: Stock, faults: Sequence[PlantedFault]) -> list[Row]:
    """The typed rows that must land (or be refused with a reason) under these faults, tombstones among them."""
    request = stock.dataset.request
    size = file_size(stock) if isinstance(request, FileRequest) else page_size(stock)
    rows = []
    for entry in stock.entries:
        row = true_row(stock, entry, faults, size)
        rows.append(true_entry(stock, entry, faults) if row is entry.typed else row)
    if isinstance(request, FileRequest):
        gone = _gone(stock, request, faults, size)
        rows = [row for place, row in enumerate(rows) if place not in gone]
    return rows


def _gone(stock: Stock, request: FileRequest, faults: Sequence[PlantedFault], size: int) -> set[int]:
    """The places of records whose file holds a header alone."""
    gone: set[int] = set()
    for fault in faults:
        if fault.name == "header_only":
            target = fault.target(len(stock.entries), size)
            for _, part in cut(stock, request):
                if any(entry.index == target for entry in part):
                    gone |= {place for place, entry in enumerate(stock.entries) if entry in part}
    return gone


def write_truth(path: Path, rows: Sequence[Row]) -> None:
    """Write typed rows as lines of JSON; a value that JSON has no type for is a pair of type and text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, default=_type_and_text, ensure_ascii=False) + "\n" for row in rows)
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def read_truth(path: Path) -> list[dict[str, Any]]:
    """Read what `write_truth` wrote, typed as it was."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return [{name: _typed(value) for name, value in json.loads(line).items()} for line in lines if line]


def _type_and_text(value: Any) -> list[str]:
    if isinstance(value, dt.datetime):
        return ["timestamp", value.isoformat()]
    if isinstance(value, dt.date):
        return ["date", value.isoformat()]
    if isinstance(value, Decimal):
        return ["decimal", format(value, "f")]
    raise TypeError(f"no form for {type(value).__name__}")


def _typed(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind, text = value
    return _READERS[kind](text)
