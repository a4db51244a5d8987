"""Batches and their pages: a checkpoint is one page row, written after its raw bytes are safe."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Engine, Table, and_, case, func, insert, select, update

from ledger import journal
from ledger.store import Row, first_row, now, rows, write
from ledger.tables import batches, pages

REPEATS = ("duplicate_delivery", "superseded_in_batch")
"""The counts of records that one delivery held twice. Received records = landed + refused + these."""
PROMOTED = ("landed", "unchanged")


@dataclass(frozen=True)
class BatchKey:
    """One pull of one dataset: `batch` is its business date and number, as `2025-06-30-001`."""

    source: str
    dataset: str
    batch: str


def repeats_in(counts: Mapping[str, int] | None) -> int:
    """How many records a delivery held twice, by its counts."""
    return sum((counts or {}).get(name, 0) for name in REPEATS)


def of_dataset(table: Table, source: str, dataset: str) -> ColumnElement[bool]:
    """Whether a row of `batches`, or of another table with these two columns, is of this dataset."""
    return and_(table.c.source == source, table.c.dataset == dataset)


def _is(table: Table, key: BatchKey) -> ColumnElement[bool]:
    return and_(of_dataset(table, key.source, key.dataset), table.c.batch == key.batch)


def _unfinished(source: str, dataset: str) -> ColumnElement[bool]:
    return and_(of_dataset(batches, source, dataset), batches.c.state.in_(("open", "pulled")))


def _promoted(source: str, dataset: str, as_of: date) -> ColumnElement[bool]:
    of_then = batches.c.as_of <= as_of.isoformat()
    return and_(of_dataset(batches, source, dataset), batches.c.state.in_(PROMOTED), of_then)


def open_batch(
    ledger: Engine, source: str, dataset: str, as_of: date, spec_sha256: str, since: str | None, origin: str = "pull"
) -> tuple[BatchKey, str | None]:
    """Resume the open batch of this date and this source file, or open a new one; returns the key and its lower bound.

    An unfinished batch of another date or another source file is abandoned: its pages would mix two days.
    """
    unfinished, day = _unfinished(source, dataset), as_of.isoformat()
    same = and_(batches.c.as_of == day, batches.c.spec_sha256 == spec_sha256)
    with ledger.begin() as connection:
        found = connection.execute(select(batches).where(unfinished, same)).first()
        # Records to be read again are in pages that we have: there is nothing to resume.
        if found is not None and found.origin == origin == "pull":
            return BatchKey(source, dataset, found.batch), found.since
        connection.execute(update(batches).where(unfinished).values(state="abandoned", closed_at=now()))
        of_day = and_(of_dataset(batches, source, dataset), batches.c.as_of == day)
        used = connection.execute(select(func.count()).select_from(batches).where(of_day)).scalar_one()
        key = BatchKey(source, dataset, f"{day}-{used + 1:03d}")
        row = {"as_of": day, "spec_sha256": spec_sha256, "state": "open", "origin": origin, "since": since}
        connection.execute(insert(batches).values(**vars(key), **row, opened_at=now()))
    return key, since


def record_page(
    ledger: Engine, key: BatchKey, sequence: int, label: str, raw_sha256: str, raw_bytes: int, next_cursor: Any
) -> None:
    """Write the checkpoint of one page whose raw bytes are already safe on disk."""
    row = {
        **vars(key),
        "sequence": sequence,
        "label": label,
        "raw_sha256": raw_sha256,
        "raw_bytes": raw_bytes,
        "next_cursor": next_cursor,
        "voided": False,
        "fetched_at": now(),
    }
    with ledger.begin() as connection:
        # Values beside the statement, not in it: one statement is compiled once for all pages.
        connection.execute(insert(pages), row)


def pages_of(ledger: Engine, key: BatchKey) -> list[Row]:
    """The pages of a batch that count, in the order they were pulled."""
    return rows(ledger, select(pages).where(_is(pages, key), pages.c.voided.is_(False)).order_by(pages.c.sequence))


def record_file(ledger: Engine, key: BatchKey, why: str, **hashes: Any) -> None:
    """Record the hashes of a promoted batch's files, and why: they were made again, or were never hashed before."""
    with ledger.begin() as connection:
        connection.execute(update(batches).where(_is(batches, key)).values(**hashes))
        journal.keep(connection, batches, _is(batches, key), why=why)


def answered(ledger: Engine) -> list[Row]:
    """For each dataset the day of its last successful pull, and the day on which its content last changed."""
    last = func.max(batches.c.as_of)
    changed = func.max(case((batches.c.state == "landed", batches.c.as_of)))
    of = (batches.c.source, batches.c.dataset)
    query = select(*of, last.label("answered_on"), changed.label("changed_on")).where(batches.c.state.in_(PROMOTED))
    return rows(ledger, query.group_by(*of).order_by(last, changed, *of))


def raw_dropped_at(ledger: Engine, key: BatchKey) -> str | None:
    """The day on which a batch's raw objects were dropped by a policy of retention; None where they were not."""
    name = f"{key.source}.{key.dataset} {key.batch}"
    dropped = ((one["content"], str(one["at"])[:10]) for one in journal.entries(ledger, journal.DROPPED))
    return next((day for entry, day in dropped if entry["kind"] == "raw" and name in entry["what"]), None)


