"""Records that are not what was agreed: each fault begins at its position, in one record or in all from there on."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from connectors.spec import Column, Keyset
from sandbox.standin.encode import DEEP, SURROGATE
from sandbox.standin.faults import Fault
from sandbox.standin.records import Entry, Stock
from sandbox.standin.rows import Row

BIDI: Final = "\u202egnp.exe"
FORMULA: Final = '=HYPERLINK("http://127.0.0.1:1/","点击")'
TRAVERSAL: Final = "../../../../etc/passwd"
_WORDS: Final = "待核实"
_MANY: Final = 2_000_000
_ONE_RECORD: Final = frozenset(
    {
        "null_in_required", "record_not_an_object", "nul_in_text", "bidi_in_text", "formula_in_text",
        "traversal_in_text", "lone_surrogate", "huge_number", "oversized_field", "deep_nesting",
    }
)  # fmt: skip
_LANDS: Final = {"bidi_in_text": BIDI, "formula_in_text": FORMULA, "traversal_in_text": TRAVERSAL}
_TEXT_FAULTS: Final = frozenset({*_LANDS, "nul_in_text", "lone_surrogate", "oversized_field", "nested_value"})


def sent_records(
    stock: Stock, entries: Sequence[Entry], faults: Sequence[Fault], size: int
) -> tuple[list[Any], list[Fault]]:
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
                records[place] = _drifted(stock, records[place], entries[place], fault)
    return records, taken


def touches(fault: Fault, entry: Entry, stock: Stock, size: int) -> bool:
    """Whether a fault is about this entry."""
    target = fault.target(len(stock.entries), size)
    return entry.index == target if fault.name in _ONE_RECORD else entry.index >= target


def true_row(stock: Stock, entry: Entry, faults: Sequence[Fault], size: int) -> Row:
    """The typed row that must land, or be refused with a reason, under these faults: odd texts are still texts."""
    row = entry.typed
    for fault in faults:
        if touches(fault, entry, stock, size) and (text := _odd_text(stock, entry, fault)) is not None:
            row = {**row, text_column(stock, fault).name: text}
    return row


def _odd_text(stock: Stock, entry: Entry, fault: Fault) -> str | None:
    if fault.name == "oversized_field":
        return "长" * _MANY
    if fault.name == "bidi_in_text":
        return f"{entry.typed[text_column(stock, fault).name] or '名称'}{BIDI}"
    return _LANDS.get(fault.name)


def text_column(stock: Stock, fault: Fault) -> Column:
    """A column of free text, outside the key."""
    key = stock.dataset.key
    free = [
        c
        for c in stock.dataset.columns
        if c.data_type == "varchar" and not c.check and not c.values and c.name not in key
    ]
    return free[fault.seed % len(free)]


def required_column(stock: Stock, fault: Fault) -> Column:
    """A required column, outside the key where there is one."""
    required = [c for c in stock.dataset.columns if c.required]
    outside = [c for c in required if c.name not in stock.dataset.key] or required
    return outside[fault.seed % len(outside)]


def typed_column(stock: Stock, fault: Fault, *, is_number: bool = False) -> Column:
    """A column that is no text, required and outside the key where there is one."""
    typed = [c for c in stock.dataset.columns if c.data_type != "varchar" and c.source_field != _cursor(stock)]
    if is_number:
        typed = [c for c in typed if c.data_type.startswith(("decimal", "int", "big"))] or typed
    typed = typed or [c for c in stock.dataset.columns if c.data_type != "varchar"]
    best = (
        [c for c in typed if c.required and c.name not in stock.dataset.key]
        or [c for c in typed if c.required]
        or typed
    )
    return best[fault.seed % len(best)]


def _cursor(stock: Stock) -> str | None:
    paginator = stock.dataset.paginator
    return paginator.cursor if isinstance(paginator, Keyset) else None


def _drifted(stock: Stock, record: dict[str, Any], entry: Entry, fault: Fault) -> Any:
    if fault.name in _TEXT_FAULTS:
        return {**record, **_text_fault(stock, record, entry, fault)}
    return _DRIFTS[fault.name](stock, record, entry, fault)


def _as_text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _new_field(_stock: Stock, record: dict[str, Any], entry: Entry, _fault: Fault) -> Any:
    return {**record, "新增字段": f"第{entry.index}条"}


def _gone(stock: Stock, record: dict[str, Any], _entry: Entry, fault: Fault) -> Any:
    return {name: value for name, value in record.items() if name != required_column(stock, fault).source_field}


def _renamed(stock: Stock, record: dict[str, Any], _entry: Entry, fault: Fault) -> Any:
    old = required_column(stock, fault).source_field
    return {f"{old}_v2" if name == old else name: value for name, value in record.items()}


def _retyped(stock: Stock, record: dict[str, Any], _entry: Entry, fault: Fault) -> Any:
    return {**record, typed_column(stock, fault).source_field: _WORDS}


def _numbers_as_text(_stock: Stock, record: dict[str, Any], _entry: Entry, _fault: Fault) -> Any:
    return {name: _as_text(value) for name, value in record.items()}


def _null(stock: Stock, record: dict[str, Any], _entry: Entry, fault: Fault) -> Any:
    return {**record, required_column(stock, fault).source_field: None}


def _huge(stock: Stock, record: dict[str, Any], _entry: Entry, fault: Fault) -> Any:
    return {**record, typed_column(stock, fault, is_number=True).source_field: Decimal("9" * 400)}


_DRIFTS: Final[Mapping[str, Callable[[Stock, dict[str, Any], Entry, Fault], Any]]] = {
    "new_field": _new_field,
    "field_gone": _gone,
    "field_renamed": _renamed,
    "field_retyped": _retyped,
    "number_as_text": _numbers_as_text,
    "null_in_required": _null,
    "record_not_an_object": lambda *_: "记录损坏",
    "huge_number": _huge,
    "deep_nesting": lambda _stock, record, _entry, _fault: {**record, "附加": DEEP},
}


def _text_fault(stock: Stock, record: dict[str, Any], entry: Entry, fault: Fault) -> dict[str, Any]:
    name = text_column(stock, fault).source_field
    text = str(record.get(name) or "名称")
    if (odd := _odd_text(stock, entry, fault)) is not None:
        return {name: odd}
    return {
        name: {"nul_in_text": f"{text}\x00", "lone_surrogate": f"{text}{SURROGATE}"}.get(fault.name, {"value": text})
    }
