"""One simulated night after another: land what is known by then, count what it changes, build, run the gate."""

# ruff: noqa: S608  # SQL over made-up tables

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from connectors.change_limits import beyond, shipped, warned_in_words
from connectors.changes import compare
from connectors.inputs import Supplied, lay_out
from connectors.landing import landed_path
from connectors.source_files import read_sources
from connectors.spec import Dataset, Unwatched
from expectations.gate import audit
from expectations.suites import SUITES, load_suites
from sandbox.clean_nights.facts import known_sql, read_seasons, records_sql, write_known
from sandbox.planting.night import BESIDE, SoundNight, say


@dataclass(frozen=True)
class CleanNight:
    """What became of a night: datasets that were compared, held or warned of, and what stopped the edition."""

    day: date
    compared: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    checks: int = 0
    is_built: bool = False
    warned: tuple[str, ...] = ()

    @property
    def is_mistaken(self) -> bool:
        """Whether anything was held or stopped, though nothing was wrong."""
        return bool(self.held or self.stopped)


@dataclass
class Feed:
    """A dataset over the nights: its batches, its last content, its rows, and the changes of batches not held."""

    dataset: Dataset
    batches: list[str] = field(default_factory=list)
    content: tuple[int, int] = (0, 0)
    rows: int = 0
    past: list[dict[str, Any]] = field(default_factory=list)


class Agencies:
    """All datasets of the district, over time."""

    def __init__(self, night: SoundNight, folder: Path, seed: int) -> None:
        self._night, self._folder, self._db = night, folder, duckdb.connect()
        self._db.execute("set threads = 1; set enable_progress_bar = false")
        self._seasons = read_seasons()
        self.feeds = [Feed(one) for source in read_sources() for one in source.datasets]
        for feed in self.feeds:
            one = feed.dataset
            made = records_sql(self._seasons.get(one.address), one, night.landed(one.address), seed)
            self._db.execute(f"create table {_table(one)} as {made}")

    def close(self) -> None:
        """Close the database of the records."""
        self._db.close()

    def land(self, feed: Feed, day: date) -> tuple[bool, list[str], str | None]:
        """Land what is known on a day; answers whether it was compared, what was beyond its limits, and a warning."""
        one, known = feed.dataset, self._folder / "known" / f"{feed.dataset.address}.parquet"
        known.parent.mkdir(parents=True, exist_ok=True)
        query = known_sql(self._seasons.get(one.address), one, _table(one), day)
        content = self._content(one, query)
        if content == feed.content:
            return False, [], None
        feed.content = content
        path = landed_path(self._folder, one.source, one.name, f"{day}-001")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_known(self._db, query, one, known if known.exists() else None, path)
        write_known(self._db, query, one, None, known)
        if not pq.read_metadata(path).num_rows:
            shutil.rmtree(path.parent)
            return False, [], None
        over: list[str] = []
        warned = None
        is_compared = bool(feed.batches) and not isinstance(one.change, Unwatched)
        if is_compared:
            held = [landed_path(self._folder, one.source, one.name, batch) for batch in feed.batches]
            found = compare(one, held, path, feed.rows, day)
            warned = warned_in_words(found)
            over = [str(each) for each in beyond(one, found, feed.past[-shipped().learn.batches :])]
            # A batch that a person must accept is no example of a usual change.
            feed.past += [] if over else [asdict(found)]
        feed.batches = [*(feed.batches if one.load == "upsert" else ()), f"{day}-001"]
        feed.rows = pq.read_metadata(known).num_rows
        return is_compared, over, warned

    def _content(self, dataset: Dataset, query: str) -> tuple[int, int]:
        """How many records an agency's list holds, and a hash over all of them."""
        facts = ", ".join(column.name for column in dataset.columns)
        rows, hashed = self._db.execute(f"select count(*), bit_xor(hash({facts})) from ({query})").fetchone() or (0, 0)
        return int(rows), int(hashed or 0)


def _table(dataset: Dataset) -> str:
    return dataset.address.replace(".", "_")


