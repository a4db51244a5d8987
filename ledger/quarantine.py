"""Refused records in the ledger: what each is called, and what was decided about it, by whom and why."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine, delete, desc, insert, select

from ledger.store import Row, now
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
    """The name of a refused record: 16 hex digits of where it stands in the bytes that were received.

    The same page received again gives the same name; the same record on another page is another one.
    """
    return hashlib.sha256(f"{source}.{dataset}\n{raw_sha256}\n{position}".encode()).hexdigest()[:16]


def decisions(ledger: Engine, source: str, dataset: str, as_of: date) -> dict[str, Row]:
    """Every decision about a dataset's records on or before `as_of`, by record id."""
    table = quarantine_decisions
    of_dataset = (table.c.source == source, table.c.dataset == dataset)
    query = select(table).where(*of_dataset, table.c.as_of <= as_of.isoformat())
    with ledger.begin() as connection:
        return {row["record_id"]: dict(row) for row in connection.execute(query).mappings()}


def decide(ledger: Engine, made: Iterable[Decision], as_of: date) -> set[str]:
    """Write decisions down, in one transaction; answers the ids that are new.

    The first decision stays, except that a record which was replayed and refused again may be decided again.
    """
    new: set[str] = set()
    with ledger.begin() as connection:
        for one in made:
            of_record = quarantine_decisions.c.record_id == one.record_id
            known = connection.execute(select(quarantine_decisions.c.action).where(of_record)).scalar_one_or_none()
            if known == "discarded":
                continue
            connection.execute(delete(quarantine_decisions).where(of_record))
            connection.execute(
                insert(quarantine_decisions).values(**vars(one), as_of=as_of.isoformat(), decided_at=now())
            )
            new.add(one.record_id)
    return new


def run_of_batch(ledger: Engine, source: str, dataset: str, batch: str) -> str | None:
    """The run that was at work when a batch was opened, or None where none was (a replay is no run)."""
    of_batch = (batches.c.source == source, batches.c.dataset == dataset, batches.c.batch == batch)
    with ledger.begin() as connection:
        opened = connection.execute(select(batches.c.opened_at).where(*of_batch)).scalar_one_or_none()
        if opened is None:
            return None
        before = select(runs).where(runs.c.started_at <= opened).order_by(desc(runs.c.started_at)).limit(1)
        row = connection.execute(before).mappings().first()
    if row is None or (row["ended_at"] is not None and row["ended_at"] < opened):
        return None
    return str(row["run_id"])
