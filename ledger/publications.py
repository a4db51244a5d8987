"""Editions, deliveries and messages: what was published, what was promised to whom, and what has gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, asc, desc, insert, select, update

from ledger.store import Row, now
from ledger.tables import current_edition, deliveries, denials, editions, outbox


class CurrentMovedError(RuntimeError):
    """`current` is no longer the edition that this run started from: another run published in between."""


@dataclass(frozen=True)
class Message:
    """One event for one recipient; `message_id` is made from edition, recipient and sequence, so it can be repeated."""

    message_id: str
    recipient: str
    event: dict[str, Any]


def current_id(ledger: Engine) -> str | None:
    """The id of the edition that readers follow, or None before the first."""
    with ledger.begin() as connection:
        return _current(connection)


def _current(connection: Connection) -> str | None:
    return connection.execute(select(current_edition.c.edition_id)).scalar_one_or_none()


def publish(
    ledger: Engine,
    edition: Row,
    expected_current: str | None,
    recipients: Sequence[str],
    messages: Sequence[Message],
) -> None:
    """In one transaction: the edition row, `current` moved by compare-and-swap, deliveries and messages promised.

    Deliveries that an older edition still owes are superseded: a bank is never sent yesterday's scores after today's.
    Its messages stay owed: each tells of an edition that was published, and channels want all of them.
    Raises `CurrentMovedError`, and writes nothing, when `current` is not `expected_current`.
    """
    edition_id = edition["edition_id"]
    with ledger.begin() as connection:
        found = _current(connection)
        if found != expected_current:
            raise CurrentMovedError(
                f"current is {found}, this run expected {expected_current}. Whose: transient. Run `jifen run` again."
            )
        connection.execute(insert(editions).values(**edition, supersedes=expected_current, published_at=now()))
        if expected_current is None:
            connection.execute(insert(current_edition).values(slot=1, edition_id=edition_id))
        else:
            connection.execute(update(current_edition).values(edition_id=edition_id))
        connection.execute(update(deliveries).where(deliveries.c.state == "pending").values(state="superseded"))
        for recipient in recipients:
            connection.execute(
                insert(deliveries).values(
                    delivery_id=f"{edition_id}.{recipient}.1",
                    edition_id=edition_id,
                    recipient=recipient,
                    state="pending",
                    attempts=0,
                    created_at=now(),
                )
            )
        for message in messages:
            connection.execute(
                insert(outbox).values(
                    message_id=message.message_id,
                    edition_id=edition_id,
                    recipient=message.recipient,
                    event=message.event,
                    state="pending",
                    attempts=0,
                    created_at=now(),
                )
            )


def edition_row(ledger: Engine, edition_id: str) -> Row | None:
    """One edition's row, or None."""
    with ledger.begin() as connection:
        row = connection.execute(select(editions).where(editions.c.edition_id == edition_id)).mappings().first()
        return None if row is None else dict(row)


def edition_rows(ledger: Engine) -> list[Row]:
    """All editions, newest first."""
    with ledger.begin() as connection:
        rows = connection.execute(select(editions).order_by(desc(editions.c.published_at))).mappings()
        return [dict(row) for row in rows]


def pending(ledger: Engine, table: Table) -> list[Row]:
    """What is still owed, from `deliveries` or `outbox`, oldest first."""
    query = select(table).where(table.c.state == "pending").order_by(asc(table.c.created_at), asc(table.c.recipient))
    with ledger.begin() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def owed_for(ledger: Engine, table: Table, edition_id: str) -> list[Row]:
    """Everything promised for one edition, from `deliveries` or `outbox`, with its state."""
    query = select(table).where(table.c.edition_id == edition_id).order_by(asc(table.c.recipient))
    with ledger.begin() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def mark_delivered(ledger: Engine, delivery_id: str, values: Row, refused: Sequence[Row]) -> None:
    """Record a delivery that arrived, and each consent that was denied, in one transaction."""
    with ledger.begin() as connection:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.delivery_id == delivery_id)
            .values(state="sent", sent_at=now(), attempts=deliveries.c.attempts + 1, last_error=None, **values)
        )
        if refused:
            connection.execute(insert(denials), [{"delivery_id": delivery_id, **row} for row in refused])


def mark_sent(ledger: Engine, message_id: str) -> None:
    """Record a message that its recipient accepted."""
    with ledger.begin() as connection:
        connection.execute(
            update(outbox)
            .where(outbox.c.message_id == message_id)
            .values(state="sent", sent_at=now(), attempts=outbox.c.attempts + 1, last_error=None)
        )


def mark_failed(ledger: Engine, table: Table, owed_id: str, error: str) -> None:
    """Record a failed attempt; what is owed stays pending for the next run."""
    column = table.c.delivery_id if table is deliveries else table.c.message_id
    with ledger.begin() as connection:
        connection.execute(
            update(table).where(column == owed_id).values(attempts=table.c.attempts + 1, last_error=error[:2000])
        )
