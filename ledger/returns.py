"""Return files in the ledger: those written for each source, and those still to be sent."""

from datetime import date

from sqlalchemy import Engine, and_, desc, insert, select, update

from ledger.batches import PROMOTED, of_dataset
from ledger.store import Row, first_row, now, rows, write
from ledger.tables import batches, returns


def last_return(ledger: Engine, source: str) -> Row | None:
    """The newest return of a source, or None before the first."""
    query = select(returns).where(returns.c.source == source)
    newest = query.order_by(desc(returns.c.as_of), desc(returns.c.created_at), desc(returns.c.return_id)).limit(1)
    return first_row(ledger, newest)


def next_return_number(ledger: Engine, source: str, as_of: date) -> int:
    """The number of a night's next return: 1, or more where the night was run again and received new records."""
    of_night = select(returns.c.return_id).where(returns.c.source == source, returns.c.as_of == as_of.isoformat())
    return len(rows(ledger, of_night)) + 1


def write_return(ledger: Engine, row: Row) -> None:
    """Record a return. An unsent return of the same night is superseded: the new one has all of its content."""
    of_night = and_(returns.c.source == row["source"], returns.c.as_of == row["as_of"])
    superseded = update(returns).where(of_night, returns.c.state.in_(("pending", "kept"))).values(state="superseded")
    write(ledger, superseded, insert(returns).values(**row, attempts=0, created_at=now()))


def return_rows(ledger: Engine, source: str | None = None) -> list[Row]:
    """Every return, or those of one source, newest night first."""
    query = select(returns) if source is None else select(returns).where(returns.c.source == source)
    return rows(ledger, query.order_by(desc(returns.c.as_of), returns.c.return_id))


def batches_of_night(ledger: Engine, source: str, dataset: str, as_of: date) -> list[Row]:
    """The pulls of one business date that came to an end, promoted, held or refused, in their order."""
    query = select(batches).where(
        of_dataset(batches, source, dataset),
        batches.c.as_of == as_of.isoformat(),
        batches.c.origin == "pull",
        batches.c.state.in_((*PROMOTED, "held", "refused")),
    )
    return rows(ledger, query.order_by(batches.c.batch))
