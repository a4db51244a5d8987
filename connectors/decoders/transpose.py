"""Turning a list of records into columns, without a step of Python for each value."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from connectors.decoders.chunk import Broken, Chunk
from connectors.errors import DataError

MAX_FIELDS = 2_000
"""The most fields that one page may have: records that each bring names of their own would fill memory with None."""


def to_chunk(items: Sequence[Any], first: int, where: str, notes: tuple[str, ...] = ()) -> Chunk:
    """One chunk of what stands at the places `first`, `first + 1`, ... of a page; what is no mapping is broken."""
    if set(map(type, items)) <= {dict}:
        positions: Sequence[int] = range(first, first + len(items))
        return Chunk(columns_of(items, where), positions, items, notes=notes)
    placed = list(enumerate(items, start=first))
    records = [item for _, item in placed if isinstance(item, dict)]
    return Chunk(
        columns_of(records, where),
        [place for place, item in placed if isinstance(item, dict)],
        records,
        tuple(Broken(place, "not_a_record", item) for place, item in placed if not isinstance(item, dict)),
        notes,
    )


def columns_of(records: Sequence[dict[str, Any]], where: str) -> dict[str, list[Any]]:
    """Field -> its value in each record, None where a record lacks it; in the order in which fields are first met."""
    shapes = dict.fromkeys(map(tuple, records))
    if len(shapes) == 1:
        # The same fields in the same order: values need no look-up.
        (names,) = shapes
        check_width(len(names), where)
        return dict(zip(names, map(list, zip(*map(dict.values, records), strict=True)), strict=True))
    known = dict.fromkeys(chain.from_iterable(shapes))
    check_width(len(known), where)
    return {name: [record.get(name) for record in records] for name in known}


def check_width(fields: int, where: str) -> None:
    """Raise a `DataError` where a page has more different fields than any table."""
    if fields > MAX_FIELDS:
        raise DataError(
            f"the page has {fields} different fields, more than {MAX_FIELDS}.", where, "call the agency with this page"
        )
