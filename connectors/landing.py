"""From a pulled batch to landed Parquet and quarantine: typed, checked, counted, and written once."""

import hashlib
import io
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors.columns import declared_schema
from connectors.errors import DataError, PagingFaultError
from connectors.raw import read_raw, write_durably
from connectors.reading import RawPage, Reading, read_pages
from connectors.refusals import quarantine_path, write_quarantine
from connectors.spec import Dataset, RestRequest
from connectors.zone import Zone
from ledger.batches import BatchKey, close_batch, landed_batches, pages_of
from ledger.settings import Settings

MANY_REFUSED = 20
"""From so many refused records on, more refused than good ones stop the dataset."""

LINEAGE = (
    pa.field("_batch", pa.string()),
    pa.field("_learned_on", pa.date32()),
    pa.field("_raw_sha256", pa.string()),
    pa.field("_position", pa.int32()),
)
"""Where a landed row came from and when we learnt it; beside the data, never part of what the data says."""


def landed_path(data_dir: Path, source: str, dataset: str, batch: str) -> Path:
    """The Parquet file of one landed batch."""
    return data_dir / "landed" / source / dataset / f"batch={batch}" / "part-0.parquet"


def read_batch(dataset: Dataset, zone: Zone, settings: Settings, ledger: Engine, key: BatchKey) -> Reading:
    """Read a pulled batch back from the raw store."""
    pages = (
        RawPage(row["sequence"], row["label"], row["raw_sha256"], read_raw(settings.data_dir, row["raw_sha256"]))
        for row in pages_of(ledger, key)
    )
    return read_pages(dataset, zone, settings.zone, pages)


def land(
    dataset: Dataset, settings: Settings, ledger: Engine, key: BatchKey, as_of: date, reading: Reading
) -> dict[str, Any]:
    """Write what is new of a batch, its quarantine, then its ledger row; answers the row's values.

    A batch that says nothing new writes nothing and is marked `unchanged`. Below the volume floor it is a `DataError`
    and nothing is promoted.
    """
    known = _known_rows(dataset, settings.data_dir, ledger, as_of)
    table = _as_table(dataset, reading, key, as_of)
    newest = landed_batches(ledger, key.source, key.dataset, as_of)
    if dataset.load == "upsert":
        table = _only_new(dataset, table, known)
        total = len(known.keys() | {_key_of(dataset, row) for row in reading.rows})
    else:
        total = table.num_rows
    counts = _counts(reading)
    _check_refused_share(dataset, reading)
    _check_volume(dataset, total, counts)
    digest = content_sha256(table, dataset)
    values: dict[str, Any] = {
        "content_sha256": digest,
        "rows_received": reading.received,
        "rows_landed": table.num_rows,
        "rows_refused": reading.records_refused,
        "counts": counts,
        "high_water": _high_water(dataset, reading, newest[-1]["high_water"] if newest else None, counts),
    }
    write_quarantine(quarantine_path(settings.data_dir, key.source, key.dataset, key.batch), reading.refusals)
    unchanged = newest and (
        digest == newest[-1]["content_sha256"] if dataset.load == "snapshot" else table.num_rows == 0
    )
    if unchanged:
        values["same_as"] = newest[-1]["batch"]
        close_batch(ledger, key, "unchanged", **values)
        return {**values, "state": "unchanged"}
    _write_parquet(landed_path(settings.data_dir, key.source, key.dataset, key.batch), table)
    close_batch(ledger, key, "landed", **values)
    return {**values, "state": "landed"}


def _as_table(dataset: Dataset, reading: Reading, key: BatchKey, as_of: date) -> pa.Table:
    schema = declared_schema(dataset)
    columns = [pa.array([row[field.name] for row in reading.rows], field.type) for field in schema]
    lineage = [
        pa.array([key.batch] * len(reading.rows), pa.string()),
        pa.array([as_of] * len(reading.rows), pa.date32()),
        pa.array([row["_raw_sha256"] for row in reading.rows], pa.string()),
        pa.array([row["_position"] for row in reading.rows], pa.int32()),
    ]
    return pa.Table.from_arrays(columns + lineage, schema=pa.schema([*schema, *LINEAGE]))


