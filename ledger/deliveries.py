"""The stream of deliveries to each recipient: numbered without a gap, one a day, acknowledged or late."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Engine, desc, func, insert, select, update

from ledger import journal
from ledger.store import Row, first_row, next_number, now, rows
from ledger.tables import deliveries, denials

EDITION, DAILY, RECALL, UNKNOWN = "edition", "daily", "recall", "unknown"
"""Why a delivery was queued: an edition became current, a day began, rows are to be dropped.

The last stands for numbers that may have been sent, of which a ledger from a backup knows nothing.
"""
UNKNOWN_AT_MOST: Final = 100
"""Packages that a recipient may have got since the backup that was restored: of each night since, and corrections."""
ACKNOWLEDGED: Final = ("received", "accepted", "rejected")
_FINAL = ("accepted", "rejected")


class UnknownDeliveryError(LookupError):
    """No delivery of this id, number or manifest is known."""


def queue_delivery(
    connection: Connection,
    recipient: str,
    edition_id: str,
    kind: str = EDITION,
    due_on: str | None = None,
    note: Mapping[str, Any] | None = None,
) -> str:
    """Queue the recipient's next number within the caller's transaction; returns the delivery's id.

    The id is made of recipient and number: of two writers that saw the same last number, one is refused.
    """
    number = next_number(connection, deliveries.c.number, deliveries.c.recipient == recipient)
    delivery_id = f"{recipient}.{number}"
    row = {
        "delivery_id": delivery_id,
        "edition_id": edition_id,
        "recipient": recipient,
        "number": number,
        "kind": kind,
        "due_on": due_on,
        "note": note,
    }
    connection.execute(insert(deliveries).values(**row, state="pending", attempts=0, created_at=now()))
    return delivery_id


def supersede(connection: Connection, *conditions: Any) -> None:
    """Mark pending deliveries that meet these conditions as superseded, which are not sent; recalls stay pending."""
    is_open = (deliveries.c.state == "pending", func.coalesce(deliveries.c.kind, EDITION) != RECALL)
    connection.execute(update(deliveries).where(*is_open, *conditions).values(state="superseded"))


def queue_due(ledger: Engine, recipients: Sequence[str], edition_id: str | None, today: str) -> None:
    """Make sure that each recipient has one delivery of the current edition today; a rejected delivery does not count.

    An unsent delivery of an earlier day is superseded: the consents of that day may have ended.
    `today` is the zone's day.
    """
    if edition_id is None:
        return
    with ledger.begin() as connection:
        for recipient in recipients:
            of_it = deliveries.c.recipient == recipient
            is_numbered = (deliveries.c.number.is_not(None), deliveries.c.kind != RECALL)
            # What an edition queued leaves today, and is then the package of today.
            waiting = (of_it, *is_numbered, deliveries.c.state == "pending", deliveries.c.due_on.is_(None))
            connection.execute(update(deliveries).where(*waiting).values(due_on=today))
            stands = (of_it, *is_numbered, deliveries.c.state != "superseded")
            last = select(deliveries.c.due_on, deliveries.c.ack_state).where(*stands)
            newest = connection.execute(last.order_by(desc(deliveries.c.number)).limit(1)).first()
            if newest is None or newest.due_on != today or newest.ack_state == "rejected":
                supersede(connection, of_it)
                queue_delivery(connection, recipient, edition_id, DAILY, today)


def leave_out_unknown(connection: Connection) -> None:
    """Begin each recipient's numbers behind those that it may have got since this copy of the ledger was made.

    Used a second time, a number would be refused by a recipient that has it, and so would each later package. What is
    pending and was not composed is superseded: its number may have been sent with other content.
    """
    is_open = (deliveries.c.manifest_sha256.is_(None), deliveries.c.number.is_not(None))
    supersede(connection, *is_open)
    found = connection.execute(select(deliveries).where(deliveries.c.number.is_not(None)).order_by(deliveries.c.number))
    newest = {row["recipient"]: row for row in found.mappings()}
    for recipient, row in newest.items():
        of_it = (deliveries.c.recipient == recipient, deliveries.c.state == "superseded", *is_open)
        least = connection.execute(select(func.min(deliveries.c.number)).where(*of_it)).scalar()
        number = row["number"] + UNKNOWN_AT_MOST
        marker = {
            "delivery_id": f"{recipient}.{number}",
            "edition_id": row["edition_id"],
            "recipient": recipient,
            "number": number,
            "kind": UNKNOWN,
            "note": {"unknown_since": least or row["number"] + 1},
        }
        connection.execute(insert(deliveries).values(**marker, state="superseded", attempts=0, created_at=now()))


def record_composed(ledger: Engine, delivery_id: str, values: Row, denied: Sequence[Row]) -> None:
    """Record what is going to be sent, before any byte is sent, and each consent that was denied."""
    with ledger.begin() as connection:
        connection.execute(update(deliveries).where(deliveries.c.delivery_id == delivery_id).values(**values))
        for row in denied:
            connection.execute(insert(denials).values(delivery_id=delivery_id, **row))
        entry = {"delivery_id": delivery_id, "manifest_sha256": values["manifest_sha256"], "sha256": values["sha256"]}
        journal.append(connection, "composed", entry)


def delivery_rows(ledger: Engine, recipient: str | None = None) -> list[Row]:
    """Every delivery with a number, or those to one recipient, newest first."""
    query = select(deliveries).where(deliveries.c.number.is_not(None))
    query = query if recipient is None else query.where(deliveries.c.recipient == recipient)
    return rows(ledger, query.order_by(desc(deliveries.c.created_at), desc(deliveries.c.number)))


def delivery_row(ledger: Engine, delivery_id: str) -> Row:
    """One delivery by its id. Raises `UnknownDeliveryError`."""
    found = first_row(ledger, select(deliveries).where(deliveries.c.delivery_id == delivery_id))
    if found is None:
        raise UnknownDeliveryError(f"no delivery {delivery_id}. Whose: usage. Next: jifen deliveries list")
    return found


def before(ledger: Engine, recipient: str, number: int | None = None) -> list[Row]:
    """The recipient's deliveries before the one of this number, all where none is given; the nearest first."""
    query = select(deliveries).where(deliveries.c.recipient == recipient, deliveries.c.number.is_not(None))
    query = query if number is None else query.where(deliveries.c.number < number)
    return rows(ledger, query.order_by(desc(deliveries.c.number)))


