"""Batches that the change budget held, and what named persons decided about them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Engine, and_, desc, insert, select

from ledger import journal
from ledger.batches import BatchKey, of_dataset, promoted_batches
from ledger.store import Row, first_row, now, rows
from ledger.tables import batches, held_decisions


def held_batches(ledger: Engine) -> list[Row]:
    """Of each dataset the newest batch, where that is held; with the decision about it, if any."""
    newest: dict[tuple[str, str], Row] = {}
    settled = batches.c.state.in_(("landed", "unchanged", "held"))
    for row in rows(ledger, select(batches).where(settled).order_by(batches.c.as_of, batches.c.batch)):
        newest[row["source"], row["dataset"]] = row
    held = [row for row in newest.values() if row["state"] == "held"]
    return [{**row, "decision": decision_about(ledger, row["source"], row["dataset"])} for row in held]


def held_since(ledger: Engine, source: str, dataset: str, as_of: date) -> Row | None:
    """The first batch of the unbroken series of held ones up to the newest; None where the newest is not held."""
    promoted = promoted_batches(ledger, source, dataset, as_of)
    after = promoted[-1]["batch"] if promoted else ""
    return first_row(ledger, _held(source, dataset, as_of, after).order_by(batches.c.batch))


def newest_held(ledger: Engine, source: str, dataset: str, as_of: date) -> Row | None:
    """The newest held batch of a dataset since the last promoted one, whose file is on disk."""
    promoted = promoted_batches(ledger, source, dataset, as_of)
    after = promoted[-1]["batch"] if promoted else ""
    with_file = _held(source, dataset, as_of, after).where(batches.c.same_as.is_(None))
    return first_row(ledger, with_file.order_by(desc(batches.c.batch)))


def held_file_of(ledger: Engine, decision: Mapping[str, Any]) -> Row | None:
    """The held batch whose file has the content that a decision is about: the decided batch, or the one it repeats."""
    same = and_(batches.c.content_sha256 == decision["content_sha256"], batches.c.same_as.is_(None))
    of_it = and_(of_dataset(batches, decision["source"], decision["dataset"]), batches.c.state == "held", same)
    query = select(batches).where(of_it, batches.c.batch <= decision["batch"])
    return first_row(ledger, query.order_by(desc(batches.c.batch)))


def _held(source: str, dataset: str, as_of: date, after: str) -> Any:
    of_then = and_(batches.c.state == "held", batches.c.as_of <= as_of.isoformat(), batches.c.batch > after)
    return select(batches).where(of_dataset(batches, source, dataset), of_then)


def decision_about(ledger: Engine, source: str, dataset: str) -> Row | None:
    """The last decision about what is held of a dataset, None where none is newer than what was promoted."""
    promoted = promoted_batches(ledger, source, dataset, date.max)
    after = promoted[-1]["batch"] if promoted else ""
    table = held_decisions
    query = select(table).where(of_dataset(table, source, dataset), table.c.batch > after)
    return first_row(ledger, query.order_by(desc(table.c.decided_at)))


def decide_held(ledger: Engine, batch: Mapping[str, Any], action: str, why: str, decided_by: str, as_of: date) -> None:
    """Record that a person accepts or rejects a held batch; the last decision counts."""
    names = ("source", "dataset", "batch", "content_sha256")
    row = {**{name: batch[name] for name in names}, "action": action, "why": why, "decided_by": decided_by}
    row |= {"decided_at": now(), "as_of": as_of.isoformat()}
    with ledger.begin() as connection:
        connection.execute(insert(held_decisions).values(**row))
        journal.append(connection, "held_decision", row)


def past_changes(ledger: Engine, key: BatchKey, as_of: date, most: int) -> list[dict[str, Any]]:
    """What the last landed batches changed, oldest first; batches that a person accepted are left out."""
    query = (
        select(batches.c.changes)
        .where(of_dataset(batches, key.source, key.dataset), batches.c.as_of <= as_of.isoformat())
        .where(batches.c.state == "landed", batches.c.origin == "pull")
        .order_by(desc(batches.c.as_of), desc(batches.c.batch))
        .limit(most)
    )
    changes = [row["changes"] for row in rows(ledger, query) if row["changes"]]
    return [one for one in reversed(changes) if not one.get("accepted_by")]
