"""Records that are not what was agreed: each fault begins at its position, in one record or in all from there on."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from connectors.spec import Column
from sandbox.standin.encode import DEEP, TWICE
from sandbox.standin.faults import PlantedFault
from sandbox.standin.planted import COLUMNS, PLANTED, column_of, value_of
from sandbox.standin.records import Entry, Stock
from sandbox.standin.rows import Row

_ONE_RECORD: Final = frozenset({"record_not_an_object", "deep_nesting"})


def sent_records(
    stock: Stock, entries: Sequence[Entry], faults: Sequence[PlantedFault], size: int
) -> tuple[list[Any], list[PlantedFault]]:
    """What is sent for some entries under these faults, and the faults that took hold."""
    records: list[Any] = [dict(entry.wire) for entry in entries]
    taken = []
    for fault in faults:
        touched = [place for place, entry in enumerate(entries) if touches(fault, entry, stock, size)]
        if not touched or not fault.strike():
            continue
        taken.append(fault)
        for place in touched:
            if isinstance(records[place], dict):
                records[place] = _drifted(stock, records[place], entries[place], fault, size)
    return records, taken


def touches(fault: PlantedFault, entry: Entry, stock: Stock, size: int) -> bool:
    """Whether a fault is about this entry."""
    ahead = entry.index - fault.target(len(stock.entries), size)
    row = PLANTED.get(fault.name)
    if row is not None and not row.is_lasting:
        return ahead == 0 or (row.after is not None and ahead == row.after[0])
    return ahead == 0 if fault.name in _ONE_RECORD else ahead >= 0


def _sent_and_true(stock: Stock, entry: Entry, fault: PlantedFault, size: int) -> tuple[Any, Any]:
    """What a planted row sends in this entry, and what must be held then."""
    row = PLANTED[fault.name]
    if row.after is not None and entry.index != fault.target(len(stock.entries), size):
        sent, true = row.after[1]
        return sent, true
    return row.sent, row.true


def true_row(stock: Stock, entry: Entry, faults: Sequence[PlantedFault], size: int) -> Row:
    """The typed row that must land, or be refused with a reason, under these faults: odd texts are still texts."""
    row = entry.typed
    for fault in faults:
        if fault.name in PLANTED and touches(fault, entry, stock, size):
            _, true = _sent_and_true(stock, entry, fault, size)
            name = column_of(PLANTED[fault.name], stock.dataset, fault.seed).name
            row = row if true is None else {**row, name: value_of(true, row[name])}
    return row


def required_column(stock: Stock, fault: PlantedFault) -> Column:
    """A required column, outside the key where there is one."""
    found = COLUMNS["required"](stock.dataset)
    return found[fault.seed % len(found)]


def _drifted(stock: Stock, record: dict[str, Any], entry: Entry, fault: PlantedFault, size: int) -> Any:
    if fault.name not in PLANTED:
        return _DRIFTS[fault.name](stock, record, entry, fault)
    column = column_of(PLANTED[fault.name], stock.dataset, fault.seed)
    name, (sent, _) = column.source_field, _sent_and_true(stock, entry, fault, size)
    if sent == TWICE:
        return {**record, f"{name}{TWICE}": 1}
    value: Any = entry.typed[column.name]
    if column.unit == "万元" and value is not None:
        value = value.scaleb(-4)
    return {**record, name: value_of(sent, value)}


def _as_text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _gone(stock: Stock, record: dict[str, Any], _entry: Entry, fault: PlantedFault) -> Any:
    return {name: value for name, value in record.items() if name != required_column(stock, fault).source_field}


def _renamed(stock: Stock, record: dict[str, Any], _entry: Entry, fault: PlantedFault) -> Any:
    old = required_column(stock, fault).source_field
    return {f"{old}_v2" if name == old else name: value for name, value in record.items()}


_DRIFTS: Final[Mapping[str, Callable[[Stock, dict[str, Any], Entry, PlantedFault], Any]]] = {
    "new_field": lambda _stock, record, entry, _fault: {**record, "新增字段": f"第{entry.index}条"},
    "field_gone": _gone,
    "field_renamed": _renamed,
    "number_as_text": lambda _stock, record, *_: {name: _as_text(value) for name, value in record.items()},
    "record_not_an_object": lambda *_: "记录损坏",
    "deep_nesting": lambda _stock, record, _entry, _fault: {**record, "附加": DEEP},
}
