"""From a batch's pages to landed Parquet and quarantine: staged as they come, settled, and written once."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors.columns import declared_schema
from connectors.file_order import ages
from connectors.page_batch import RawPage
from connectors.raw import publish_durably
from connectors.reading import PLACE, Part, Reading, read_pages
from connectors.refusals import RefusalLog, quarantine_path
from connectors.settle import ROWS_AT_ONCE, Ascent, Settled, settle, write_rows
from connectors.spec import Dataset, FileRequest
from connectors.watch import newest_in
from connectors.zone import Zone
from ledger.batches import BatchKey, landed_batches, pages_of_dataset
from ledger.settings import Settings

LINEAGE = (pa.field("_batch", pa.string()), pa.field("_learned_on", pa.date32()), *PLACE)
"""Where a landed row came from and when we learnt it; beside the data, never part of what the data says."""


@dataclass(frozen=True)
class Staged:
    """A batch read through: its typed rows in the order they came, in a file of their own, and what was seen."""

    path: Path
    log: RefusalLog
    reading: Reading
    rows: int
    is_ascending: bool
    high_water: str | None


@dataclass(frozen=True)
class Prepared:
    """A batch as it would land: one row for each key, in key order, in a file that has not its name yet."""

    path: Path
    settled: Settled
    rows: int
    content_sha256: str


def landed_path(data_dir: Path, source: str, dataset: str, batch: str) -> Path:
    """The Parquet file of one landed batch."""
    return data_dir / "landed" / source / dataset / f"batch={batch}" / "part-0.parquet"


def landed_schema(dataset: Dataset) -> pa.Schema:
    """The columns of a landed file: the facts, then where they came from."""
    return pa.schema([*declared_schema(dataset), *LINEAGE])


def landed_paths(dataset: Dataset, data_dir: Path, ledger: Engine, as_of: date) -> list[Path]:
    """The files of every batch that landed on or before this date, oldest first."""
    rows = landed_batches(ledger, dataset.source, dataset.name, as_of)
    return [landed_path(data_dir, dataset.source, dataset.name, row["batch"]) for row in rows]


def _work_path(settings: Settings, key: BatchKey, step: str) -> Path:
    return settings.data_dir / "landed" / key.source / key.dataset / f".batch={key.batch}.{step}.parquet"


def stage(
    dataset: Dataset, zone: Zone, settings: Settings, key: BatchKey, as_of: date, pages: Iterable[RawPage]
) -> Staged:
    """Read pages as they come into one Parquet file, what they refuse into one quarantine file; memory stays flat."""
    path = _work_path(settings, key, "staged")
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_behind in path.parent.glob(".batch=*.parquet"):
        # Of a process that died on another day: one run at a time works here.
        left_behind.unlink()
    log = RefusalLog(quarantine_path(settings.data_dir, key.source, key.dataset, key.batch))
    log.drop()
    reading = Reading()
    told = _Told(dataset, settings.zone)
    parts = read_pages(dataset, zone, settings.zone, pages, reading)
    with log:
        write_rows(path, landed_schema(dataset), _with_lineage(parts, key, as_of, log, told))
    return Staged(path, log, reading, told.rows, told.ascent.holds, told.high_water(reading))


def _with_lineage(
    parts: Iterator[Part], key: BatchKey, as_of: date, log: RefusalLog, told: "_Told"
) -> Iterator[pa.Table]:
    for part in parts:
        log.append(part.refusals)
        if part.rows.num_rows:
            told.see(part.rows)
            yield with_lineage(part.rows, key, as_of)


def with_lineage(rows: pa.Table, key: BatchKey, as_of: date) -> pa.Table:
    """The rows of a part, with the batch and the day we learnt of them between the facts and their place."""
    facts = rows.num_columns - len(PLACE)
    lineage = (pa.scalar(key.batch), pa.scalar(as_of, pa.date32()))
    for place, value in enumerate(lineage):
        rows = rows.add_column(facts + place, LINEAGE[place], pa.repeat(value, rows.num_rows))
    return rows


class _Told:
    """What is learnt of the rows while they pass: how many, whether their keys ascend, the newest change."""

    def __init__(self, dataset: Dataset, zone: ZoneInfo) -> None:
        self._since, self._zone = dataset.since, zone
        self._newest: Any = None
        self._ahead = 0
        self.rows, self.ascent = 0, Ascent(dataset.key)

    def see(self, rows: pa.Table) -> None:
        self.rows += rows.num_rows
        self.ascent.see(rows)
        if self._since is not None:
            self._newest, ahead = newest_in(rows[self._since.column], self._zone, self._newest)
            self._ahead += ahead

    def high_water(self, reading: Reading) -> str | None:
        """The newest change seen, but never one that lies ahead: it would hide every change that comes before it."""
        if self._since is not None and self._ahead:
            reading.notes[f"ahead_of_time:{self._since.column}"] = self._ahead
        return None if self._newest is None else str(self._newest.isoformat())


def prepare(
    dataset: Dataset, settings: Settings, ledger: Engine, key: BatchKey, as_of: date, staged: Staged
) -> Prepared:
    """Settle a staged batch against what is landed; rows in key order with nothing before them are settled already."""
    schema = landed_schema(dataset)
    known = landed_paths(dataset, settings.data_dir, ledger, as_of) if dataset.load == "upsert" else []
    newest = landed_batches(ledger, key.source, key.dataset, as_of)[-1:]
    before = newest[0]["rows_landed"] if newest else 0
    if staged.is_ascending and not known and dataset.deletes is None:
        return Prepared(staged.path, Settled(staged.rows, before), staged.rows, content_sha256(staged.path, dataset))
    target = _work_path(settings, key, "settled")
    reading = staged.reading
    request, age = dataset.request, None
    if isinstance(request, FileRequest):
        age = ages(request, pages_of_dataset(ledger, key.source, key.dataset))
    settled = settle(dataset, staged.path, known, schema, reading.refused_keys, reading.unknown_keys, target, age)
    if dataset.load == "snapshot":
        settled = replace(settled, total_before=before)
    rows = pq.read_metadata(target).num_rows
    return Prepared(target, settled, rows, content_sha256(target, dataset))


def content_sha256(path: Path, dataset: Dataset) -> str:
    """The hash of what the rows of a landed file say, in their order, without lineage: equal facts, equal hash."""
    digest = hashlib.sha256()
    names = [*(column.name for column in dataset.columns), "_deleted", "_extra"]
    digest.update("\n".join(names).encode())
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=names):
            for name in names:
                _add_column(digest, batch.column(name))
    return digest.hexdigest()


def _add_column(digest: Any, column: pa.Array) -> None:
    # What stands in memory under a null, and behind the last bit, is not defined: neither goes into the hash.
    is_valid = column.is_valid().cast(pa.int8())
    digest.update(np.asarray(is_valid).tobytes())
    there = column.drop_null()
    plain = there.cast(pa.int8()) if pa.types.is_boolean(there.type) else there
    digest.update(pa.record_batch([plain], names=["values"]).serialize())


def install(settings: Settings, key: BatchKey, prepared: Prepared) -> None:
    """Give the prepared file its name, durably."""
    publish_durably(prepared.path, landed_path(settings.data_dir, key.source, key.dataset, key.batch))


def clear_work(settings: Settings, key: BatchKey) -> None:
    """Drop what a batch left on its way, whatever became of it."""
    RefusalLog(quarantine_path(settings.data_dir, key.source, key.dataset, key.batch)).drop()
    for step in ("staged", "settled"):
        with suppress(FileNotFoundError):
            _work_path(settings, key, step).unlink()
