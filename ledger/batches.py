"""Batches and their pages: a checkpoint is one page row, written after its raw bytes are safe."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, asc, func, insert, select, update

from ledger.store import Row, now
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
    ledger: Engine, source: str, dataset: str, as_of: date, spec_sha256: str, since: str | None
) -> tuple[BatchKey, str | None]:
    """Resume the open batch of this date and this source file, or open a new one; answers the key and its lower bound.

    An unfinished batch of another date or another source file is abandoned: its pages would mix two days.
    """
    of_dataset = and_(batches.c.source == source, batches.c.dataset == dataset)
    unfinished = and_(of_dataset, batches.c.state.in_(("open", "pulled")))
    same = and_(batches.c.as_of == as_of.isoformat(), batches.c.spec_sha256 == spec_sha256)
    with ledger.begin() as connection:
        found = connection.execute(select(batches.c.batch, batches.c.since).where(unfinished, same)).first()
        if found is not None:
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
                since=since,
                opened_at=now(),
            )
        )
    return BatchKey(source, dataset, batch), since


def record_page(
    ledger: Engine, key: BatchKey, sequence: int, label: str, raw_sha256: str, raw_bytes: int, next_cursor: Any
) -> None:
    """Write the checkpoint of one page whose raw bytes are already safe on disk."""
    with ledger.begin() as connection:
        connection.execute(
            insert(pages).values(
                source=key.source,
                dataset=key.dataset,
                batch=key.batch,
                sequence=sequence,
                label=label,
                raw_sha256=raw_sha256,
                raw_bytes=raw_bytes,
                next_cursor=next_cursor,
                fetched_at=now(),
            )
        )


def pages_of(ledger: Engine, key: BatchKey) -> list[Row]:
    """The pages of a batch in the order they were pulled."""
    with ledger.begin() as connection:
        rows = connection.execute(select(pages).where(_is(pages, key)).order_by(asc(pages.c.sequence))).mappings()
        return [dict(row) for row in rows]


def close_batch(ledger: Engine, key: BatchKey, state: str, **values: Any) -> None:
    """Move a batch to `state`, with what was counted."""
    closed = {} if state == "pulled" else {"closed_at": now()}
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
    with ledger.begin() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def seen_labels(ledger: Engine, source: str, dataset: str, as_of: date) -> set[str]:
    """Labels (file name, size, time) of the pages that a promoted batch stands for: those files need no second pull."""
    query = (
        select(pages.c.label)
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
            batches.c.state.in_(PROMOTED),
            batches.c.as_of <= as_of.isoformat(),
        )
    )
    with ledger.begin() as connection:
        return set(connection.execute(query).scalars())
