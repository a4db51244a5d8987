"""Batches and their pages: a checkpoint is one page row, written after its raw bytes are safe."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, asc, func, insert, select, update

from ledger.store import Row, now, rows
from ledger.tables import batches, pages

PROMOTED = ("landed", "unchanged")


@dataclass(frozen=True)
class BatchKey:
    """One pull of one dataset: `batch` is its business date and number, as `2025-06-30-01`."""

    source: str
    dataset: str
    batch: str


def _is(table: Any, key: BatchKey) -> ColumnElement[bool]:
    return and_(table.c.source == key.source, table.c.dataset == key.dataset, table.c.batch == key.batch)


def open_batch(
    ledger: Engine,
    source: str,
    dataset: str,
    as_of: date,
    spec_sha256: str,
    since: str | None,
    origin: str = "pull",
) -> tuple[BatchKey, str | None]:
    """Resume the open batch of this date and this source file, or open a new one; answers the key and its lower bound.

    An unfinished batch of another date or another source file is abandoned: its pages would mix two days.
    """
    of_dataset = and_(batches.c.source == source, batches.c.dataset == dataset)
    unfinished = and_(of_dataset, batches.c.state.in_(("open", "pulled")))
    same = and_(batches.c.as_of == as_of.isoformat(), batches.c.spec_sha256 == spec_sha256)
    with ledger.begin() as connection:
        found = connection.execute(
            select(batches.c.batch, batches.c.since, batches.c.origin).where(unfinished, same)
        ).first()
        if found is not None and found.origin == origin == "pull":
            return BatchKey(source, dataset, found.batch), found.since
        connection.execute(update(batches).where(unfinished).values(state="abandoned", closed_at=now()))
        used = connection.execute(
            select(func.count()).select_from(batches).where(of_dataset, batches.c.as_of == as_of.isoformat())
        ).scalar_one()
        batch = f"{as_of.isoformat()}-{used + 1:03d}"
        connection.execute(
            insert(batches).values(
                source=source,
                dataset=dataset,
                batch=batch,
                as_of=as_of.isoformat(),
                spec_sha256=spec_sha256,
                state="open",
                origin=origin,
                since=since,
                opened_at=now(),
            )
        )
    return BatchKey(source, dataset, batch), since


def record_page(
    ledger: Engine, key: BatchKey, sequence: int, label: str, raw_sha256: str, raw_bytes: int, next_cursor: Any
) -> None:
    """Write the checkpoint of one page whose raw bytes are already safe on disk."""
    row = {
        "source": key.source,
        "dataset": key.dataset,
        "batch": key.batch,
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
    wanted = and_(_is(pages, key), pages.c.voided.is_(False))
    return rows(ledger, select(pages).where(wanted).order_by(asc(pages.c.sequence)))


def pages_with(ledger: Engine, source: str, dataset: str, sha256s: Sequence[str], as_of: date) -> list[Row]:
    """For each raw object the newest page that held it, on or before `as_of`, in the order of their batches."""
    query = (
        select(pages)
        .join(
            batches,
            and_(
                pages.c.source == batches.c.source,
                pages.c.dataset == batches.c.dataset,
                pages.c.batch == batches.c.batch,
            ),
        )
        .where(
            pages.c.source == source,
            pages.c.dataset == dataset,
            batches.c.as_of <= as_of.isoformat(),
            batches.c.origin == "pull",
        )
        .order_by(asc(pages.c.batch), asc(pages.c.sequence))
    )
    wanted = set(sha256s)
    with ledger.begin() as connection:
        found = {
            row["raw_sha256"]: dict(row) for row in connection.execute(query).mappings() if row["raw_sha256"] in wanted
        }
    return sorted(found.values(), key=lambda page: (page["batch"], page["sequence"]))


def pages_of_dataset(ledger: Engine, source: str, dataset: str) -> list[Row]:
    """Every page that was ever fetched of a dataset, in the order they came: its place, label, hash, and when."""
    wanted = (pages.c.batch, pages.c.sequence, pages.c.label, pages.c.raw_sha256, pages.c.fetched_at)
    query = select(*wanted).where(pages.c.source == source, pages.c.dataset == dataset)
    return rows(ledger, query.order_by(asc(pages.c.batch), asc(pages.c.sequence)))


def next_sequence_of(ledger: Engine, key: BatchKey) -> int:
    """The number of the page to come, voided ones counted too."""
    with ledger.begin() as connection:
        last = connection.execute(select(func.max(pages.c.sequence)).where(_is(pages, key))).scalar_one()
        return int(last or 0) + 1


def void_pages(ledger: Engine, key: BatchKey, restart_at: Any) -> int:
    """Make void every page behind the one that led to the cursor `restart_at` (None: all); answers how many those were.

    They stay in the ledger: what an agency once answered is not forgotten, it only counts no more.
    """
    kept = 0
    if restart_at is not None:
        led = [page["sequence"] for page in pages_of(ledger, key) if page["next_cursor"] == restart_at]
        kept = led[-1] if led else 0
    behind = and_(_is(pages, key), pages.c.voided.is_(False), pages.c.sequence > kept)
    with ledger.begin() as connection:
        return connection.execute(update(pages).where(behind).values(voided=True)).rowcount


def close_batch(ledger: Engine, key: BatchKey, state: str, **values: Any) -> None:
    """Move a batch to `state`, with what was counted."""
    closed = {} if state == "pulled" else {"closed_at": now()}
    if "error" in values:
        values["error"] = values["error"].replace("\x00", "")
    with ledger.begin() as connection:
        connection.execute(update(batches).where(_is(batches, key)).values(state=state, **values, **closed))


def refuse_open(ledger: Engine, source: str, dataset: str, error: str) -> None:
    """Close whatever batch of a dataset is unfinished as refused, so that the next run fetches anew."""
    unfinished = and_(batches.c.source == source, batches.c.dataset == dataset, batches.c.state.in_(("open", "pulled")))
    with ledger.begin() as connection:
        connection.execute(
            update(batches).where(unfinished).values(state="refused", error=error.replace("\x00", ""), closed_at=now())
        )


def latest_promoted(ledger: Engine, source: str, dataset: str, as_of: date) -> Row | None:
    """The newest batch of a dataset that was promoted on or before `as_of`; None where none was."""
    return next(iter(reversed(promoted_batches(ledger, source, dataset, as_of))), None)


def landed_batches(ledger: Engine, source: str, dataset: str, as_of: date) -> list[Row]:
    """Every landed batch learnt on or before `as_of`, oldest first."""
    return [row for row in promoted_batches(ledger, source, dataset, as_of) if row["state"] == "landed"]


def promoted_batches(ledger: Engine, source: str, dataset: str, as_of: date) -> list[Row]:
    """Every batch that landed or said nothing new, learnt on or before `as_of`, oldest first."""
    query = (
        select(batches)
        .where(
            batches.c.source == source,
            batches.c.dataset == dataset,
            batches.c.state.in_(PROMOTED),
            batches.c.as_of <= as_of.isoformat(),
        )
        .order_by(asc(batches.c.as_of), asc(batches.c.batch))
    )
    return rows(ledger, query)


def seen_files(ledger: Engine, source: str, dataset: str, as_of: date) -> dict[str, str]:
    """Label (file name, size, time) -> sha256 of the pages that promoted batches stand for, the last held one last."""
    query = (
        select(pages.c.label, pages.c.raw_sha256)
        .join(
            batches,
            and_(
                pages.c.source == batches.c.source,
                pages.c.dataset == batches.c.dataset,
                pages.c.batch == batches.c.batch,
            ),
        )
        .where(
            pages.c.source == source,
            pages.c.dataset == dataset,
            pages.c.voided.is_(False),
            batches.c.state.in_(PROMOTED),
            batches.c.as_of <= as_of.isoformat(),
        )
        .order_by(asc(batches.c.as_of), asc(pages.c.batch), asc(pages.c.sequence))
    )
    with ledger.begin() as connection:
        found: dict[str, str] = {}
        for row in connection.execute(query):
            found.pop(row.label, None)
            found[row.label] = row.raw_sha256
        return found