def acknowledge(ledger: Engine, delivery_id: str, state: str, reason: str | None, by: str) -> bool:
    """Record the recipient's acknowledgement of a delivery; returns whether it is new.

    `received` after a final state (accepted, rejected) is ignored. A final state that contradicts an earlier one is a
    `ValueError`: a person has to ask the recipient.
    """
    if state not in ACKNOWLEDGED:
        raise ValueError(f"{state} is no acknowledgement; there are {', '.join(ACKNOWLEDGED)}")
    with ledger.begin() as connection:
        one = deliveries.c.delivery_id == delivery_id
        known = connection.execute(select(deliveries.c.ack_state).where(one)).scalar_one()
        if known == state or (known in _FINAL and state not in _FINAL):
            return False
        if known in _FINAL:
            raise ValueError(f"{delivery_id} was {known} and is now reported as {state}: ask the recipient")
        connection.execute(update(deliveries).where(one).values(ack_state=state, ack_reason=reason, acked_at=now()))
        entry = {"delivery_id": delivery_id, "state": state, "reason": reason, "by": by}
        journal.append(connection, "delivery_ack", entry)
    return True


def queue_recall(
    connection: Connection,
    recipient: str,
    edition_id: str,
    codes: Sequence[str],
    why: str,
    who: str,
    *,
    held_only: bool = False,
) -> str:
    """Queue a message that the recipient drop the rows of these enterprises, within the caller's transaction.

    With `held_only`, enterprises of which the recipient holds no row are left out when the message is composed. A
    pending package is superseded: it would arrive after the recall with an earlier number. Returns the delivery's id.
    """
    supersede(connection, deliveries.c.recipient == recipient)
    note = {"codes": sorted(codes), "why": why, "decided_by": who, "held_only": held_only}
    delivery_id = queue_delivery(connection, recipient, edition_id, RECALL, note=note)
    journal.append(connection, "recall", {"delivery_id": delivery_id, **note})
    return delivery_id


def record_redelivered(ledger: Engine, delivery_id: str, who: str) -> None:
    """Record that a package was sent again unchanged."""
    with ledger.begin() as connection:
        journal.append(connection, "redelivery", {"delivery_id": delivery_id, "decided_by": who})


def unacknowledged(ledger: Engine, today: str) -> list[Row]:
    """Sent deliveries that should have been accepted or rejected before today and were not."""
    query = select(deliveries).where(deliveries.c.state == "sent", deliveries.c.ack_due_on < today)
    waits = func.coalesce(deliveries.c.ack_state, "").not_in(_FINAL)
    return rows(ledger, query.where(waits).order_by(deliveries.c.recipient, deliveries.c.number))


def rejected(ledger: Engine) -> list[Row]:
    """Each recipient's newest delivery with a final acknowledgement, where that is a rejection."""
    answered = rows(
        ledger,
        select(deliveries)
        .where(deliveries.c.ack_state.in_(_FINAL))
        .order_by(deliveries.c.recipient, deliveries.c.number),
    )
    newest = {row["recipient"]: row for row in answered}
    return [row for row in newest.values() if row["ack_state"] == "rejected"]


def awaited(ledger: Engine, recipient: str, *, or_newest: bool = False) -> list[Row]:
    """Deliveries sent to a recipient that acknowledges which are neither accepted nor rejected yet.

    With `or_newest` the newest one is among them whatever was answered.
    """
    sent = (deliveries.c.recipient == recipient, deliveries.c.state == "sent", deliveries.c.ack_due_on.is_not(None))
    newest = select(func.max(deliveries.c.number)).where(*sent).scalar_subquery()
    waits = func.coalesce(deliveries.c.ack_state, "").not_in(_FINAL)
    query = select(deliveries).where(*sent, waits | (deliveries.c.number == newest) if or_newest else waits)
    return rows(ledger, query.order_by(deliveries.c.number))


def late_answers(ledger: Engine, today: date) -> list[str]:
    """A sentence for each delivery whose answer is late or a rejection; `today` is the zone's day."""
    return [*map(_late, unacknowledged(ledger, today.isoformat())), *map(_rejected, rejected(ledger))]


def _late(row: Row) -> str:
    state = f"{row['recipient']} has {'received' if row['ack_state'] else 'not acknowledged'} {row['delivery_id']}"
    more = " and not accepted it" if row["ack_state"] else ""
    return (
        f"{state}{more}; the answer was due on {row['ack_due_on']}. Next: call them, then "
        f"jifen deliveries redeliver {row['delivery_id']}, or jifen deliveries ack {row['delivery_id']} --accepted"
    )


def _rejected(row: Row) -> str:
    return (
        f"{row['recipient']} rejected {row['delivery_id']}: {row['ack_reason'] or 'no reason given'}. "
        f"Next: jifen deliveries show {row['delivery_id']}, fix it, then jifen run"
    )
