"""What a long-lived service does between the nights: it reads answers, and tries again what did not arrive.

A night queues packages and return files and tries each; one whose recipient was away would wait for the next night.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Table

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

Lines = list[dict[str, Any]]


def send_again(night: Night) -> Iterator[list[tuple[str, str | None]]]:
    """Read what recipients answered and try once what is pending; of each turn what was tried, and why it failed.

    A turn is one recipient's answers, one package or one return file, and holds the lock of the data folder. A row that
    fails keeps back its recipient's later ones. The files of recipients are read anew in each round.
    """
    try:
        night = replace(night, as_of=datetime.now(night.settings.zone).date(), sinks=tuple(read_sinks()))
        # Answers first: what was rejected is a gap of what is composed now.
        for sink in night.sinks:
            if isinstance(sink, ExtractSink) and sink.acknowledged is not None and awaited(night.ledger, sink.name):
                yield _turn(night, f"answers of {sink.name}", partial(_answers, replace(night, sinks=(sink,))))
        for table, key, send in ((deliveries, "delivery_id", _packages), (returns, "return_id", send_returns)):
            yield from _each(night, table, key, send)
    except Exception as error:  # noqa: BLE001 - a sink file that cannot be read stops no relay
        yield [("packages", error_text(error))]


def _each(night: Night, table: Table, key: str, send: Callable[..., Lines]) -> Iterator[list[tuple[str, str | None]]]:
    away: set[str] = set()
    for row in pending(night.ledger, table):
        if row["recipient"] in away:
            continue
        found = _turn(night, row[key], partial(send, night, lambda one, is_it=row[key]: one[key] == is_it))
        away |= {row["recipient"] for _, error in found if error}
        yield found


def _turn(night: Night, name: str, act: Callable[[], Lines]) -> list[tuple[str, str | None]]:
    """Hold the lock for one act; a data folder at which somebody else is at work is tried in the next round."""
    try:
        with exclusive_run(night.settings.data_dir, is_relay=True):
            (newest,) = latest_runs(night.ledger, parts=()) or [{"state": None}]
            if newest["state"] == "running" and is_alive(newest):
                raise RunLockedError(f"run {newest['run_id']} is at work on {newest['host']}.")
            found = [(name, line.get("error")) for line in act()]
    except RunLockedError as error:
        return [(name, str(error))]
    time.sleep(PAUSE_SECONDS)
    return found


def _answers(night: Night) -> Lines:
    return [line for line in collect_acks(night) if "error" in line]


def _packages(night: Night, only: Callable[[Row], bool]) -> Lines:
    """Packages after a night that was not stopped, recalls always.

    A bank is promised that none comes while the newest night's checks or consents are in doubt. Nothing is queued: a
    package for each day is the night's to make, with the consents that it read.
    """
    (newest,) = latest_runs(night.ledger, parts=()) or [{"state": None}]
    is_sound = newest["state"] in ("published", "nothing_new")
    return deliver_pending(night, lambda row: only(row) and (is_sound or row["kind"] == RECALL))
