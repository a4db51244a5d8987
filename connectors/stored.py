"""Whether what a build reads is what landed: each file checked against the ledger, and made again from raw if not."""

import logging
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors.errors import ConnectorError, DataError
from connectors.landing import Delivery, content_sha256, landed_path
from connectors.quarantine import in_force
from connectors.raw import RawDamagedError, page_of
from connectors.refusals import quarantine_path, read_lines
from connectors.spec import Dataset, Source
from connectors.zone import Zone
from ledger.batches import BatchKey, landed_batches, pages_of, promoted_batches, raw_dropped_at, record_file
from ledger.files import file_sha256
from ledger.settings import Settings
from ledger.store import Row

log = logging.getLogger("jifen")

Stamp = tuple[int, int, int]
"""Inode, size and time of change: where they are the same the file is not hashed again."""
Hashed = MutableMapping[Path, tuple[Stamp, str]]
"""The hashes of this run, so that a file is hashed once."""
NOT_HASHED = "landed before files were hashed"
OTHERWISE = "otherwise"
"""In place of a hash: the file does not hold what the ledger counted before files were hashed."""
MADE_AGAIN = "made again from raw"


@dataclass(frozen=True)
class Store:
    """What a check of the stored files needs."""

    settings: Settings
    ledger: Engine
    zone: Zone
    hashed: Hashed


def require_stored(sources: Sequence[Source], store: Store, as_of: date) -> list[str]:
    """Check every landed and quarantine file that stands on this date; answers those that were made again from raw.

    Raises `DataError`, which names the file, where one is not what the ledger says and raw does not give it again.
    """
    return [
        path
        for source, dataset, row in read_of(sources, store, as_of)
        for path in _require_batch(source, dataset, store, row)
    ]


def read_of(sources: Sequence[Source], store: Store, as_of: date) -> Iterator[tuple[Source, Dataset, Row]]:
    """Every batch of which something is read on a date, with its source and dataset."""
    for source in sources:
        for dataset in source.datasets:
            if not store.zone.why_not_supplied(dataset):
                yield from ((source, dataset, row) for row in _standing(dataset, store.ledger, as_of))


def _files(dataset: Dataset, store: Store, row: Row) -> tuple[Path, Path]:
    """Where the landed file of a batch stands, and what it refused."""
    of_batch = (store.settings.data_dir, dataset.source, dataset.name, row["batch"])
    return landed_path(*of_batch), quarantine_path(*of_batch)


def _standing(dataset: Dataset, ledger: Engine, as_of: date) -> list[Row]:
    """The batches of which something is read, oldest first: a batch is made again from those before it."""
    landed = landed_batches(ledger, dataset.source, dataset.name, as_of)
    counting = in_force(dataset, promoted_batches(ledger, dataset.source, dataset.name, as_of))
    if dataset.load == "snapshot":
        landed = landed[-1:]
    found = {row["batch"]: row for row in (*landed, *counting)}
    return sorted(found.values(), key=lambda row: (row["as_of"], row["batch"]))


