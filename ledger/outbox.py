"""Messages of `outbox` and `alerts`: which process sends one, when it is tried again, how each attempt ended."""

import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, desc, insert, select, update
from sqlalchemy.exc import IntegrityError

from ledger import journal
from ledger.runs import process_of, this_host
from ledger.store import NotPossibleError, Row, first_row, next_number, now, rows, write
from ledger.tables import alerts, channels, message_attempts, outbox, relays
from ledger.tables import journal as journal_table

TABLES = (outbox, alerts)
PENDING, SENT, DEAD, DISCARDED = STATES = ("pending", "sent", "dead", "discarded")
_ACT = "message_act"
_MINUTE, _HALF_HOUR = timedelta(minutes=1), 1800
_FREED = {"claimed_by": None, "claimed_until": None}
_FARTHEST = timedelta(days=8)
"""A channel may ask for a wait of a week at most. An instant further ahead was written by a clock that ran ahead."""


@dataclass(frozen=True)
class Limits:
    """How often a channel may be called, and whether it must not be called within a minute of a full or half hour."""

    per_minute: int
    per_second: int | None = None
    avoids_half_hours: bool = False

    def wait_until(self, calls: Sequence[str], at: datetime) -> datetime | None:
        """When a channel that was called at these instants may be called again; None means now."""
        near = timedelta(seconds=at.timestamp() % _HALF_HOUR)
        if self.avoids_half_hours and near < _MINUTE:
            return at - near + _MINUTE
        if self.avoids_half_hours and near > timedelta(seconds=_HALF_HOUR) - _MINUTE:
            return at - near + timedelta(seconds=_HALF_HOUR) + _MINUTE
        ends = [
            datetime.fromisoformat(calls[-most]) + span
            for most, span in ((self.per_minute, _MINUTE), (self.per_second, timedelta(seconds=1)))
            if most is not None and len(calls) >= most
        ]
        return max((end for end in ends if end > at), default=None)


def text_of(moment: datetime) -> str:
    """An instant as the ledger writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def waiting(ledger: Engine, table: Table, at: datetime, *, early: bool = False) -> list[tuple[str, str]]:
    """Id and recipient of every pending message that is due, oldest first; `early` includes those not due yet.

    Left out are messages that another process is sending, and those to a channel that is disabled or must not be
    called yet.
    """
    due = table.c.next_try_at
    is_due = () if early else (due.is_(None) | (due <= text_of(at)) | (due > text_of(at + _FARTHEST)),)
    query = select(table.c.message_id, table.c.recipient, table.c.claimed_by, table.c.claimed_until)
    query = query.where(table.c.state == PENDING, *is_due).order_by(table.c.created_at, table.c.recipient)
    closed = {recipient for recipient, why in why_closed(ledger, at).items() if why}
    return [
        (row["message_id"], row["recipient"])
        for row in rows(ledger, query)
        if row["recipient"] not in closed and not _is_held(row, at)
    ]


def lies_ahead(moment: str | None, at: datetime) -> bool:
    """Whether this instant is in the future, and near enough to wait for."""
    return moment is not None and text_of(at) < moment <= text_of(at + _FARTHEST)


def _is_held(row: Row, at: datetime) -> bool:
    """Whether a row's claim holds: its process is alive on this host, or it is of another host and has not expired."""
    if row["claimed_by"] is None or row["claimed_until"] < text_of(at):
        return False
    host, process, _ = row["claimed_by"].split(" ")
    return bool(host != this_host() or process == process_of(int(process.partition("@")[0])))


def claim(
    ledger: Engine,
    table: Table,
    message_id: str,
    at: datetime,
    seconds: float,
    *,
    early: bool,
    limits: Limits | None = None,
) -> Row | None:
    """Claim a message to send it: no other process gets it until the attempt is recorded, or the claimant died.

    Returns its row, or None where it is no longer to be sent, or its channel may not be called now. The attempt is in
    the ledger before any byte is sent. For hosts that cannot see this process the claim expires after `seconds`.
    """
    ours = {
        "claimed_by": f"{this_host()} {process_of(os.getpid())} {uuid.uuid4().hex}",
        "claimed_until": text_of(at + timedelta(seconds=seconds)),
    }
    one = table.c.message_id == message_id
    try:
        with ledger.begin() as connection:
            # On PostgreSQL a second process waits here for the first; on SQLite there is only one writing transaction.
            found = connection.execute(select(table).where(one).with_for_update()).mappings().one()
            is_due = early or not lies_ahead(found["next_try_at"], at)
            if found["state"] != PENDING or not is_due or _is_held(dict(found), at):
                return None
            if limits is not None and not _may_call(connection, found["recipient"], limits, at):
                return None
            connection.execute(update(table).where(one).values(**ours))
            number = next_number(connection, message_attempts.c.number, message_attempts.c.message_id == message_id)
            begun = {"message_id": message_id, "number": number, "recipient": found["recipient"], "at": text_of(at)}
            connection.execute(insert(message_attempts).values(**begun))
            return {**found, **ours, "number": number}
    except IntegrityError:
        # Two processes inserted the first call of a channel, or the same attempt: the other one has the claim.
        return None


