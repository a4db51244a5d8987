"""What every decoder gives: records of one page, some at a time, column by column without a step for each value."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from connectors.decoders.form import FormError

CHUNK_ROWS = 10_000
"""About how many records a chunk holds: enough to work column by column, few enough to keep memory flat."""
MAX_FIELDS = 2_000
"""The most fields that one page may have: records that each bring names of their own would fill memory with None."""


@dataclass(frozen=True)
class Broken:
    """An item in place of a record that is none: `reason` is the reason code, `raw` the item.

    `field` is the one at fault, of a record whose fields are known.
    """

    position: int
    reason: str
    raw: Any
    field: str | None = None


@dataclass(frozen=True)
class Chunk:
    """Records in their order, column by column: field -> one raw value for each record, None where it has none.

    A raw value is a str, int, bool, None, or what a form has beside them (date, datetime, Decimal, list, dict).
    `positions` are the places of the records in the page, from 1. `records`, where the form has whole records, are what
    is kept of one that is refused; elsewhere that is put together from its columns.
    """

    columns: dict[str, list[Any]]
    positions: Sequence[int]
    records: Sequence[Any] | None = None
    broken: tuple[Broken, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """Names to count that are no faults, such as `encoding:gb18030`."""

    def fields(self, place: int) -> dict[str, Any]:
        """The fields of the record at a place of this chunk (from 0)."""
        return {name: values[place] for name, values in self.columns.items()}

    def raw(self, place: int) -> Any:
        """The same record as it was sent."""
        return self.fields(place) if self.records is None else self.records[place]


def to_chunk(items: Sequence[Any], first: int) -> Chunk:
    """One chunk of the items from place `first` of a page on; an item that is no mapping is broken."""
    if set(map(type, items)) <= {dict}:
        return Chunk(columns_of(items), range(first, first + len(items)), items)
    places = [place for place, item in enumerate(items, start=first) if isinstance(item, dict)]
    records = [item for item in items if isinstance(item, dict)]
    placed = enumerate(items, start=first)
    broken = (Broken(place, "not_a_record", item) for place, item in placed if not isinstance(item, dict))
    return Chunk(columns_of(records), places, records, tuple(broken))


def columns_of(records: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Field -> its value in each record, None where a record lacks it; in the order in which fields are first met."""
    shapes = dict.fromkeys(map(tuple, records))
    if len(shapes) == 1:
        # The same fields in the same order: values need no look-up.
        (names,) = shapes
        check_width(len(names))
        return dict(zip(names, map(list, zip(*map(dict.values, records), strict=True)), strict=True))
    known = dict.fromkeys(chain.from_iterable(shapes))
    check_width(len(known))
    return {name: [record.get(name) for record in records] for name in known}


def check_width(fields: int) -> None:
    """Raise a `FormError` where a page has more different fields than any table."""
    if fields > MAX_FIELDS:
        what = f"the page has {fields} different fields, more than {MAX_FIELDS}."
        raise FormError(what, "call the agency with this page")
