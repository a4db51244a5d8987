"""Batches that the change budget held, and what named persons decided about them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Engine, and_, desc, insert, select

from ledger import journal
from ledger.batches import BatchKey, latest_promoted, of_dataset
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


def in_brief(decision: Row | None) -> Row | None:
    """What a person decided about a held batch, why, who and when."""
    return decision and {name: decision[name] for name in ("action", "why", "decided_by", "decided_at")}


def held_since(ledger: Engine, source: str, dataset: str, as_of: date) -> Row | None:
    """The first batch of the unbroken series of held ones up to the newest; None where the newest is not held."""
    return first_row(ledger, _held(ledger, source, dataset, as_of).order_by(batches.c.batch))


def newest_held(ledger: Engine, source: str, dataset: str, as_of: date) -> Row | None:
    """The newest held batch of a dataset since the last promoted one, whose file is on disk."""
    with_file = _held(ledger, source, dataset, as_of).where(batches.c.same_as.is_(None))
    return first_row(ledger, with_file.order_by(desc(batches.c.batch)))


def held_file_of(ledger: Engine, decision: Mapping[str, Any]) -> Row | None:
    """The held batch whose file has the content that a decision is about: the decided batch, or the one it repeats."""
    same = and_(batches.c.content_sha256 == decision["content_sha256"], batches.c.same_as.is_(None))
    of_it = and_(of_dataset(batches, decision["source"], decision["dataset"]), batches.c.state == "held", same)
    query = select(batches).where(of_it, batches.c.batch <= decision["batch"])
    return first_row(ledger, query.order_by(desc(batches.c.batch)))


def _held(ledger: Engine, source: str, dataset: str, as_of: date) -> Any:
    """The held batches of a dataset since the last promoted one."""
    since = batches.c.batch > _last_promoted(ledger, source, dataset, as_of)
    of_then = and_(batches.c.state == "held", batches.c.as_of <= as_of.isoformat(), since)
    return select(batches).where(of_dataset(batches, source, dataset), of_then)


def _last_promoted(ledger: Engine, source: str, dataset: str, as_of: date) -> str:
    newest = latest_promoted(ledger, source, dataset, as_of)
    return newest["batch"] if newest else ""


def decision_about(ledger: Engine, source: str, dataset: str) -> Row | None:
    """The last decision about what is held of a dataset, None where none is newer than what was promoted."""
    table, after = held_decisions, _last_promoted(ledger, source, dataset, date.max)
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
