"""Reading refused records once more, after the source file or the zone was fixed: exactly those, and nothing else."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors.asked import require_newest
from connectors.file_order import ranked
from connectors.landing import Delivery, landed_path, landed_schema
from connectors.raw import page_of
from connectors.reading import Reading
from connectors.refusals import Refusal, quarantine_path, read_lines
from connectors.spec import Dataset, FileRequest
from connectors.zone import Zone
from ledger.batches import (
    BatchKey,
    landed_batches,
    open_batch,
    pages_of_dataset,
    pages_with,
    promoted_batches,
    record_page,
)
from ledger.settings import Settings
from ledger.store import Row

Wanted = Mapping[str, set[int]]
"""sha256 of a raw page -> positions of the records on it."""


@dataclass(frozen=True)
class ReplayReport:
    """What became of the records: those that landed (batch None where none did), and the refusals that still stand."""

    batch: str | None
    landed: int
    still_refused: int
    positions_landed: frozenset[tuple[str, int]]
    refusals: tuple[Refusal, ...]
    held_since: int = 0
    """Records that pass now, whose key has landed from a later delivery: what is held is newer and stays."""
    contradicting: frozenset[tuple[str, int]] = frozenset()
    """The places of records that pass now, and that others of the same delivery contradict: none of them lands."""
    unread: frozenset[tuple[str, int]] = frozenset()
    """The places at which no record is read any more."""
    past_end: frozenset[tuple[str, int]] = frozenset()
    """Those of them that lie behind the last record of a table whose end is declared: they are no records."""


def replay(
    dataset: Dataset, zone: Zone, settings: Settings, ledger: Engine, as_of: date, wanted: Wanted
) -> ReplayReport:
    """Read these records again by the rules of today and land those that pass, as a batch of their own.

    A snapshot's batch holds what was landed last, and these beside it. A connector error leaves everything as it was.
    """
    require_newest(dataset, ledger, as_of)
    pages = pages_with(ledger, dataset.source, dataset.name, sorted(wanted), as_of)
    rows, refusals, last = _read(dataset, zone, settings, pages, wanted)
    read = {*_places(rows), *((one.raw_sha256, one.position) for one in refusals)}
    unread = {(sha256, at) for sha256, positions in wanted.items() for at in positions} - read
    ends = bool(getattr(dataset.decoder, "ends_at", ()))
    past_end = {(sha256, at) for sha256, at in unread if ends and 0 < last.get(sha256, 0) < at}
    gone = {"unread": frozenset(unread), "past_end": frozenset(past_end)}
    asked = sum(len(positions) for positions in wanted.values()) - len(unread)
    newest = landed_batches(ledger, dataset.source, dataset.name, as_of)
    fresh, rivals = _not_held_since(dataset, settings, ledger, newest, pages, rows)
    held_since = rows.num_rows - fresh.num_rows - len(rivals)
    if not fresh.num_rows:
        return ReplayReport(None, 0, asked - held_since, frozenset(), tuple(refusals), held_since, rivals, **gone)
    key, _ = open_batch(ledger, dataset.source, dataset.name, as_of, "replay", None, origin="replay")
    for sequence, page in enumerate(pages, start=1):
        record_page(ledger, key, sequence, page["label"], page["raw_sha256"], page["raw_bytes"], None)
    carried = _carried(dataset, settings, ledger, key, as_of, wanted)
    landed = _land(Delivery(dataset, zone, settings, ledger, key, as_of), settings, fresh, carried, refusals)
    # A feed keeps what it holds where that is of a later day than the record.
    held_since += fresh.num_rows - landed.num_rows
    left = asked - landed.num_rows - held_since
    places = frozenset(_places(landed))
    return ReplayReport(key.batch, landed.num_rows, left, places, tuple(refusals), held_since, rivals, **gone)


def _read(
    dataset: Dataset, zone: Zone, settings: Settings, pages: list[Row], wanted: Wanted
) -> tuple[pa.Table, list[Refusal], dict[str, int]]:
    """The wanted records that pass now, the refusals of those that do not, and the last position read of each page."""
    archived = (page_of(settings.data_dir, {**row, "sequence": place}) for place, row in enumerate(pages, start=1))
    tables, refusals, last = [], [], dict[str, int]()
    for part in Reading(dataset, zone, settings.zone).parts(archived):
        is_wanted = [at in wanted.get(sha256, ()) for sha256, at in _places(part.rows)]
        tables.append(part.rows.filter(pa.array(is_wanted, pa.bool_())))
        refusals += [one for one in part.refusals if one.position in wanted.get(one.raw_sha256, ())]
        for sha256, at in (*_places(part.rows), *((one.raw_sha256, one.position) for one in part.refusals)):
            last[sha256] = max(at, last.get(sha256, 0))
    return pa.concat_tables(tables) if tables else landed_schema(dataset).empty_table(), refusals, last


def _places(rows: pa.Table) -> Iterator[tuple[str, int]]:
    return zip(rows["_raw_sha256"].to_pylist(), rows["_position"].to_pylist(), strict=True)


def _not_held_since(
    dataset: Dataset, settings: Settings, ledger: Engine, newest: list[Row], pages: list[Row], rows: pa.Table
) -> tuple[pa.Table, frozenset[tuple[str, int]]]:
    """The rows of the latest delivery of their key, each key once, without those whose key has landed from it or since.

    Beside them the places of the rows that others of the same delivery contradict.
    """
    batch_of = {page["raw_sha256"]: page["batch"] for page in pages}
    # "~" sorts behind the name of every batch: nothing is later than that.
    held: dict[tuple[Any, ...], str] = {}
    for batch in newest[-1:] if dataset.load == "snapshot" else newest:
        path = landed_path(settings.data_dir, dataset.source, dataset.name, batch["batch"])
        names = [*dataset.key, "_batch"]
        for row in pq.read_table(path, columns=names, partitioning=None).to_pylist():
            held[tuple(row[name] for name in dataset.key)] = "~" if dataset.load == "snapshot" else row["_batch"]
    facts = [column.name for column in dataset.columns]
    found = rows.select([*facts, "_raw_sha256", "_position"]).to_pylist()
    rank = _rank_of(dataset, ledger, pages)
    latest: dict[tuple[Any, ...], tuple[Any, set[str]]] = {}
    for row in found:
        key, said = tuple(row[name] for name in dataset.key), repr([row[name] for name in facts])
        before = latest.get(key)
        if before is None or before[0] < rank(row):
            latest[key] = (rank(row), {said})
        elif before[0] == rank(row):
            before[1].add(said)
    kept, rivals = [], set()
    for row in found:
        key = tuple(row[name] for name in dataset.key)
        is_fresh = held.get(key, "") < batch_of[row["_raw_sha256"]] and latest[key][0] == rank(row)
        # Records that contradict each other stay refused, all of them: one has to be discarded first.
        if is_fresh and len(latest[key][1]) > 1:
            rivals.add((row["_raw_sha256"], row["_position"]))
            is_fresh = False
        kept.append(is_fresh)
        if is_fresh:
            held[key] = "~"
    return rows.filter(pa.array(kept, pa.bool_())), frozenset(rivals)


def _rank_of(dataset: Dataset, ledger: Engine, pages: list[Row]) -> Callable[[Mapping[str, Any]], Any]:
    """A function whose value is greater for a later record: its stamp, the age of its file, or its night."""
    since = dataset.since
    if since is not None:
        return lambda row: (row[since.column] is not None, row[since.column])
    request, pages_held = dataset.request, pages_of_dataset(ledger, dataset.source, dataset.name)
    age = ranked(request, pages_held) if isinstance(request, FileRequest) else {}
    rank_of_page = {
        page["raw_sha256"]: (age.get((page["batch"], page["sequence"]), (0,))[0], "" if age else page["batch"])
        for page in pages
    }
    return lambda row: rank_of_page[row["_raw_sha256"]]


def _land(
    delivery: Delivery, settings: Settings, rows: pa.Table, carried: list[Refusal], refusals: list[Refusal]
) -> pa.Table:
    """Land the rows, for a snapshot together with the rows it holds; answers those that are in the landed file."""
    dataset, key, newest = delivery.dataset, delivery.key, delivery.held[-1:]
    tables = [delivery.with_lineage(rows)]
    if dataset.load == "snapshot" and newest:
        path = landed_path(settings.data_dir, key.source, key.dataset, newest[0]["batch"])
        tables.insert(0, _as_declared(pq.read_table(path, partitioning=None), delivery.schema))
    delivery.stage(tables)
    delivery.settle([], 1)
    with delivery.log as log:
        log.append([*carried, *refusals])
    log.seal()
    staged = pq.read_table(delivery.path, partitioning=None)
    landed = staged.filter(pc.equal(staged["_batch"], key.batch))
    still = len({(one.raw_sha256, one.position) for one in refusals if one.action == "record_refused"})
    delivery.install(
        {
            "rows_received": rows.num_rows + still,
            "rows_refused": still,
            "counts": {"replayed": landed.num_rows},
            "high_water": newest[0]["high_water"] if newest else None,
        }
    )
    delivery.clear()
    return landed


def _carried(
    dataset: Dataset, settings: Settings, ledger: Engine, key: BatchKey, as_of: date, wanted: Wanted
) -> list[Refusal]:
    """The refusals of the last snapshot that are not replayed now: this batch replaces it and keeps them."""
    promoted = promoted_batches(ledger, key.source, key.dataset, as_of)
    if dataset.load != "snapshot" or not promoted:
        return []
    path = quarantine_path(settings.data_dir, key.source, key.dataset, promoted[-1]["batch"])
    left = [line for line in read_lines(path) if line["position"] not in wanted.get(line["raw_sha256"], ())]
    return [Refusal(**{**line, "key": tuple(line["key"])}) for line in left]


def _as_declared(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A landed file with the columns of today's source file; a column that it lacks is null."""
    size = table.num_rows
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(size, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
