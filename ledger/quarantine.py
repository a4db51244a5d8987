"""Refused records in the ledger: the id of each, and the decision about it, with its author and reason."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine, and_, delete, desc, insert, select

from ledger import journal
from ledger.batches import of_dataset
from ledger.store import Row, first_row, now, rows
from ledger.tables import batches, quarantine_decisions, runs


@dataclass(frozen=True)
class Decision:
    """What became of one refused record: `replayed` into `batch`, or `discarded`; either way with a reason."""

    record_id: str
    source: str
    dataset: str
    action: str
    why: str
    decided_by: str
    batch: str | None = None


def record_id(source: str, dataset: str, raw_sha256: str, position: int) -> str:
    """The id of a refused record: 16 hex digits made of its place in the bytes that were received.

    The same page received again gives the same id; the same record on another page has another id.
    """
    return hashlib.sha256(f"{source}.{dataset}\n{raw_sha256}\n{position}".encode()).hexdigest()[:16]


def decisions(ledger: Engine, source: str, dataset: str, as_of: date) -> dict[str, Row]:
    """Every decision about a dataset's records on or before `as_of`, by record id."""
    table = quarantine_decisions
    query = select(table).where(of_dataset(table, source, dataset), table.c.as_of <= as_of.isoformat())
    return {row["record_id"]: row for row in rows(ledger, query)}


def decide(ledger: Engine, made: Iterable[Decision], as_of: date) -> set[str]:
    """Record decisions in one transaction; returns the ids that are new.

    The first decision stays, except that a record which was replayed and refused again may be decided again.
    """
    table = quarantine_decisions
    new = {one.record_id: one for one in made}
    discarded = select(table.c.record_id).where(table.c.action == "discarded")
    with ledger.begin() as connection:
        for known in connection.execute(discarded).scalars():
            new.pop(known, None)
        for one in new.values():
            connection.execute(delete(table).where(table.c.record_id == one.record_id))
            connection.execute(insert(table).values(**vars(one), as_of=as_of.isoformat(), decided_at=now()))
            journal.keep(connection, table, table.c.record_id == one.record_id)
    return set(new)


def run_of_batch(ledger: Engine, source: str, dataset: str, batch: str) -> str | None:
    """The run that was at work when a batch was opened, or None where none was (a replay is no run)."""
    of_batch = and_(of_dataset(batches, source, dataset), batches.c.batch == batch)
    opened = select(batches.c.opened_at).where(of_batch).scalar_subquery()
    before = select(runs).add_columns(opened.label("opened")).where(runs.c.started_at <= opened)
    row = first_row(ledger, before.order_by(desc(runs.c.started_at)).limit(1))
    if row is None or (row["ended_at"] is not None and row["ended_at"] < row["opened"]):
        return None
    return str(row["run_id"])
