"""Start a stand-in as a child process, wait until all of it listens, set its faults, read its truth, and stop it."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import yaml

from sandbox.standin.changes import CHANGES
from sandbox.standin.faults import PLAN, parse_plan
from sandbox.standin.journal import LOG as ACCESS
from sandbox.standin.rows import LAST_DAY
from sandbox.standin.truth import read_truth
from sandbox.standin.world import APPLIED, CHANGE_LOG

SAMPLES: Final = Path(__file__).absolute().parents[1] / "samples"
AS_OF: Final = LAST_DAY + timedelta(days=1)
_LOG: Final = "standin.log"
_READY: Final = "ready.json"
_STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.005
_TAIL_LINES: Final = 30


class StandInError(RuntimeError):
    """The stand-in's process ended, did not come up, or did not take up what it was told; says what it said last."""


@dataclass
class StandIn:
    """Running agencies: the variables that lead to them, what they hold, and what they were asked.

    `as_of` is the business date of their records: the newest is of the day before.
    """

    sources: Path
    state: Path
    process: subprocess.Popen[bytes] = field(repr=False)
    env: dict[str, str] = field(default_factory=dict)
    as_of: date = AS_OF
    _plans: int = 0
    _changes: int = 0
    _read_from: int = 0

    def truth(self, source: str, dataset: str) -> list[dict[str, Any]]:
        """The rows that must land, typed, by column name, tombstones among them; they follow changes and faults.

        A fault that spoils single records leaves them in here: each must then be refused with a reason.
        """
        return read_truth(self.state / "truth" / source / f"{dataset}.jsonl")

    def set_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Put another plan in force, counters at nought; an empty one is a healthy day. Raises `PlanError`."""
        plan = [dict(fault) for fault in faults]
        parse_plan(plan)
        self._plans += 1
        text = f"# plan {os.getpid()}.{self._plans}\n{yaml.safe_dump(plan, allow_unicode=True)}".encode()
        fresh = self.state / f"{PLAN}.new"
        fresh.write_bytes(text)
        fresh.replace(self.state / PLAN)
        digest = hashlib.sha256(text).hexdigest()
        self._wait(lambda told: told.get("faults") == digest, "the fault plan")

    def change(self, source: str, dataset: str, what: str) -> None:
        """Let an agency add, correct or delete one record; the truth follows."""
        if what not in CHANGES:
            raise ValueError(f"no change {what!r}: there are {', '.join(CHANGES)}")
        with (self.state / CHANGE_LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"source": source, "dataset": dataset, "what": what}) + "\n")
        self._changes += 1
        self._wait(lambda told: told.get("changes", 0) >= self._changes, "the change")

    def requests(self) -> list[dict[str, Any]]:
        """The access log since the start or the last clearing, in order. A folder and a database leave no log."""
        with (self.state / ACCESS).open("rb") as file:
            file.seek(self._read_from)
            return [json.loads(line) for line in file.read().split(b"\n") if line]

    def clear_requests(self) -> None:
        """Forget what was asked so far."""
        self._read_from = (self.state / ACCESS).stat().st_size

    def stop(self) -> None:
        """Stop the process and wait for its end: by SIGTERM, after ten seconds by SIGKILL. May be called twice."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(FileNotFoundError):
            (self.state / _READY).unlink()

    def __enter__(self) -> "StandIn":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait(self, is_done: Callable[[dict[str, Any]], bool], what: str, limit_seconds: float = 60.0) -> None:
        deadline = time.monotonic() + limit_seconds
        while True:
            told = json.loads((self.state / APPLIED).read_text(encoding="utf-8"))
            if is_done(told):
                if told.get("error"):
                    raise StandInError(f"{what} was not taken up: {told['error']}")
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise StandInError(f"{what} was not taken up:\n{_tail(self.state / _LOG)}")
            time.sleep(_POLL_SECONDS)


def start_standin(
    sources: Path,
    state: Path,
    *,
    rows: int = 57,
    seed: int = 7,
    faults: Sequence[Mapping[str, Any]] | None = None,
    latency_ms: float = 0,
    limit_seconds: float = 60.0,
) -> StandIn:
    """Serve every source file of a folder on free ports of 127.0.0.1 and return when all listen.

    `rows` is how many records a dataset holds, unless its floor or ceiling says otherwise. The child's log is
    `standin.log` in the state folder. Raises `StandInError`.
    """
    state = state.absolute()
    state.mkdir(parents=True, exist_ok=True)
    for old in (_READY, CHANGE_LOG, PLAN, ACCESS):
        (state / old).unlink(missing_ok=True)
    if faults is not None:
        (state / PLAN).write_text(yaml.safe_dump([dict(fault) for fault in faults], allow_unicode=True), "utf-8")
    options = {"sources": sources.absolute(), "state": state, "rows": rows, "seed": seed, "latency-ms": latency_ms}
    process = _spawn({**options, "parent": os.getpid()}, state / _LOG)
    agency = StandIn(sources, state, process)
    try:
        _wait_until_ready(agency, limit_seconds)
        agency.env = json.loads((state / _READY).read_text(encoding="utf-8"))["env"]
    except BaseException:
        agency.stop()
        raise
    return agency


def _spawn(options: Mapping[str, Any], log_path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sandbox.standin.serve"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    roots = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(root for root in roots if root)}
    with log_path.open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)


def _wait_until_ready(agency: StandIn, limit_seconds: float) -> None:
    deadline = time.monotonic() + limit_seconds
    process, log = agency.process, agency.state / _LOG
    while not (agency.state / _READY).exists():
        if process.poll() is not None:
            raise StandInError(f"the stand-in ended with code {process.returncode} before it was ready:\n{_tail(log)}")
        if time.monotonic() > deadline:
            raise StandInError(f"the stand-in is not ready after {limit_seconds:g} s:\n{_tail(log)}")
        time.sleep(_POLL_SECONDS)


def _tail(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return "\n".join(lines[-_TAIL_LINES:])
