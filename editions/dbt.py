"""dbt in a process of its own, from the side that starts it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO, Self

_PROCESS = (sys.executable, "-P", "-m", "editions.dbt_process")
# What dbt gets of our environment: enough to run, and none of the agencies' secrets.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT")
_FIXED = {"DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "PYTHONUTF8": "1"}


class Dbt:
    """One run of dbt, in a process that ends with this one: an in-process run would keep the DuckDB file locked.

    Importing dbt takes more than a second. A night that landed something calls `start` while it still pulls; the
    process then waits for `run`, which starts one where there is none. Both may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        # With the process the pipe that its orders go through. It closes when this process ends, however it ends.
        self._started: tuple[subprocess.Popen[bytes], IO[bytes]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End a process that nothing was asked of."""
        self._end()

    def start(self) -> None:
        """Start the process, unless it was started. What keeps it from starting is raised by `run`, which needs it."""
        with self._lock, suppress(OSError):
            self._started = self._started or _start(subprocess.DEVNULL)

    def run(self, arguments: Sequence[str], environment: dict[str, str], folder: Path, log: Path) -> int:
        """Run dbt's command line in a folder, with these variables besides; its output goes to `log`. The exit code."""
        order = {"arguments": list(arguments), "environment": environment, "folder": str(folder), "log": str(log)}
        with log.open("wb") as output:
            # One that was killed while it waited is replaced.
            if self._started is not None and self._started[0].poll() is not None:
                self._end()
            with self._lock:
                process, orders = self._started = self._started or _start(output)
            try:
                with suppress(BrokenPipeError):
                    orders.write(json.dumps(order).encode() + b"\n")
                return process.wait()
            finally:
                self._end()

    def _end(self) -> None:
        with self._lock:
            started, self._started = self._started, None
        if started is not None:
            process, orders = started
            process.kill()
            process.wait()
            orders.close()


def _start(output: int | IO[bytes]) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    watched, held = os.pipe()
    orders = os.fdopen(held, "wb", buffering=0)
    try:
        process = subprocess.Popen(
            [*_PROCESS, str(watched)],
            env={**{name: os.environ[name] for name in _PASSED_ON if name in os.environ}, **_FIXED},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(watched,),
        )
    except BaseException:
        orders.close()
        raise
    finally:
        os.close(watched)
    return process, orders
