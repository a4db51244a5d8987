"""Runs of the night: one at a time, each with its outcome."""

import fcntl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine, desc, insert, select, update

from ledger.store import Row, now, rows, write
from ledger.tables import runs

_LOCK_SECONDS = 0.5
"""How long a run waits for the lock: whoever only looks at it holds it for an instant."""


class RunLockedError(RuntimeError):
    """Another run is at work in the same data folder."""


@contextmanager
def exclusive_run(data_dir: Path) -> Iterator[None]:
    """Hold the one lock of a data folder for as long as a run works; the system frees it when the process dies."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "run.lock"
    with path.open("a") as handle:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _taken(handle, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise RunLockedError(
                    f"another run holds {path}. Whose: transient. Wait for it (`jifen status`), then run again."
                )
            time.sleep(_LOCK_SECONDS / 10)
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
    """Open a run row. A row still `running` belongs to a process that died, since runs exclude each other: close it."""
    run_id, day = f"{as_of.isoformat()}-{uuid.uuid4().hex[:8]}", as_of.isoformat()
    report = {"error": "the process died before it could say how it ended"}
    died = update(runs).where(runs.c.state == "running").values(state="failed", ended_at=now(), report=report)
    new = insert(runs).values(run_id=run_id, as_of=day, driver=driver, state="running", started_at=now())
    write(ledger, died, new)
    return run_id


def end_run(ledger: Engine, run_id: str, state: str, edition_id: str | None, report: dict[str, Any]) -> None:
    """Close a run with its state, the edition it leaves current, and its report."""
    ended = {"state": state, "ended_at": now(), "edition_id": edition_id, "report": report}
    write(ledger, update(runs).where(runs.c.run_id == run_id).values(**ended))


def latest_runs(ledger: Engine, limit: int = 1) -> list[Row]:
    """The newest runs, newest first."""
    return rows(ledger, select(runs).order_by(desc(runs.c.started_at)).limit(limit))


def runs_of(ledger: Engine, as_of: date) -> list[Row]:
    """The runs of one business date, oldest first."""
    query = select(runs).where(runs.c.as_of == as_of.isoformat()).order_by(runs.c.started_at)
    return rows(ledger, query)
