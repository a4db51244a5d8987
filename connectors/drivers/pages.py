"""What every pull driver gives: pages of raw bytes, each with the cursor that the next one needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.spec import Dataset, Source
from ledger.settings import Settings

MAX_BODY_BYTES = 256 * 1024 * 1024
"""The most that one page or file may hold, as received: more is refused before it fills the disk."""

Cursor = dict[str, Any]
"""Where a pull stands after a page, as JSON: enough to go on after the process died."""


@dataclass(frozen=True)
class Page:
    """One body as received. `label` tells people where it came from; `next_cursor` is None on the last page."""

    label: str
    body: bytes
    next_cursor: Cursor | None


@dataclass(frozen=True)
class Ask:
    """What one pull wants: the dataset, the lower bound of a change feed, where to go on, and files already held."""

    source: Source
    dataset: Dataset
    settings: Settings
    since: str | None
    resume: Cursor | None
    seen: frozenset[str]


class PullDriver(Protocol):
    """A function that yields the pages of one dataset, from the start or from a cursor."""

    def __call__(self, ask: Ask) -> Iterator[Page]:
        """Yield the pages in order; a driver that was told where to go on yields only what is left."""
