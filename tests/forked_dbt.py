"""dbt's processes as forks of one that has imported it: that takes longer than most of the builds of the tests.

All else is as in the product: one process for each build, with the environment and the pipe that `editions.dbt` gives
it. `tests/unit/test_editions_dbt.py` and each `jifen` that is a process of its own start dbt as the product does.
"""

import multiprocessing
import os
import subprocess
import sys
import time
from multiprocessing import util
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO
from unittest.mock import patch

from editions import dbt, dbt_process
from ledger.settings import PROJECT_DIR

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["dbt.adapters.duckdb", "dbt.cli.main", "dbt.compilation", "dbt.task.build", "sqlparse", "tests.warm_dbt"]
)
# The socket of the fork server stands in this folder. Made here, it is never in a folder for temporary files that a
# test has put in place and then looks into.
util.get_temp_dir()
AS_SHIPPED = dbt._start
"""Starts dbt as the product does."""


class Forked:
    """What `editions.dbt` asks of a `subprocess.Popen`."""

    def __init__(self, process: multiprocessing.Process) -> None:
        self._process, self.pid, self.kill = process, process.pid, process.kill

    @property
    def returncode(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("dbt", timeout or 0)
        return self._process.exitcode


def start(_output: int | IO[bytes]) -> tuple[Forked, IO[bytes]]:
    """In place of `editions.dbt._start`."""
    watched, held = FORKS.Pipe(duplex=False)
    environment = {name: os.environ[name] for name in dbt._PASSED_ON if name in os.environ} | dbt._FIXED
    process = FORKS.Process(target=_carry_out, args=(watched, environment))
    # The fork server and its forks find the modules of `tests`; no fork imports the script that started the tests.
    main = patch.multiple(sys.modules["__main__"], __spec__=None, __file__=None, create=True)
    found = patch.object(sys, "path", [*sys.path, str(PROJECT_DIR)])
    with main, found, patch.dict(os.environ, PYTHONPATH=str(PROJECT_DIR)):
        process.start()
    watched.close()
    orders = os.fdopen(os.dup(held.fileno()), "wb", buffering=0)
    held.close()
    return Forked(process), orders


def _carry_out(watched: Connection, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    with Path(os.devnull).open("wb") as nothing:
        for standard in (1, 2):
            os.dup2(nothing.fileno(), standard)
    sys.argv = ["dbt", str(os.dup(watched.fileno()))]
    watched.close()
    dbt_process.main()
