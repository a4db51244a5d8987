"""What every pull driver gives: pages of raw bytes, each with the cursor that the next one needs."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connectors.errors import LineDeadError
from ledger.settings import Settings

if TYPE_CHECKING:
    # `connectors.spec` imports the paginators, which import this module.
    from connectors.drivers.auth import Session
    from connectors.spec import Dataset, Source

MAX_BODY_BYTES = 64 * 1024 * 1024
"""The most that one page or file may hold, as received: more is refused before it fills memory and disk."""

Cursor = dict[str, Any]
"""Where a pull stands after a page, as JSON of a bounded size: enough to go on after the process died."""


@dataclass(frozen=True)
class Page:
    """One body as received. `label` says for people where it came from; `next_cursor` is None on the last page.

    `answer` is the decoded body, where the driver had to look into it anyway: the reader need not decode it again. Once
    the page is archived it has its number in the batch and the sha256 of its body.
    """

    label: str
    body: bytes
    next_cursor: Cursor | None = None
    answer: Any = field(default=None, compare=False)
    sequence: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Lines:
    """What the pulls of one run know of the lines to its sources, by source: why one is dead, and who is logged in."""

    dead: dict[str, LineDeadError] = field(default_factory=dict)
    sessions: "dict[str, Session]" = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """What one pull wants.

    `since` is the lower bound of a change feed (None: from its start), `resume` the cursor to go on from (None: from
    the beginning), `seen` the labels of files already held, `partition_values` the values of a partition, and
    `as_of` the last day to request where a paginator cuts by day. `held` has the sha256 of files that a promoted
    batch stands for, by label. In `notes` a driver counts what it found and did not take. `lines` are those of the run.
    """

    source: "Source"
    dataset: "Dataset"
    settings: Settings
    since: str | None = None
    resume: Cursor | None = None
    seen: frozenset[str] = frozenset()
    partition_values: tuple[str, ...] = ()
    as_of: dt.date = dt.date.max
    held: Mapping[str, str] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter, compare=False)
    lines: Lines = field(default_factory=Lines, compare=False)


PullDriver = Callable[[Ask], Iterator[Page]]
"""A function that yields the pages of one dataset in order; from `ask.resume`, only those that come after it."""