def content_sha256(table: pa.Table, dataset: Dataset) -> str:
    """The hash of what the rows say, in key order, without their lineage: the same facts give the same hash."""
    buffer = io.BytesIO()
    facts = table.select([column.name for column in dataset.columns]).combine_chunks()
    with pa.ipc.new_stream(buffer, facts.schema) as writer:
        writer.write_table(facts)
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def _key_of(dataset: Dataset, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in dataset.key)


def _known_rows(
    dataset: Dataset, data_dir: Path, ledger: Engine, as_of: date
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Key -> values of every record that a change feed has landed so far; a snapshot needs none."""
    known: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    if dataset.load != "upsert":
        return known
    names = [column.name for column in dataset.columns]
    for batch in landed_batches(ledger, dataset.source, dataset.name, as_of):
        path = landed_path(data_dir, dataset.source, dataset.name, batch["batch"])
        # By what stands in the file: a batch landed before a column was added does not have it.
        for row in pq.read_table(path, partitioning=None).to_pylist():
            known[_key_of(dataset, row)] = tuple(row.get(name) for name in names)
    return known


def _only_new(dataset: Dataset, table: pa.Table, known: dict[tuple[Any, ...], tuple[Any, ...]]) -> pa.Table:
    names = [column.name for column in dataset.columns]
    rows = table.select(names).to_pylist()
    news = [known.get(_key_of(dataset, row)) != tuple(row[name] for name in names) for row in rows]
    return table.filter(pa.array(news, pa.bool_()))


def _counts(reading: Reading) -> dict[str, int]:
    refused = Counter(
        f"{'refused' if r.action == 'record_refused' else 'discarded'}:{r.rule}" for r in reading.refusals
    )
    return dict(sorted({**refused, **reading.notes}.items()))


def _check_volume(dataset: Dataset, total: int, counts: dict[str, int]) -> None:
    if total < dataset.volume.floor:
        raise DataError(
            f"{total} records, the floor is {dataset.volume.floor}.",
            dataset.address,
            "ask the agency whether its delivery is whole; the last good batch stays",
        )
    if total > dataset.volume.ceiling:
        counts["over_ceiling"] = total


def _check_refused_share(dataset: Dataset, reading: Reading) -> None:
    """A delivery of which most is refused is none: its file must be read again one day, not remembered as read."""
    refused = reading.records_refused
    if refused >= MANY_REFUSED and refused > len(reading.rows):
        reasons = ", ".join(sorted({one.rule for one in reading.refusals if one.action == "record_refused"})[:5])
        raise DataError(
            f"{refused} of {reading.received} records are refused ({reasons}).",
            dataset.address,
            "compare the delivery with the source file; the last good batch stays",
        )


def _high_water(dataset: Dataset, reading: Reading, before: str | None, counts: dict[str, int]) -> str | None:
    """The newest change seen, but never one that lies ahead: it would hide every change that comes before it."""
    since = dataset.request.since if isinstance(dataset.request, RestRequest) else None
    if since is None:
        return None
    present = datetime.now(UTC).replace(tzinfo=None)
    seen = [row[since.column] for row in reading.rows if row[since.column] is not None]
    if ahead := sum(moment > present for moment in seen):
        counts[f"ahead_of_time:{since.column}"] = ahead
    past = [moment.isoformat() for moment in seen if moment <= present]
    return max([*past, *([before] if before else [])], default=None)


def _write_parquet(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    write_durably(path, sink.getvalue().to_pybytes(), mode=0o444)


def check_repeats(dataset: Dataset, first: Reading, second: Reading) -> None:
    """Two pulls of a numbered listing must agree when records came twice: else some moved between pages, unseen."""
    names = [column.name for column in dataset.columns]
    if [[row[n] for n in names] for row in first.rows] != [[row[n] for n in names] for row in second.rows]:
        raise PagingFaultError(
            "records move between pages while we read them.", dataset.address, "run again when the agency is quiet"
        )
