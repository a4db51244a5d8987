"""An agency's records in motion: one added, one corrected, one deleted; the truth follows."""

import datetime as dt
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.columns import tombstones_of
from connectors.spec import Tombstone
from sandbox.standin.records import Entry, Stock, make_entries
from sandbox.standin.rows import Row, UsageError
from sandbox.standin.spoilt_files import corrected

CHANGES: Final = ("add", "correct", "delete")
_STEP: Final = dt.timedelta(minutes=7)


def change(stock: Stock, what: str, place: int) -> None:
    """Change one record of a stock; `place` counts the changes so far, so that each is another one.

    A correction or a deletion is about an old record. In a change feed the record gets a new time of change; where a
    feed has tombstones a deletion is one, elsewhere the record is gone.
    """
    if stock.feed is not None:
        raise UsageError(f"{stock.dataset.address}: the records of a population change in {stock.feed}")
    if stock.partitions is not None and what == "add":
        raise UsageError(f"{stock.dataset.address}: no record is added to a partitioned listing")
    old = stock.entries[(place * 5 + 1) % len(stock.entries)] if stock.entries else None
    if what == "add" or old is None:
        stock.made += 1
        fresh = make_entries(stock, stock.made)[-1]
        stock.entries.append(_stamped(stock, fresh.typed, len(stock.entries), place, None))
    elif what == "correct":
        _replace(stock, old, corrected(stock, old.typed), place)
    elif isinstance(stock.dataset.deletes, Tombstone):
        _replace(stock, old, {**old.typed, **_tombstone(stock, stock.dataset.deletes)}, place)
    else:
        stock.entries.remove(old)
        for index, entry in enumerate(stock.entries):
            entry.index = index


def _tombstone(stock: Stock, deletes: Tombstone) -> dict[str, Any]:
    is_flag = stock.column(deletes.column).data_type == "boolean"
    return {deletes.column: tombstones_of(stock.dataset, {}, ZoneInfo("UTC"))[0] if is_flag else deletes.values[0]}


def _replace(stock: Stock, old: Entry, row: Row, place: int) -> None:
    position = stock.entries.index(old)
    stock.entries[position] = _stamped(stock, row, old.index, place, old.partition)


def _stamped(stock: Stock, row: Row, index: int, place: int, partition: str | None) -> Entry:
    """An entry whose time of change, where the feed has one, is later than every other."""
    since = stock.dataset.since
    if since is not None:
        times: list[Any] = [entry.typed[since.column] for entry in stock.entries]
        newest: Any = max(times)
        is_moment = isinstance(newest, dt.datetime)
        row = {**row, since.column: newest + _STEP if is_moment else newest}
    return Entry(index, stock.wire_of(row, index + 1_000 * (place + 1)), partition, row)
