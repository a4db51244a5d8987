"""A data folder and ledger of its own for one check, and what was pulled, held and output in it."""

import json
import logging
import os
import shutil
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors import pull as core
from connectors.drivers.pages import Ask, Page, PullDriver
from connectors.errors import TransientError
from connectors.landing import landed_path
from connectors.pull import Pulled, pull_dataset
from connectors.refusals import quarantine_path
from connectors.spec import Dataset, Source, Unwatched
from connectors.zone import Zone
from ledger.batches import BatchKey, landed_batches, pages_of, promoted_batches
from ledger.settings import Settings
from ledger.store import Row, open_ledger

Key = tuple[Any, ...]


class StoppedError(BaseException):
    """A pull that the kit broke off as a dying process would: past every `except Exception`."""


@dataclass
class Watch:
    """What a driver gave while it was watched.

    `stop_after`: how many pages may be kept before the process dies; `down_after`: before the agency goes down.
    """

    stop_after: int | None = None
    down_after: int | None = None
    labels: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)


@dataclass
class TrialStore:
    """One data folder with its ledger. `output` is all that was logged, raised or answered, to search for secrets."""

    settings: Settings
    ledger: Engine
    zone: Zone
    as_of: date
    output: list[str]

    def pull(self, source: Source, dataset: Dataset, watch: Watch | None = None) -> Pulled:
        """Pull and land one dataset as a night would. Raises `StoppedError` where the watch ends it."""
        watch = watch or Watch()
        # A stand-in changes far more from one pull to the next than an agency does: what the budget holds back is
        # tried by planted faults (sandbox/planting).
        unheld = dataset.model_copy(update={"change": Unwatched(unwatched="a stand-in that is changed on purpose")})
        try:
            with _watched(watch), listening(self.output):
                pulled = pull_dataset(source, unheld, self.zone, self.settings, self.ledger, self.as_of)
        finally:
            self.output += watch.tracebacks
        self.output.append(repr(pulled))
        return pulled

    def pull_all(self, source: Source) -> list[Pulled]:
        """Pull every dataset of a source in the order of its file: a parent stands before its children."""
        return [self.pull(source, dataset) for dataset in source.datasets]

    def promoted(self, dataset: Dataset) -> list[Row]:
        """The ledger's rows of the batches that count, oldest first."""
        return promoted_batches(self.ledger, dataset.source, dataset.name, self.as_of)

    def landed(self, dataset: Dataset) -> list[Row]:
        """The ledger's rows of the batches that hold data, oldest first; of a snapshot only the newest."""
        found = landed_batches(self.ledger, dataset.source, dataset.name, self.as_of)
        return found[-1:] if dataset.load == "snapshot" else found

    def landed_rows(self, dataset: Dataset, batch: str) -> list[Row]:
        """The rows of one landed batch with their lineage."""
        path = landed_path(self.settings.data_dir, dataset.source, dataset.name, batch)
        rows: list[Row] = pq.read_table(path, partitioning=None).to_pylist()
        return rows

    def landed_schema(self, dataset: Dataset, batch: str) -> pa.Schema:
        """The columns of one landed batch."""
        return pq.read_schema(landed_path(self.settings.data_dir, dataset.source, dataset.name, batch))

    def held(self, dataset: Dataset) -> list[Row]:
        """The records that stand: the newest of each key, without those that were deleted."""
        batches = (self.landed_rows(dataset, batch["batch"]) for batch in self.landed(dataset))
        standing = {key_of(dataset, row): row for rows in batches for row in rows}
        return [row for row in standing.values() if not row.get("_deleted")]

    def pages(self, dataset: Dataset, batch: str) -> list[Row]:
        """The pages of a batch that count, in order."""
        return pages_of(self.ledger, BatchKey(dataset.source, dataset.name, batch))

    def refusals(self, dataset: Dataset) -> list[Row]:
        """Every quarantine line of the promoted batches."""
        return [line for row in self.promoted(dataset) for line in self.quarantined(dataset, row["batch"])]

    def quarantined(self, dataset: Dataset, batch: str) -> list[Row]:
        """The quarantine lines of one batch."""
        path = quarantine_path(self.settings.data_dir, dataset.source, dataset.name, batch)
        # Not splitlines: a record may hold other characters that end a line for Python and not for JSON lines.
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return [json.loads(line) for line in text.split("\n") if line]


def open_store(settings: Settings, name: str, zone: Zone, as_of: date, output: list[str]) -> TrialStore:
    """A fresh store in a folder below the scratch folder of a run."""
    empty, own = (
        settings.model_copy(update={"data_dir": settings.data_dir / folder, "ledger_url": None})
        for folder in (".empty", name)
    )
    if not empty.data_dir.exists():
        open_ledger(empty).dispose()
    # A copy of a new ledger: a check of a source makes hundreds.
    shutil.copytree(empty.data_dir, own.data_dir)
    return TrialStore(own, open_ledger(own), zone, as_of, output)


def key_of(dataset: Dataset, row: Mapping[str, Any]) -> Key:
    """The key of a row, as its typed values."""
    return tuple(row[name] for name in dataset.key)


def states(pulled: Sequence[Pulled]) -> str:
    """What became of each dataset, in a line; a failure with its message."""
    parts = (f"{one.dataset} {one.state}" + (f" ({one.whose}: {one.message})" if one.message else "") for one in pulled)
    return "; ".join(parts)


@contextmanager
def environment(env: Mapping[str, str | None]) -> Iterator[None]:
    """Let these variables hold for a while; None takes one away."""
    before = {name: os.environ.get(name) for name in env}
    _set(env)
    try:
        yield
    finally:
        _set(before)


def _set(env: Mapping[str, str | None]) -> None:
    for name, value in env.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def _watched(watch: Watch) -> Iterator[None]:
    """Wrap the drivers that the core uses: note what they give, and stop where the watch wants it."""
    original = core.driver_of

    def driver_of(name: str) -> PullDriver:
        return lambda ask: _relay(original(name), ask, watch)

    core.driver_of = driver_of  # the core looks its driver up by this name on each pull
    try:
        yield
    finally:
        core.driver_of = original


def _relay(driver: PullDriver, ask: Ask, watch: Watch) -> Iterator[Page]:
    pages = driver(ask)
    down = TransientError("the kit took the agency down.", ask.dataset.address, "run again")
    try:
        if watch.down_after == 0:
            raise down
        for page in pages:
            # The page is fetched and not kept: it is the one in flight.
            if watch.stop_after is not None and len(watch.labels) >= watch.stop_after:
                raise StoppedError
            if watch.down_after is not None and len(watch.labels) >= watch.down_after:
                raise down
            watch.labels.append(page.label)
            yield page
    except Exception as error:
        watch.tracebacks.append("".join(traceback.format_exception(error)))
        raise
    finally:
        # Close at once, as a dying process would, not whenever the garbage is collected.
        getattr(pages, "close", lambda: None)()


class _Listener(logging.Handler):
    def __init__(self, output: list[str]) -> None:
        super().__init__(logging.NOTSET)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        self._output.append(f"{record.name}: {record.getMessage()}")
        if record.exc_info:
            self._output.append("".join(traceback.format_exception(*record.exc_info)))


@contextmanager
def listening(output: list[str]) -> Iterator[None]:
    """Collect what any library logs, down to its debug lines: an operator may switch those on."""
    root, handler = logging.getLogger(), _Listener(output)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        root.setLevel(level)
        root.removeHandler(handler)
