"""Objections 异议 to a published edition, and the days in which its public list stands open to them."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Engine, and_, func, insert, or_, select, update

from ledger import journal
from ledger.acts import withdrawn
from ledger.publications import beside_rows
from ledger.store import NotPossibleError, Row, first_row, now, rows
from ledger.tables import objections, publicities

UPHELD, REJECTED = "upheld", "rejected"


def open_objection(
    ledger: Engine, edition_id: str, uscc: str, what: str, opened_on: date, decide_days: int, who: str
) -> Row:
    """Record an objection and return its row. It is to be decided within `decide_days` calendar days."""
    with ledger.begin() as connection:
        day = opened_on.isoformat()
        used = select(func.count()).select_from(objections).where(objections.c.opened_on == day)
        row = {
            "objection_id": f"{day}-{connection.execute(used).scalar_one() + 1:03d}",
            "edition_id": edition_id,
            "uscc": uscc,
            "what": what,
            "opened_on": day,
            "due_on": (opened_on + timedelta(days=decide_days)).isoformat(),
            "opened_by": who,
        }
        connection.execute(insert(objections).values(**row, opened_at=now()))
        journal.append(connection, "objection", {**row, "step": "opened"})
    return row


def decide_objection(ledger: Engine, objection_id: str, decision: str, why: str, decided_on: date, who: str) -> Row:
    """Uphold or reject an objection, once. Raises `NotPossibleError` for one that is decided already or unknown."""
    row = require_objection(ledger, objection_id)
    _require_after(row, "opened_on", decided_on)
    if row["decision"] is not None:
        raise NotPossibleError(
            f"objection {objection_id} was {row['decision']} by {row['decided_by']} on {row['decided_on']} already. "
            "Next: jifen objection list"
        )
    values = {"decision": decision, "why": why, "decided_on": decided_on.isoformat(), "decided_by": who}
    return _step(ledger, row, "decided", values)


def close_objection(ledger: Engine, objection_id: str, closed_on: date, who: str, correction: str | None) -> Row:
    """Close a decided objection. One that was upheld names the edition that corrects it.

    Raises `NotPossibleError` for one that is not decided, is closed already, or was upheld and names no correction.
    """
    row = require_objection(ledger, objection_id)
    if row["closed_on"] is not None:
        raise NotPossibleError(f"objection {objection_id} was closed on {row['closed_on']} already.")
    if row["decision"] is None:
        raise NotPossibleError(
            f"objection {objection_id} is not decided. Next: jifen objection decide {objection_id} --uphold or --reject"
        )
    if row["decision"] == UPHELD and correction is None:
        raise NotPossibleError(
            f"objection {objection_id} was upheld, and no edition corrects it. Next: jifen edition correct "
            f"{row['edition_id']} --why TEXT, then jifen objection close {objection_id} --correction ID"
        )
    _require_after(row, "decided_on", closed_on)
    if correction is not None and (correction == row["edition_id"] or correction in withdrawn(ledger)):
        raise NotPossibleError(
            f"edition {correction} does not correct {row['edition_id']}: it is that edition, or was withdrawn. "
            "Next: jifen edition list"
        )
    values = {"closed_on": closed_on.isoformat(), "closed_by": who, "corrected_by": correction}
    return _step(ledger, row, "closed", values)


def _require_after(row: Row, step: str, day: date) -> None:
    if day.isoformat() < row[step]:
        raise NotPossibleError(f"{day} lies before {row[step]}, of objection {row['objection_id']}. Give a later --on.")


def _step(ledger: Engine, row: Row, step: str, values: Row) -> Row:
    with ledger.begin() as connection:
        about = objections.c.objection_id == row["objection_id"]
        connection.execute(update(objections).where(about).values(**values))
        journal.append(connection, "objection", {"objection_id": row["objection_id"], "step": step, **values})
    return {**row, **values}


def require_objection(ledger: Engine, objection_id: str) -> Row:
    """One objection's row. Raises `NotPossibleError` where there is none of that id."""
    row = first_row(ledger, select(objections).where(objections.c.objection_id == objection_id))
    if row is None:
        raise NotPossibleError(f"there is no objection {objection_id!r}. Next: jifen objection list")
    return row


