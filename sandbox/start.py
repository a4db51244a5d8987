"""Start the sandbox as a child process, wait until all of it listens, and stop it again."""

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Final

_LOG: Final = "sandbox.log"
_READY: Final = "ready.json"
_STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.02
_TAIL_LINES: Final = 30


class SandboxStartError(RuntimeError):
    """The sandbox's process ended, or did not come up in time; the message ends with what it said last."""


@dataclass
class Sandbox:
    """A running sandbox: the variables that lead to its servers, its business date and its state folder."""

    population: str
    state: Path
    as_of: date
    env: dict[str, str]
    process: subprocess.Popen[bytes] = field(repr=False)

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

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _tail(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return "\n".join(lines[-_TAIL_LINES:])


def _command(population: str, state: Path, data: Path | None, science_url: str | None) -> list[str]:
    command = [sys.executable, "-m", "sandbox.serve", "--population", population, "--state", str(state)]
    if data is not None:
        command += ["--data", str(data)]
    if science_url is not None:
        command += ["--science-url", science_url]
    return [*command, "--parent", str(os.getpid())]


def _wait_until_ready(sandbox: Sandbox, limit_seconds: float) -> None:
    deadline = time.monotonic() + limit_seconds
    process, log = sandbox.process, sandbox.state / _LOG
    while not (sandbox.state / _READY).exists():
        if process.poll() is not None:
            raise SandboxStartError(f"sandbox ended with code {process.returncode} before it was ready:\n{_tail(log)}")
        if time.monotonic() > deadline:
            raise SandboxStartError(f"sandbox not ready after {limit_seconds:g} s:\n{_tail(log)}")
        time.sleep(_POLL_SECONDS)


def start(
    population: str,
    state: Path,
    data: Path | None = None,
    science_url: str | None = None,
    *,
    limit_seconds: float = 60.0,
) -> Sandbox:
    """Start a population's servers on free ports of 127.0.0.1 and return when all listen.

    `data` is the folder of the real data (needed for "listed"); `science_url` a database to drop and fill in place of
    the SQLite file. The child's log is `sandbox.log` in the state folder. Raises `SandboxStartError`.
    """
    state = state.absolute()
    state.mkdir(parents=True, exist_ok=True)
    (state / _READY).unlink(missing_ok=True)
    roots = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(root for root in roots if root)}
    with (state / _LOG).open("ab") as log:
        process = subprocess.Popen(
            _command(population, state, data and data.absolute(), science_url),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
        )
    sandbox = Sandbox(population, state, date.min, {}, process)
    try:
        _wait_until_ready(sandbox, limit_seconds)
        ready = json.loads((state / _READY).read_text(encoding="utf-8"))
    except BaseException:
        sandbox.stop()
        raise
    sandbox.as_of, sandbox.env = date.fromisoformat(ready["as_of"]), ready["env"]
    return sandbox