def _may_call(connection: Connection, recipient: str, limits: Limits, at: datetime) -> bool:
    """Whether a channel may be called now. If so the call is counted, else the channel's `not_before` is set."""
    query = select(channels).where(channels.c.recipient == recipient).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is not None and lies_ahead(row["not_before"], at):
        return False
    lately = (text_of(at - _MINUTE), text_of(at + _MINUTE))
    calls = [call for call in (row and row["called_at"]) or () if lately[0] < call < lately[1]]
    until = limits.wait_until(calls, at)
    if until is None:
        _set_channel(connection, recipient, called_at=[*calls, text_of(at)])
    else:
        _set_channel(connection, recipient, not_before=text_of(until))
    return until is None


def next_moment(ledger: Engine, table: Table, at: datetime) -> datetime | None:
    """When something pending in a table may be sent next; None where nothing may before a person acts."""
    known = {row["recipient"]: row for row in rows(ledger, select(channels))}
    query = select(table.c.recipient, table.c.next_try_at).where(table.c.state == PENDING).distinct()
    moments = []
    for row in rows(ledger, query):
        channel = known.get(row["recipient"], {"disabled_at": None, "not_before": None})
        if channel["disabled_at"] is None:
            ahead = [text for text in (row["next_try_at"], channel["not_before"]) if lies_ahead(text, at)]
            moments.append(max(ahead, default=text_of(at)))
    return datetime.fromisoformat(min(moments)) if moments else None


def record(ledger: Engine, table: Table, claimed: Row, outcome: str, **values: Any) -> None:
    """Record how an attempt ended and the message's new state (`values`), and release the claim."""
    one = table.c.message_id == claimed["message_id"]
    # What arrived has arrived, also where another process or a person took the claim away meanwhile.
    is_ours = () if values.get("state") == SENT else (table.c.claimed_by == claimed["claimed_by"],)
    attempt = update(message_attempts).filter_by(message_id=claimed["message_id"], number=claimed["number"])
    write(
        ledger,
        update(table).where(one, *is_ours).values(**_FREED, **values),
        attempt.values(outcome=outcome[:2000]),
    )


def release(ledger: Engine, table: Table, claimed: Row) -> None:
    """Release a message of which it is not known whether it was sent: it is sent again, with the same id."""
    mine = (table.c.message_id == claimed["message_id"], table.c.claimed_by == claimed["claimed_by"])
    write(ledger, update(table).where(*mine).values(**_FREED))


def close_channel(ledger: Engine, recipient: str, **values: Any) -> None:
    """Record that a channel is gone (`disabled_at`, `disabled_why`) or must not be called yet (`not_before`)."""
    with ledger.begin() as connection:
        _set_channel(connection, recipient, **values)


def _set_channel(connection: Connection, recipient: str, **values: Any) -> None:
    one = channels.c.recipient == recipient
    if connection.execute(update(channels).where(one).values(**values)).rowcount == 0:
        connection.execute(insert(channels).values(recipient=recipient, **values))


def why_closed(ledger: Engine, at: datetime) -> dict[str, str]:
    """Why nothing is sent to a channel now, by its name; channels that receive messages are left out."""
    reasons = {}
    for row in rows(ledger, select(channels)):
        if row["disabled_at"]:
            follows = f"Next: ask its people, then jifen outbox replay --recipient {row['recipient']}"
            reasons[row["recipient"]] = f"disabled since {row['disabled_at']}: {row['disabled_why']} {follows}"
        elif lies_ahead(row["not_before"], at):
            reasons[row["recipient"]] = f"it asked for a wait until {row['not_before']}."
    return reasons


def disabled_channels(ledger: Engine) -> dict[str, str]:
    """Every channel that is disabled, and why."""
    query = select(channels).where(channels.c.disabled_at.is_not(None))
    return {row["recipient"]: row["disabled_why"] for row in rows(ledger, query)}


