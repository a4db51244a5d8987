"""What a long-lived service does between the nights: it reads answers, and tries again what did not arrive.

A night queues packages and return files and tries each; one whose recipient was away would wait for the next night.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table

from connectors.drivers.retry import budget
from connectors.sink_files import ExtractSink, read_sinks
from flows.acks import collect_acks
from flows.deliver import deliver_pending, error_text
from flows.night import Night
from flows.returns import send_returns
from ledger.deliveries import RECALL, awaited
from ledger.publications import pending
from ledger.runs import RunLockedError, exclusive_run, is_alive, latest_runs
from ledger.store import Row
from ledger.tables import deliveries, returns

EVERY_SECONDS = 900.0
"""How long after one round the next one begins."""
PAUSE_SECONDS = 1.0
"""Between two turns: a night that waits for the lock of the data folder takes it then."""
TURN_SECONDS = 300.0
"""What one turn may wait for others: half of what a night waits for the lock."""

Lines = list[dict[str, Any]]


def send_again(night: Night) -> Iterator[list[tuple[str, str | None]]]:
    """Read what recipients answered and try once what is pending; of each turn what was tried and why it failed.

    A turn is one recipient's answers, one package or one return file; a file takes the lock of the data folder. A row
    that fails keeps back its recipient's later ones. Sink files are read anew in each round.
    """
    try:
        night = replace(night, sinks=tuple(read_sinks()))
        # Answers first: a package that was rejected is a gap of the one composed now.
        for sink in night.sinks:
            if isinstance(sink, ExtractSink) and sink.acknowledged is not None and awaited(night.ledger, sink.name):
                lines = collect_acks(replace(night, sinks=(sink,)))
                yield [(f"answers of {sink.name}", line["error"]) for line in lines if "error" in line]
        for table, key, send in ((deliveries, "delivery_id", deliver_pending), (returns, "return_id", send_returns)):
            yield from _each(night, table, key, send)
    except Exception as error:  # noqa: BLE001 - a sink file that cannot be read stops no relay
        yield [("packages", error_text(error))]


def _each(night: Night, table: Table, key: str, send: Callable[..., Lines]) -> Iterator[list[tuple[str, str | None]]]:
    away: set[str] = set()
    for row in pending(night.ledger, table):
        if row["recipient"] not in away:
            yield (found := _turn(night, key, row[key], send))
            away |= {row["recipient"] for _, error in found if error}


def _turn(night: Night, key: str, wanted: str, send: Callable[..., Lines]) -> list[tuple[str, str | None]]:
    """Send one row under the lock; where another process has it, the row is tried in the next round.

    Nothing is queued: only a night makes the package of a day, by the consents that it read.
    """
    try:
        with exclusive_run(night.settings.data_dir, is_relay=True), budget(TURN_SECONDS):
            newest = next(iter(latest_runs(night.ledger, parts=())), None)
            if newest and newest["state"] == "running" and is_alive(newest):
                raise RunLockedError(f"run {newest['run_id']} is at work on {newest['host']}.")
            at = datetime.now(night.settings.zone)
            lines = send(night, lambda row: row[key] == wanted and may_go(row, newest, at))
    except RunLockedError as error:
        return [(wanted, str(error))]
    time.sleep(PAUSE_SECONDS)
    return [(wanted, line.get("error")) for line in lines]


def may_go(row: Row, newest: Row | None, at: datetime) -> bool:
    """Whether a row may leave between the nights: recalls and return files always, packages of the newest night alone.

    No package leaves after a night that was stopped, or once no night has read consents since the day before; nor one
    of an edition that people made current since, before a night has compared it with the facts.
    """
    if "kind" not in row or row["kind"] == RECALL:
        return True
    if newest is None or newest["state"] not in ("published", "nothing_new"):
        return False
    began = datetime.fromisoformat(newest["started_at"]).astimezone(at.tzinfo).date()
    return row["edition_id"] == newest["edition_id"] and began >= at.date() - timedelta(days=1)
