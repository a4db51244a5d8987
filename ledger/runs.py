"""Runs of the night: one at a time, each with its outcome."""

import fcntl
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine, desc, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from ledger.files import FOLDER_MODE, private
from ledger.report import Report, report_of
from ledger.store import Row, first_row, next_number, now, rows, write
from ledger.tables import runs

log = logging.getLogger("jifen")

_LOCK_SECONDS = 0.5
"""How long a run waits for the lock: a process that only tests it holds it for an instant."""
_RELAY = "relay"
_RELAY_LOCK_SECONDS = 600.0
"""How long it waits for a relay, which holds the lock while it sends one package."""

HEARTBEAT_SECONDS = 30.0
"""How often a run records its heartbeat, `runs.seen_at`."""
SILENT_SECONDS = 600.0
"""A run of another host counts as dead after so long without a heartbeat: twenty of ours, three of Prefect's."""
DIED = "the process died before it could say how it ended"


class RunLockedError(RuntimeError):
    """Another run is at work in the same data folder."""


@contextmanager
def exclusive_run(data_dir: Path, *, is_relay: bool = False) -> Iterator[None]:
    """Hold the one lock of a data folder for as long as a run works; the system frees it when the process dies.

    A relay marks the lock file as its own, and others wait for it: no night fails because a package is sent again.
    Files that are made while the lock is held are readable by their owner alone.
    """
    data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    path = data_dir / "run.lock"
    with private(), path.open("a") as handle:
        # The wait that is left for a relay, and for any other holder: one may follow the other.
        left = {True: _RELAY_LOCK_SECONDS, False: _LOCK_SECONDS}
        while not _taken(handle, fcntl.LOCK_EX):
            for_relay = not is_relay and path.read_text(encoding="utf-8") == _RELAY
            if left[for_relay] <= 0:
                raise RunLockedError(
                    f"another run holds {path}. Whose: transient. Wait for it (`jifen status`), then run again."
                )
            if for_relay and left[for_relay] == _RELAY_LOCK_SECONDS:
                log.info("waiting for the relay, which is sending to a recipient")
            time.sleep(_LOCK_SECONDS / 10)
            left[for_relay] -= _LOCK_SECONDS / 10
        handle.truncate(0)
        if is_relay:
            handle.write(_RELAY)
            handle.flush()
        yield


def is_at_work(data_dir: Path) -> bool:
    """Whether a run holds the lock of a data folder at this moment."""
    path = data_dir / "run.lock"
    if not path.exists():
        return False
    with path.open() as handle:
        return not _taken(handle, fcntl.LOCK_SH)


