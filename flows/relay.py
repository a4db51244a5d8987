"""Sending messages to channels: one attempt at a time, by a schedule, until one arrived or is a dead letter.

The relay is the service that does so between the nights; it tries packages and return files again, too.
"""

import logging
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Table

from connectors.errors import ConfigError, GoneError, LineDeadError
from connectors.sink_files import NoticeSink, night_channels
from flows.between_nights import EVERY_SECONDS, send_again
from flows.deliver import error_text, no_sink_file
from flows.events import Event, messages_to_each
from flows.night import Night
from ledger.outbox import (
    DEAD,
    PENDING,
    SENT,
    TABLES,
    Limits,
    claim,
    close_channel,
    lies_ahead,
    next_moment,
    record,
    record_relay_heartbeat,
    relay_ended,
    release,
    text_of,
    waiting,
    why_closed,
)
from ledger.publications import pending, queue_alerts
from ledger.settings import MissingVariableError
from ledger.store import Row
from ledger.tables import outbox

log = logging.getLogger("jifen")

WAITS_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""How long after the first attempt, the second, … the next one follows: 5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 h."""
JITTER = 0.1
"""A wait is longer by up to this part of it, at random: messages that failed together are not tried together."""
POLL_SECONDS = 5.0
PATIENCE_SECONDS = 130.0
"""For how long a night waits for what is due soon: a bot's limits last a minute, two around a half hour."""
ROUNDS = 8
"""So often at most, for a night does not wait for all that a bot lets through a few at a time."""
_SHORTEST_PAUSE_SECONDS = 0.2
_LEASE_MARGIN_SECONDS = 60.0
_random = random.SystemRandom()

Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


def notify_pending(night: Night, table: Table = outbox, clock: Clock = _now) -> list[dict[str, Any]]:
    """Try every pending message of `outbox` or `alerts` once, oldest first, then whatever is due within two minutes.

    A message is tried although it is not due yet; that changes nothing in its schedule. A channel that is disabled, or
    has asked for a pause, is skipped. Answers one line for each message, sent or not.
    """
    owed = pending(night.ledger, table)
    errors: dict[str, Exception | None] = {}
    unanswered: Counter[str] = Counter()
    for number in range(ROUNDS):
        if number:
            pause = _pause(night, table, clock())
            if pause is None or pause > PATIENCE_SECONDS:
                break
            time.sleep(pause)
        given_up = {name for name, count in unanswered.items() if count > 1}
        for message_id, error in try_messages(night, table, clock, early=number == 0, leave_out=given_up):
            errors[message_id] = error
            unanswered.update([error.where] if isinstance(error, LineDeadError) else [])
    closed, left = why_closed(night.ledger, clock()), {row["message_id"]: row for row in pending(night.ledger, table)}
    lines = []
    for row in owed:
        line = {"recipient": row["recipient"], "message_id": row["message_id"], "state": SENT}
        error = errors.get(row["message_id"])
        if row["message_id"] in left:
            reason = error_text(error) if error else left[row["message_id"]]["last_error"]
            line |= {"state": PENDING, "error": reason or closed.get(row["recipient"]) or "not tried yet."}
        elif error is not None:
            line |= {"state": DEAD, "error": error_text(error)}
        lines.append(line)
    return lines


def _pause(night: Night, table: Table, at: datetime) -> float | None:
    """Seconds until something may be sent; None where nothing may before a person acts."""
    moment = next_moment(night.ledger, table, at)
    return None if moment is None else max(0.0, (moment - at).total_seconds())


def try_messages(
    night: Night, table: Table, clock: Clock = _now, *, early: bool = False, leave_out: Collection[str] = ()
) -> Iterator[tuple[str, Exception | None]]:
    """Try what is due in a table, oldest first; each id with why it did not arrive, None where it did.

    A channel that does not answer is not tried again in this round: each message would take the whole of its time.
    """
    away = set(leave_out)
    for message_id, recipient in waiting(night.ledger, table, clock(), early=early):
        if recipient in away:
            continue
        seconds = night.settings.retry_seconds + _LEASE_MARGIN_SECONDS
        limits = _limits(night, recipient)
        row = claim(night.ledger, table, message_id, clock(), seconds, early=early, limits=limits)
        if row is None:
            continue
        error = _attempt(night, table, row, clock)
        if isinstance(error, (LineDeadError, GoneError)) or getattr(error, "retry_after", None):
            away.add(recipient)
        yield message_id, error


def _attempt(night: Night, table: Table, row: Row, clock: Clock) -> Exception | None:
    try:
        _push(night, row)
    except Exception as error:  # noqa: BLE001 - one channel's fault does not stop the others
        log.warning("%s: %s is not delivered yet", row["recipient"], row["message_id"])
        _failed(night, table, row, error, clock())
        return error
    except BaseException:
        release(night.ledger, table, row)
        raise
    sent_at = text_of(clock())
    values = {"state": SENT, "sent_at": sent_at, "last_error": None, "attempts": row["attempts"] + 1}
    record(night.ledger, table, row, SENT, **values)
    log.info("%s: %s sent", row["recipient"], row["message_id"])
    return None