def messages(ledger: Engine, state: str | None = None, recipient: str | None = None) -> list[Row]:
    """Every message of both tables, or those in one state or to one recipient, newest first."""
    wanted = {name: value for name, value in (("state", state), ("recipient", recipient)) if value is not None}
    found = [row for table in TABLES for row in rows(ledger, select(table).filter_by(**wanted))]
    return sorted(found, key=lambda row: (row["created_at"], row["message_id"]), reverse=True)


def message_row(ledger: Engine, message_id: str) -> tuple[Table, Row]:
    """One message and its table. Raises `NotPossibleError`."""
    for table in TABLES:
        if row := first_row(ledger, select(table).where(table.c.message_id == message_id)):
            return table, row
    raise NotPossibleError(f"no message {message_id}. Whose: usage. Next: jifen outbox list")


def attempts_of(ledger: Engine, message_id: str) -> list[Row]:
    """Every attempt to send a message, oldest first."""
    of_it = message_attempts.c.message_id == message_id
    return rows(ledger, select(message_attempts).where(of_it).order_by(message_attempts.c.number))


def acts_of(ledger: Engine, message_id: str) -> list[Row]:
    """What people did to a message, oldest first."""
    kept = rows(ledger, select(journal_table).where(journal_table.c.kind == _ACT).order_by(journal_table.c.sequence))
    acts = [{"at": row["at"], **json.loads(row["content"])} for row in kept]
    return [act for act in acts if act["message_id"] == message_id]


def replay(ledger: Engine, message_ids: Sequence[str], recipient: str | None, why: str | None, who: str) -> None:
    """Make messages due at once, with the whole schedule of attempts before them, and open their channels again.

    The channel of `recipient` is opened also where no message goes to it. Raises `NotPossibleError` for a sent message.
    """
    found = [message_row(ledger, message_id) for message_id in message_ids]
    if arrived := [row["message_id"] for _, row in found if row["state"] == SENT]:
        raise NotPossibleError(f"{', '.join(arrived)} arrived, and is not sent again. Whose: usage.")
    anew = {"state": PENDING, "attempts": 0, "next_try_at": None, "last_error": None}
    opened = {"disabled_at": None, "disabled_why": None, "not_before": None}
    with ledger.begin() as connection:
        for name in {*(row["recipient"] for _, row in found), *([recipient] if recipient else [])}:
            _set_channel(connection, name, **opened)
        for table, row in found:
            _act(connection, table, row, "replayed", why, who, **anew)


def discard(ledger: Engine, message_id: str, why: str, who: str) -> None:
    """Give a message up for good. Raises `NotPossibleError` for one that arrived or was given up already."""
    table, row = message_row(ledger, message_id)
    if row["state"] not in (PENDING, DEAD):
        raise NotPossibleError(f"{message_id} is {row['state']}: there is nothing to give up. Whose: usage.")
    with ledger.begin() as connection:
        # A process that is sending it loses its claim: afterwards only `sent` changes the message (`record`).
        _act(connection, table, row, DISCARDED, why, who, state=DISCARDED, **_FREED)


def _act(connection: Connection, table: Table, row: Row, act: str, why: str | None, who: str, **values: Any) -> None:
    one = (table.c.message_id == row["message_id"], table.c.state == row["state"])
    if connection.execute(update(table).where(*one).values(**values)).rowcount == 0:
        raise NotPossibleError(f"{row['message_id']} is not {row['state']} any more. Next: jifen outbox show")
    entry = {"message_id": row["message_id"], "recipient": row["recipient"], "act": act, "why": why, "decided_by": who}
    journal.append(connection, _ACT, entry)


def record_relay_heartbeat(ledger: Engine) -> None:
    """Record that the relay of this host is at work."""
    values = {"process": process_of(os.getpid()), "seen_at": now()}
    one = relays.c.host == this_host()
    try:
        with ledger.begin() as connection:
            if connection.execute(update(relays).where(one).values(**values)).rowcount == 0:
                connection.execute(insert(relays).values(host=this_host(), started_at=now(), **values))
    except IntegrityError:
        write(ledger, update(relays).where(one).values(**values))


def relay_ended(ledger: Engine) -> None:
    """Record that this relay ended in order; the row of another process of this host is left as it is."""
    write(ledger, delete(relays).where(relays.c.host == this_host(), relays.c.process == process_of(os.getpid())))


def relay_rows(ledger: Engine) -> list[Row]:
    """The relays at work, or that died at work."""
    return rows(ledger, select(relays).order_by(desc(relays.c.seen_at)))