def pages_with(ledger: Engine, source: str, dataset: str, sha256s: Sequence[str], as_of: date) -> list[Row]:
    """For each raw object the newest page that held it, on or before `as_of`, in the order of their batches."""
    pulled_by_then = and_(batches.c.as_of <= as_of.isoformat(), batches.c.origin == "pull")
    query = select(pages).join(batches).where(of_dataset(pages, source, dataset), pulled_by_then)
    found = rows(ledger, query.order_by(pages.c.batch, pages.c.sequence))
    newest = {page["raw_sha256"]: page for page in found if page["raw_sha256"] in set(sha256s)}
    return sorted(newest.values(), key=lambda page: (page["batch"], page["sequence"]))


def pages_of_dataset(ledger: Engine, source: str, dataset: str) -> list[Row]:
    """Every page that was ever fetched of a dataset, in the order they came: its place, label, hash, and when."""
    wanted = (pages.c.batch, pages.c.sequence, pages.c.label, pages.c.raw_sha256, pages.c.fetched_at)
    query = select(*wanted).where(of_dataset(pages, source, dataset))
    return rows(ledger, query.order_by(pages.c.batch, pages.c.sequence))


def raw_of_dataset(ledger: Engine, source: str, dataset: str) -> dict[str, tuple[str, ...]]:
    """The SHA-256 of the raw objects that each batch of a dataset was read from, in order, by batch."""
    counts = and_(of_dataset(pages, source, dataset), pages.c.voided.is_(False))
    query = select(pages.c.batch, pages.c.raw_sha256).where(counts).order_by(pages.c.batch, pages.c.sequence)
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows(ledger, query):
        found[row["batch"]].append(row["raw_sha256"])
    return {batch: tuple(objects) for batch, objects in found.items()}


def next_sequence_of(ledger: Engine, key: BatchKey) -> int:
    """The number of the page to come, voided ones counted too."""
    (row,) = rows(ledger, select(func.max(pages.c.sequence).label("last")).where(_is(pages, key)))
    return int(row["last"] or 0) + 1


def void_pages(ledger: Engine, key: BatchKey, restart_at: Any) -> int:
    """Void every page after the one whose next cursor is `restart_at` (None: all pages); returns how many were voided.

    They stay in the ledger as a record of what the agency answered; they only do not count any more.
    """
    counted = pages_of(ledger, key)
    led = [page["sequence"] for page in counted if restart_at is not None and page["next_cursor"] == restart_at]
    last = max(led, default=0)
    write(ledger, update(pages).where(_is(pages, key), pages.c.sequence > last).values(voided=True))
    return sum(page["sequence"] > last for page in counted)


def close_batch(ledger: Engine, key: BatchKey, state: str, **values: Any) -> None:
    """Move a batch to `state`, and store its counts."""
    _close(ledger, _is(batches, key), state, **values)


def refuse_open(ledger: Engine, source: str, dataset: str, error: str) -> None:
    """Close whatever batch of a dataset is unfinished as refused, so that the next run fetches anew."""
    _close(ledger, _unfinished(source, dataset), "refused", error=error)


def _close(ledger: Engine, which: ColumnElement[bool], state: str, **values: Any) -> None:
    closed = {} if state == "pulled" else {"closed_at": now()}
    if "error" in values:
        values["error"] = values["error"].replace("\x00", "")
    with ledger.begin() as connection:
        connection.execute(update(batches).where(which).values(state=state, **values, **closed))
        if state in PROMOTED:
            journal.keep(connection, batches, which)


def unfinished_batch(ledger: Engine, source: str, dataset: str) -> Row | None:
    """The newest batch of a dataset that was begun and not closed; None where there is none."""
    return first_row(ledger, select(batches).where(_unfinished(source, dataset)).order_by(batches.c.batch.desc()))


def latest_promoted(ledger: Engine, source: str, dataset: str, as_of: date) -> Row | None:
    """The newest batch of a dataset that was promoted on or before `as_of`; None where none was."""
    return next(iter(reversed(promoted_batches(ledger, source, dataset, as_of))), None)


def landed_batches(ledger: Engine, source: str, dataset: str, as_of: date, until: str | None = None) -> list[Row]:
    """Every landed batch of `as_of` or an earlier day, none after the batch `until`, oldest first."""
    return [row for row in promoted_batches(ledger, source, dataset, as_of, until) if row["state"] == "landed"]


def promoted_batches(ledger: Engine, source: str, dataset: str, as_of: date, until: str | None = None) -> list[Row]:
    """Every promoted batch (landed, or unchanged) of `as_of` or an earlier day, oldest first.

    Batches after `until` are left out: an edition that was built up to that batch did not know later ones of its day.
    """
    query = select(batches).where(_promoted(source, dataset, as_of))
    if until is not None:
        query = query.where(batches.c.batch <= until)
    return rows(ledger, query.order_by(batches.c.as_of, batches.c.batch))


def seen_files(ledger: Engine, source: str, dataset: str, as_of: date) -> dict[str, str]:
    """Label (file name, size, time) -> sha256 of the pages of promoted batches; the page that came last stands last."""
    query = select(pages.c.label, pages.c.raw_sha256).join(batches).where(_promoted(source, dataset, as_of))
    counted = query.where(pages.c.voided.is_(False))
    found: dict[str, str] = {}
    for row in rows(ledger, counted.order_by(batches.c.as_of, pages.c.batch, pages.c.sequence)):
        found.pop(row["label"], None)
        found[row["label"]] = row["raw_sha256"]
    return found