def _sink(night: Night, recipient: str) -> NoticeSink | None:
    return next((one for one in night.sinks if isinstance(one, NoticeSink) and one.name == recipient), None)


def _limits(night: Night, recipient: str) -> Limits | None:
    sink = _sink(night, recipient)
    if sink is None or sink.driver in ("webhook", "mail"):
        return None
    from connectors.drivers.bots import bots

    return bots()[sink.driver].limits


def _push(night: Night, row: Row) -> None:
    recipient, sink = row["recipient"], _sink(night, row["recipient"])
    if sink is None:
        raise no_sink_file(recipient, row["message_id"], f"outbox discard {row['message_id']}")
    from connectors.drivers import bots, mail, webhook
    from connectors.drivers.addresses import CheckedAdapter

    body = row["event"].encode()
    if sink.driver == "mail":
        mail.push(sink, body, night.settings)
        return
    with closing(CheckedAdapter(night.settings, recipient)) as adapter:
        (webhook if sink.driver == "webhook" else bots).push(sink, body, night.settings, adapter)


def _failed(night: Night, table: Table, row: Row, error: Exception, at: datetime) -> None:
    """Write down a failed attempt and when the next one is; after the last, or where a channel is gone, it is dead."""
    reason = error_text(error)[:2000]
    asked = getattr(error, "retry_after", None) or (WAITS_SECONDS[0] if isinstance(error, LineDeadError) else 0)
    if asked:
        close_channel(night.ledger, row["recipient"], not_before=text_of(at + timedelta(seconds=asked)))
    is_gone = isinstance(error, GoneError)
    if is_gone:
        close_channel(night.ledger, row["recipient"], disabled_at=text_of(at), disabled_why=reason)
    if not is_gone and lies_ahead(row["next_try_at"], at):
        record(night.ledger, table, row, reason, last_error=reason)
        return
    if isinstance(error, (ConfigError, MissingVariableError)):
        # A fault on our side: nothing was sent, so it counts as no attempt.
        later = text_of(at + timedelta(seconds=WAITS_SECONDS[1]))
        record(night.ledger, table, row, reason, last_error=reason, next_try_at=later)
        return
    values: dict[str, Any] = {"attempts": row["attempts"] + 1, "last_error": reason}
    if is_gone or row["attempts"] >= len(WAITS_SECONDS):
        record(night.ledger, table, row, reason, state=DEAD, **values)
        _alert_of_dead(night, row, reason, is_gone=is_gone)
        return
    wait = max(asked, WAITS_SECONDS[row["attempts"]] * (1 + _random.uniform(0, JITTER)))
    record(night.ledger, table, row, reason, next_try_at=text_of(at + timedelta(seconds=wait)), **values)


def _alert_of_dead(night: Night, row: Row, why: str, *, is_gone: bool) -> None:
    """Alert operators of a dead letter, by a channel other than the one that did not take it."""
    data = {
        "message_id": row["message_id"],
        "recipient": row["recipient"],
        "attempts": row["attempts"] + 1,
        "is_disabled": is_gone,
        "message": why,
        "next": f"jifen outbox show {row['message_id']}, then jifen outbox replay or discard",
    }
    to = [sink for sink in night_channels(night.sinks, os.environ) if sink.name != row["recipient"]]
    # The number: a message that was replayed and died again is reported again.
    event_id, events = f"{row['message_id']}.dead.{row['number']}", [Event("message_dead", row["message_id"], data)]
    queue_alerts(night.ledger, None, messages_to_each(to, event_id, events))


def relay(night: Night, *, once: bool, early: bool = False) -> Iterator[tuple[str, str | None]]:
    """Send what is due, once or for ever: messages of both tables, and now and then packages and return files.

    Answers each attempt as it ends, with why it failed or None.
    """
    # One round is not the service: it writes no heartbeat.
    heartbeat: Callable[[], None] = (lambda: None) if once else partial(record_relay_heartbeat, night.ledger)
    again_at = time.monotonic()
    try:
        while True:
            heartbeat()
            yield from _messages(night, early=early, heartbeat=heartbeat)
            if time.monotonic() >= again_at:
                for turn in send_again(night):
                    yield from turn
                    heartbeat()
                    # A bank that does not answer delays no message.
                    yield from _messages(night, early=False, heartbeat=heartbeat)
                again_at = time.monotonic() + EVERY_SECONDS
            if once:
                return
            pauses = [pause for table in TABLES if (pause := _pause(night, table, _now())) is not None]
            time.sleep(max(_SHORTEST_PAUSE_SECONDS, min([POLL_SECONDS, *pauses])))
    finally:
        if not once:
            relay_ended(night.ledger)


def _messages(night: Night, *, early: bool, heartbeat: Callable[[], None]) -> Iterator[tuple[str, str | None]]:
    for table in TABLES:
        for number, (message_id, error) in enumerate(try_messages(night, table, early=early)):
            yield message_id, error_text(error) if error else None
            # A long list may take longer than a relay may be silent (cli.status.RELAY_SILENT_HOURS).
            if number % 100 == 99:
                heartbeat()