def _taken(handle: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def start_run(ledger: Engine, as_of: date, driver: str) -> str:
    """Open a run row, and close as failed the rows of runs whose process died.

    A run of this host is alive while its process is, one of another host while its heartbeat is recent. Raises
    `RunLockedError` where one is alive: two hosts whose locks do not see each other share the ledger.
    """
    run_id, day = f"{as_of.isoformat()}-{uuid.uuid4().hex[:8]}", as_of.isoformat()
    here = {"host": this_host(), "process": process_of(os.getpid()), "seen_at": now()}
    with ledger.begin() as connection:
        for row in connection.execute(select(runs).where(runs.c.state == "running")).mappings().all():
            if is_alive(dict(row)):
                raise RunLockedError(
                    f"run {row['run_id']} is at work on {row['host']}, last seen at {row['seen_at']}. "
                    "Whose: transient. Wait for it (`jifen status`), then run again."
                )
            died = {"state": "failed", "ended_at": now(), "report": _report_of_dead(row)}
            connection.execute(update(runs).where(runs.c.run_id == row["run_id"]).values(**died))
        new = {"run_id": run_id, "run_no": next_number(connection, runs.c.run_no), "as_of": day, "driver": driver}
        connection.execute(insert(runs).values(**new, **here, state="running", started_at=now()))
    return run_id


def _report_of_dead(row: Mapping[Any, Any]) -> Report:
    """The report that a dead run had stored, with the error that it died."""
    report = report_of(row).copy()
    report["error"] = DIED
    return report


def is_alive(row: Mapping[str, Any]) -> bool:
    """Whether a run is at work: its process is alive on this host, or its heartbeat from another host is recent."""
    if row["host"] is None or row["process"] is None:
        return False
    if row["host"] == this_host():
        number = str(row["process"]).partition("@")[0]
        return row["process"] == process_of(int(number)) and int(number) != os.getpid()
    silence = datetime.now(UTC) - datetime.fromisoformat(row["seen_at"])
    # A heartbeat far ahead of now was written before the clock was put back.
    return abs(silence) < timedelta(seconds=SILENT_SECONDS)


def is_running(row: Mapping[str, Any], data_dir: Path) -> bool:
    """Whether a run in state `running` is at work. The lock alone does not tell: a backup or a pull may hold it."""
    if row["host"] not in (None, this_host()):
        return is_alive(row)
    process: str | None = row["process"]
    lives = process is None or process == process_of(int(process.partition("@")[0]))
    return lives and is_at_work(data_dir)


def this_host() -> str:
    """The name by which the ledger knows this machine."""
    return socket.gethostname()


def process_of(number: int) -> str | None:
    """A process by its number and start time, since numbers are used again; None where there is none."""
    try:
        began = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None
    return f"{number}@{began}"


@contextmanager
def heartbeat(ledger: Engine, run_id: str) -> Iterator[None]:
    """Record a run's heartbeat while it is at work, for hosts that cannot see its process."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            # The run itself reports a ledger that cannot be reached.
            with suppress(SQLAlchemyError):
                write(ledger, update(runs).where(runs.c.run_id == run_id).values(seen_at=now()))

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def keep_report(ledger: Engine, run_id: str, report: Report) -> None:
    """Store the report of a run at work so far."""
    # The run itself reports a ledger that cannot be reached.
    with suppress(SQLAlchemyError):
        write(ledger, update(runs).where(runs.c.run_id == run_id).values(report=report))


def end_run(ledger: Engine, run_id: str, state: str, edition_id: str | None, report: Report) -> None:
    """Close a run with its state, the edition it leaves current, and its report."""
    ended = {"state": state, "ended_at": now(), "edition_id": edition_id, "report": report}
    write(ledger, update(runs).where(runs.c.run_id == run_id).values(**ended))


def latest_runs(
    ledger: Engine, limit: int = 1, states: Collection[str] = (), parts: Collection[str] | None = None
) -> list[Row]:
    """The newest runs, newest first; only of these `states` if any are given; of the report only these `parts`."""
    among = [runs.c.state.in_(states)] if states else []
    whole: list[Any] = [one for one in runs.c if one is not runs.c.report]
    taken: list[Any] = (
        [runs.c.report] if parts is None else [runs.c.report[part].label(f"report.{part}") for part in parts]
    )
    query = select(*whole, *taken).where(*among).order_by(desc(runs.c.run_no)).limit(limit)
    found = rows(ledger, query)
    for run in found if parts is not None else ():
        shown = {part: run.pop(f"report.{part}") for part in parts or ()}
        run["report"] = {part: value for part, value in shown.items() if value is not None}
    return found


def runs_as_they_stand(
    ledger: Engine, data_dir: Path, limit: int, state: str | None = None, parts: Collection[str] | None = None
) -> list[Row]:
    """The newest runs, newest first; one whose process is gone is `failed`, whatever state its row has."""
    newest = latest_runs(ledger, parts=())
    is_at_its_work = newest and newest[0]["state"] == "running" and is_running(newest[0], data_dir)
    at_work = newest[0]["run_id"] if is_at_its_work else None
    found = latest_runs(ledger, limit, {state, "running"} if state else (), parts)
    for run in found:
        if run["state"] == "running" and run["run_id"] != at_work:
            run |= {"state": "failed", "report": _report_of_dead(run)}
    return [run for run in found if state in (None, run["state"])]


def run_row(ledger: Engine, run_id: str) -> Row | None:
    """One run's row, or None."""
    return first_row(ledger, select(runs).where(runs.c.run_id == run_id))


def runs_of(ledger: Engine, as_of: date) -> list[Row]:
    """The runs of one business date, oldest first."""
    query = select(runs).where(runs.c.as_of == as_of.isoformat()).order_by(runs.c.run_no)
    return rows(ledger, query)
