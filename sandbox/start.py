"""Start agencies as a child process, wait until all of them listen, set their faults, read their truth, stop them."""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import yaml

from sandbox.standin.changes import CHANGES
from sandbox.standin.faults import PLAN, parse_plan
from sandbox.standin.journal import LOG as ACCESS
from sandbox.standin.truth import read_truth

SAMPLES: Final = Path(__file__).absolute().with_name("samples")
LOG: Final = "sandbox.log"
READY: Final = "ready.json"
_READY_SECONDS: Final = 600.0
_STOP_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.01
_TAIL_LINES: Final = 30


class SandboxError(RuntimeError):
    """The sandbox's process ended, did not come up, or did not take up a plan; the message ends with its last lines."""


@dataclass
class Sandbox:
    """Running agencies: the variables that lead to them, what they hold, and which requests they got.

    `as_of` is the business date of their records.
    """

    state: Path
    process: subprocess.Popen[bytes] = field(repr=False)
    env: dict[str, str] = field(default_factory=dict)
    as_of: date = date.min
    _read_from: int = 0

    def truth(self, source: str, dataset: str) -> list[dict[str, Any]]:
        """The rows that must land, typed, by column name, tombstones among them; they follow changes and faults.

        A fault that spoils single records leaves them in here: each must then be refused with a reason. Only agencies
        made from their source file alone have such a truth.
        """
        return read_truth(self.state / "truth" / source / f"{dataset}.jsonl")

    def set_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Put another plan in force, its counters at zero; an empty one is a healthy day. Raises `PlanError`."""
        plan = [dict(fault) for fault in faults]
        parse_plan(plan)
        fresh = self.state / f"{PLAN}.new"
        fresh.write_text(yaml.safe_dump(plan, allow_unicode=True), encoding="utf-8")
        fresh.replace(self.state / PLAN)
        self._order({"plan": PLAN})

    def change(self, source: str, dataset: str, what: str) -> None:
        """Let an agency add, correct or delete one record; the truth follows."""
        if what not in CHANGES:
            raise ValueError(f"no change {what!r}: there are {', '.join(CHANGES)}")
        self._order({"change": {"source": source, "dataset": dataset, "what": what}})

    def requests(self) -> list[dict[str, Any]]:
        """The access log since the start or the last clearing, in order. A folder and a database leave no log."""
        with (self.state / ACCESS).open("rb") as file:
            file.seek(self._read_from)
            return [json.loads(line) for line in file.read().split(b"\n") if line]

    def clear_requests(self) -> None:
        """Leave the requests so far out of `requests`."""
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
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        with contextlib.suppress(FileNotFoundError):
            (self.state / READY).unlink()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _order(self, order: Mapping[str, Any]) -> None:
        """Have the process do something, and wait until it is done."""
        orders, answers = self.process.stdin, self.process.stdout
        if orders is None or answers is None:
            raise TypeError("this process takes no orders")
        with contextlib.suppress(BrokenPipeError):
            orders.write(json.dumps(order).encode() + b"\n")
            orders.flush()
        is_answered = select.select([answers], [], [], _ANSWER_SECONDS)[0]
        line = answers.readline() if is_answered else b""
        problem = json.loads(line)["problem"] if line else self.last_lines()
        if problem is not None:
            raise SandboxError(f"the sandbox did not follow {json.dumps(order)}: {problem}")

    def wait_until_ready(self) -> None:
        """Wait until all agencies listen and read their variables; raises `SandboxError`."""
        deadline = time.monotonic() + _READY_SECONDS
        while not (self.state / READY).exists():
            if self.process.poll() is not None:
                code = self.process.returncode
                raise SandboxError(f"the sandbox ended with code {code} before it was ready:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise SandboxError(f"the sandbox is not ready after {_READY_SECONDS:g} s:\n{self.last_lines()}")
            time.sleep(_POLL_SECONDS)
        ready = json.loads((self.state / READY).read_text(encoding="utf-8"))
        self.env, self.as_of = ready["env"], date.fromisoformat(ready["as_of"])

    def last_lines(self) -> str:
        """The last lines of the process's log."""
        lines = (self.state / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])


def start(population: str, state: Path, data: Path | None = None) -> Sandbox:
    """Serve a population (district or listed) on free ports of 127.0.0.1 and return when all agencies listen.

    `data` is the folder of the real data, which "listed" needs. The child's log is `sandbox.log` in the state folder.
    Raises `SandboxError`.
    """
    return _start(state, {"population": population, "data": data and str(data.absolute())})


def start_standin(sources: Path, state: Path, *, seed: int = 7, latency_ms: float = 0) -> Sandbox:
    """Serve every source file of a folder, with records made up from it alone, on free ports of 127.0.0.1.

    Raises `SandboxError`.
    """
    return _start(state, {"sources": str(sources.absolute()), "seed": seed, "latency_ms": latency_ms})


def _start(state: Path, asked: Mapping[str, Any]) -> Sandbox:
    state = state.absolute()
    state.mkdir(parents=True, exist_ok=True)
    (state / READY).unlink(missing_ok=True)
    command = [sys.executable, "-m", "sandbox.serve", json.dumps({**asked, "state": str(state)})]
    roots = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(root for root in roots if root)}
    with (state / LOG).open("ab") as log:
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, env=environment, bufsize=0)
    sandbox = Sandbox(state, process)
    try:
        sandbox.wait_until_ready()
    except BaseException:
        sandbox.stop()
        raise
    return sandbox