def stored_files(dataset: Dataset, landed: Sequence[Row], counting: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Path under the data folder and sha256 of what is read of a dataset, by the ledger."""
    root = Path()
    for row in landed:
        yield landed_path(root, dataset.source, dataset.name, row["batch"]).as_posix(), row["landed_sha256"] or ""
    for row in counting:
        if row["quarantine_sha256"]:
            path = quarantine_path(root, dataset.source, dataset.name, row["batch"])
            yield path.as_posix(), row["quarantine_sha256"]


def _require_batch(source: Source, dataset: Dataset, store: Store, row: Row) -> list[str]:
    """Check the files of one batch; answers those that were made again."""
    new = _not_hashed_yet(dataset, store, row) if row["quarantine_lines"] is None else {}
    row = {**row, **new}
    wrong = faults_in(dataset, store, row)
    if wrong:
        _make_again(source, dataset, store, row, wrong)
    elif new:
        record_file(store.ledger, BatchKey(dataset.source, dataset.name, row["batch"]), NOT_HASHED, **new)
    return [str(path) for path in wrong]


def faults_in(dataset: Dataset, store: Store, row: Row) -> dict[Path, str]:
    """The files of one batch that are not what was written, each with what is wrong with it."""
    landed, refused = _files(dataset, store, row)
    wanted = {landed: row["landed_sha256"]} if row["state"] == "landed" else {}
    wanted[refused] = row["quarantine_sha256"]
    return {path: why for path, sha256 in wanted.items() if (why := _fault(store, path, sha256))}


def _fault(store: Store, path: Path, wanted: str | None) -> str | None:
    """What is wrong with a file that should have this hash, or should not be there."""
    found = _hash(store.hashed, path)
    if found == wanted:
        return None
    if found is None:
        return "is not there"
    if wanted == OTHERWISE:
        return "does not hold what the ledger counted"
    wanted_in_words = f"the ledger holds {wanted}" if wanted else "the ledger says that nothing was refused"
    return f"is not what was written: sha256 {found}, {wanted_in_words}"


def _hash(hashed: Hashed, path: Path) -> str | None:
    try:
        now = path.lstat()
    except FileNotFoundError:
        return None
    stamp = (now.st_ino, now.st_size, now.st_mtime_ns)
    known = hashed.get(path)
    if known is None or known[0] != stamp:
        hashed[path] = known = (stamp, file_sha256(path))
    return known[1]


def _not_hashed_yet(dataset: Dataset, store: Store, row: Row) -> Row:
    """The hashes of a batch of which the ledger knows only content and counts, if that is what its files hold."""
    landed, refused = _files(dataset, store, row)
    values: Row = {"quarantine_sha256": OTHERWISE, "quarantine_lines": 0}
    with suppress(DataError):
        lines = list(read_lines(refused))
        fell = {(one["raw_sha256"], one["position"]) for one in lines if one["action"] == "record_refused"}
        if row["origin"] != "pull" or len(fell) == row["rows_refused"]:
            values = {"quarantine_sha256": _hash(store.hashed, refused), "quarantine_lines": len(lines)}
    if row["state"] == "landed":
        values["landed_sha256"] = OTHERWISE
        with suppress(OSError, KeyError, pa.ArrowException):
            same = content_sha256(landed, dataset) == row["content_sha256"]
            if same and pq.read_metadata(landed).num_rows == row["rows_landed"]:
                values["landed_sha256"] = _hash(store.hashed, landed)
    return values


def _make_again(source: Source, dataset: Dataset, store: Store, row: Row, wrong: dict[Path, str]) -> None:
    """Read the batch's pages again, and replace the damaged files by the result."""
    key = BatchKey(dataset.source, dataset.name, row["batch"])
    first = next(iter(wrong))
    fault = wrong[first]
    if row["origin"] != "pull":
        raise _lost(fault, first, "it holds records that were replayed, which raw alone does not give")
    delivery = Delivery(dataset, store.zone, store.settings, store.ledger, key, date.fromisoformat(row["as_of"]))
    # As when it landed: it is compared with what was held then, and not with what came later.
    delivery.held = [one for one in delivery.held if (one["as_of"], one["batch"]) < (row["as_of"], row["batch"])]
    try:
        delivery.read(page_of(store.settings.data_dir, page) for page in pages_of(store.ledger, key))
        delivery.refuse_conflicts()
        _require_same(delivery, row, wrong, source)
        landed = delivery.put_again(is_landed=any(path.suffix == ".parquet" for path in wrong))
        hashes = {"quarantine_sha256": delivery.log.sha256, "quarantine_lines": delivery.log.lines}
        if row["state"] == "landed":
            hashes["landed_sha256"] = landed or row["landed_sha256"]
        record_file(store.ledger, key, f"{MADE_AGAIN}: {first.name} {fault}", **hashes)
    except RawDamagedError as error:
        at = raw_dropped_at(store.ledger, key)
        gone = f"its raw objects were dropped by the policy of retention on {at}" if at else str(error)
        raise _lost(fault, first, gone) from None
    except ConnectorError as error:
        raise _lost(fault, first, error.what) from None
    finally:
        delivery.clear()
    log.warning("store: %s %s; %s", first, fault, MADE_AGAIN)


def _require_same(delivery: Delivery, row: Row, wrong: dict[Path, str], source: Source) -> None:
    """Raise a `DataError` unless reading again gave the rows and refusals that had landed."""
    path = next(iter(wrong))
    changed = "" if row["spec_sha256"] == source.sha256 else ": the source file is another one than then"
    if (delivery.content_sha256, delivery.rows) != (row["content_sha256"], row["rows_landed"]):
        raise DataError(f"raw reads otherwise now than when it landed{changed}", str(path), "")
    if row["quarantine_sha256"] not in (OTHERWISE, delivery.log.sha256):
        raise DataError(f"raw refuses other records now than when it landed{changed}", str(path), "")


def _lost(fault: str, path: Path, why: str) -> DataError:
    return DataError(
        f"{fault}, and it cannot be made again from raw: {why}. Nothing was built.",
        str(path),
        "restore that file from the backup, then jifen run",
    )