def nights(
    night: SoundNight, days: Sequence[date], folder: Path, seed: int, build_every: int = 1
) -> Iterator[CleanNight]:
    """The nights of these days, after a first one on the day before, which has nothing to be compared with.

    Each lands and is compared; one in `build_every` is built too, and compared with the edition built before it.
    """
    agencies = Agencies(night, folder, seed)
    previous = folder / "edition"
    try:
        for place, day in enumerate((days[0] - timedelta(days=1), *days)):
            landed = {feed.dataset.address: agencies.land(feed, day) for feed in agencies.feeds}
            is_built = place % build_every == 0
            stopped, checks = _built(night, agencies.feeds, day, folder, previous) if is_built else ((), 0)
            if day >= days[0]:
                compared = tuple(name for name, (is_compared, _, _) in landed.items() if is_compared)
                held = tuple(f"{name}: {'; '.join(over)}" for name, (_, over, _) in landed.items() if over)
                warned = tuple(name for name, (_, _, warning) in landed.items() if warning)
                yield CleanNight(day, compared, held, stopped, checks, is_built, warned)
    finally:
        agencies.close()


def run_part(part: tuple[SoundNight, Sequence[date], int, int]) -> list[CleanNight]:
    """The nights of some days, each printed as it comes: what one process does."""
    night, days, seed, build_every = part
    found = []
    with tempfile.TemporaryDirectory(prefix="clean.") as folder:
        for one in nights(night, days, Path(folder), seed, build_every):
            found.append(one)
            stopped = "; ".join([*(f"held {text}" for text in one.held), *(f"stopped {text}" for text in one.stopped)])
            ended = stopped or ("published" if one.is_built else "landed")
            came = f"{len(one.compared)} deliveries | {len(one.warned)} warned of"
            say(f"{one.day} | {came} | {one.checks} checks | {ended}")
    return found


def _built(
    night: SoundNight, feeds: Sequence[Feed], day: date, folder: Path, previous: Path
) -> tuple[tuple[str, ...], int]:
    """What stops the edition of a day, and how many tests and checks looked at something."""
    inputs = folder / "again" / night.candidate.inputs.name
    shutil.rmtree(inputs, ignore_errors=True)
    lay_out(inputs, read_sources(), [_supplied(feed, day) for feed in feeds], folder)
    warehouse = folder / "candidate" / "candidate.duckdb"
    warehouse.parent.mkdir(exist_ok=True)
    night.whole(warehouse, inputs, day)
    with duckdb.connect(str(warehouse)) as db:
        db.execute(f"set file_search_path = '{inputs.parent}'")
        failed, asked = night.failed_tests(db)
    verdict = audit(warehouse, previous if previous.exists() else None)
    stopped = [*(f"dbt: {name}" for name in failed)]
    stopped += [f"gate: {one.table}.{one.name} ({one.observed})" for one in verdict.blocking]
    stopped += verdict.problems
    _keep(warehouse, inputs, previous)
    return tuple(stopped), asked + sum(one.evaluated_rows > 0 for one in verdict.checks)


def _supplied(feed: Feed, day: date) -> Supplied:
    one = feed.dataset
    return Supplied(
        source=one.source,
        dataset=one.name,
        coverage=one.coverage,
        is_critical=one.critical,
        is_supplied=bool(feed.batches),
        is_stale=False,
        batches=tuple(feed.batches),
        content_sha256="",
        learned_on=day if feed.batches else None,
        rows_landed=feed.rows,
        refused=(),
        counts={},
        reason=None,
    )


def _keep(warehouse: Path, inputs: Path, previous: Path) -> None:
    """Keep the tables of a candidate that the next one is compared with."""
    suites, _ = load_suites(SUITES)
    named = {
        name for suite in suites for check in suite.checks for name in _PREVIOUS.findall(f"{check.sql} {check.over}")
    }
    shutil.rmtree(previous, ignore_errors=True)
    (previous / "tables").mkdir(parents=True)
    with duckdb.connect(str(warehouse), read_only=True) as db:
        db.execute(f"set threads = 1; set file_search_path = '{inputs.parent}'")
        for name in sorted({*BESIDE, *named}):
            db.execute(f"copy (from {name}) to '{previous / 'tables' / name}.parquet' (format parquet)")


_PREVIOUS = re.compile(r"\{previous_([a-z0-9_]+)\}")
