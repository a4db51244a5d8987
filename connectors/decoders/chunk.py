"""What every decoder gives: records of one page, some at a time, column by column."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

CHUNK_ROWS = 10_000
"""About how many records a chunk holds: enough to work column by column, few enough to keep memory flat."""


@dataclass(frozen=True)
class Broken:
    """What stands where a record should and is none: `reason` says why, `raw` is what was there.

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
    """What is no fault and must be counted, such as `encoding:gb18030`."""

    def raw(self, place: int) -> Any:
        """The record at a place of this chunk (from 0), as it was sent."""
        if self.records is not None:
            return self.records[place]
        return {name: values[place] for name, values in self.columns.items()}