def objection_rows(ledger: Engine, today: date, *, is_open: bool = False) -> list[Row]:
    """Every objection, those due first; each with its `state` (open, overdue, upheld, rejected or closed)."""
    query = select(objections).order_by(objections.c.due_on, objections.c.objection_id)
    if is_open:
        query = query.where(objections.c.closed_on.is_(None))
    return [{**row, "state": _state(row, today)} for row in rows(ledger, query)]


def _state(row: Row, today: date) -> str:
    if row["closed_on"] is not None:
        return "closed"
    if row["decision"] is not None:
        return str(row["decision"])
    return "overdue" if row["due_on"] < today.isoformat() else "open"


def unsettled(ledger: Engine, edition_id: str) -> Sequence[str]:
    """The objections to an edition that are undecided, or were upheld and have no correction yet."""
    is_left = or_(objections.c.decision.is_(None), objections.c.decision == UPHELD)
    of_it = and_(objections.c.edition_id == edition_id, is_left, objections.c.closed_on.is_(None))
    return [str(row["objection_id"]) for row in rows(ledger, select(objections.c.objection_id).where(of_it))]


def open_publicity(ledger: Engine, edition_id: str, list_id: str, opened_on: date, days: int, who: str) -> Row:
    """Record that a list of an edition is published for objections for so many days.

    Raises `NotPossibleError` where it was already, and for an edition that was built of a past day and never published.
    """
    row = {
        "edition_id": edition_id,
        "list_id": list_id,
        "opened_on": opened_on.isoformat(),
        "until": (opened_on + timedelta(days=days - 1)).isoformat(),
        "opened_by": who,
    }
    _require_not_withdrawn(ledger, edition_id)
    if any(one["edition_id"] == edition_id for one in beside_rows(ledger)):
        raise NotPossibleError(
            f"edition {edition_id} was built of a past day and never published: no list of it goes up in public. "
            "Next: jifen edition list"
        )
    if any(one["edition_id"] == edition_id and one["list_id"] == list_id for one in publicity_rows(ledger)):
        raise NotPossibleError(
            f"list {list_id} of edition {edition_id} is or was in public already. Next: jifen publicity list"
        )
    with ledger.begin() as connection:
        connection.execute(insert(publicities).values(**row))
        journal.append(connection, "publicity", {**row, "step": "opened"})
    return row


def close_publicity(ledger: Engine, edition_id: str, list_id: str, closed_on: date, who: str) -> Row:
    """Make a list final.

    Raises `NotPossibleError` before its days are over, for a withdrawn edition, and while an objection to it is
    undecided, or upheld and not corrected.
    """
    found = [one for one in publicity_rows(ledger) if (one["edition_id"], one["list_id"]) == (edition_id, list_id)]
    if not found:
        raise NotPossibleError(f"list {list_id} of edition {edition_id} is not in public. Next: jifen publicity open")
    (row,) = found
    if row["closed_on"] is not None:
        raise NotPossibleError(f"list {list_id} of edition {edition_id} is final since {row['closed_on']} already.")
    _require_not_withdrawn(ledger, edition_id)
    if closed_on.isoformat() <= row["until"]:
        raise NotPossibleError(
            f"list {list_id} of edition {edition_id} is in public until {row['until']}: close it later."
        )
    if left := unsettled(ledger, edition_id):
        raise NotPossibleError(
            f"objections to edition {edition_id} are not decided, or upheld and not corrected: {', '.join(left)}. "
            "Next: jifen objection decide, then jifen objection close, of each"
        )
    values = {"closed_on": closed_on.isoformat(), "closed_by": who}
    with ledger.begin() as connection:
        about = and_(publicities.c.edition_id == edition_id, publicities.c.list_id == list_id)
        connection.execute(update(publicities).where(about).values(**values))
        entry = {"edition_id": edition_id, "list_id": list_id, "step": "final", **values}
        journal.append(connection, "publicity", entry)
    return {**row, **values}


def _require_not_withdrawn(ledger: Engine, edition_id: str) -> None:
    if act := withdrawn(ledger).get(edition_id):
        raise NotPossibleError(
            f"edition {edition_id} was withdrawn by {act['decided_by']}: no list of it stands in public or is final."
        )


def publicity_rows(ledger: Engine) -> list[Row]:
    """Every publicity, the newest first."""
    return rows(ledger, select(publicities).order_by(publicities.c.opened_on.desc(), publicities.c.list_id))
