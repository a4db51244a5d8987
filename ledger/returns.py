"""Return files in the ledger: which was written for whom, and which are still owed."""

from datetime import date

from sqlalchemy import Engine, asc, desc, func, insert, select, update

from ledger.batches import PROMOTED
from ledger.store import Row, first_row, now, rows
from ledger.tables import batches, returns


def last_return(ledger: Engine, source: str) -> Row | None:
    """The newest return of a source, or None before the first."""
    query = select(returns).where(returns.c.source == source)
    newest = query.order_by(desc(returns.c.as_of), desc(returns.c.created_at), desc(returns.c.return_id)).limit(1)
    return first_row(ledger, newest)


def next_return_number(ledger: Engine, source: str, as_of: date) -> int:
    """Which return of its night this would be: 1, unless the night was run again and brought something new."""
    query = select(func.count()).where(returns.c.source == source, returns.c.as_of == as_of.isoformat())
    with ledger.begin() as connection:
        return connection.execute(query).scalar_one() + 1


def write_return(ledger: Engine, row: Row) -> None:
    """Write a return down. One of the same night that was not sent yet is superseded: the new one holds all of it."""
    unsent = (
        returns.c.source == row["source"],
        returns.c.as_of == row["as_of"],
        returns.c.state.in_(("pending", "kept")),
    )
    with ledger.begin() as connection:
        connection.execute(update(returns).where(*unsent).values(state="superseded"))
        connection.execute(insert(returns).values(**row, attempts=0, created_at=now()))


def owed_returns(ledger: Engine) -> list[Row]:
    """The returns still to be sent, oldest first."""
    query = select(returns).where(returns.c.state == "pending").order_by(asc(returns.c.as_of), asc(returns.c.return_id))
    return rows(ledger, query)


def return_rows(ledger: Engine, source: str | None = None) -> list[Row]:
    """Every return, or those of one source, newest night first."""
    query = select(returns) if source is None else select(returns).where(returns.c.source == source)
    return rows(ledger, query.order_by(desc(returns.c.as_of), asc(returns.c.return_id)))


def mark_return(ledger: Engine, return_id: str, error: str | None) -> None:
    """Record an attempt to send: arrived where `error` is None, else still owed, and why."""
    tried = {"attempts": returns.c.attempts + 1, "last_error": None if error is None else error[:2000]}
    arrived = {"state": "sent", "sent_at": now()} if error is None else {}
    with ledger.begin() as connection:
        connection.execute(update(returns).where(returns.c.return_id == return_id).values(**tried, **arrived))


def batches_of_night(ledger: Engine, source: str, dataset: str, as_of: date) -> list[Row]:
    """The pulls of one business date that came to an end, promoted or refused, in their order."""
    query = select(batches).where(
        batches.c.source == source,
        batches.c.dataset == dataset,
        batches.c.as_of == as_of.isoformat(),
        batches.c.origin == "pull",
        batches.c.state.in_((*PROMOTED, "refused")),
    )
    return rows(ledger, query.order_by(asc(batches.c.batch)))
