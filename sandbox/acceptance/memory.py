"""How much memory one pull takes, measured in a process of its own, where nothing was freed that could be reused."""

import io
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from connectors.pull import driver_of, pull_dataset
from connectors.spec import Source
from connectors.zone import Zone
from ledger.settings import Settings
from ledger.store import open_ledger

STATUS = Path("/proc/self/status")
CHILD_SECONDS = 300.0


class Taken(NamedTuple):
    """What one pull of a source took: bytes by which it made the process grow, and how each dataset ended."""

    growth: int
    states: list[str]


def measurable() -> bool:
    """Whether this system reports to a process its own peak memory, as Linux does."""
    return STATUS.exists()


def measure(source: Source, zone: Zone, settings: Settings, as_of: date) -> tuple[Taken, str]:
    """Pull a source in a child process with the variables of this one; answers what it took, and all its output."""
    context = get_context("forkserver")
    # What a pull imports is loaded once, in the process that every child is forked from.
    context.set_forkserver_preload([__name__, f"connectors.drivers.{source.driver}"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_pull, dict(os.environ), source, zone, settings, as_of).result(CHILD_SECONDS)


def _resident(name: str) -> int:
    """A figure of this process in bytes: VmRSS is what it holds now, VmHWM the most it ever held."""
    line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def _pull(
    variables: Mapping[str, str], source: Source, zone: Zone, settings: Settings, as_of: date
) -> tuple[Taken, str]:
    os.environ.clear()
    os.environ.update(variables)
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        ledger = open_ledger(settings)
        driver_of(source.driver)
        before = _resident("VmRSS")
        pulled = [pull_dataset(source, dataset, zone, settings, ledger, as_of) for dataset in source.datasets]
    states = [f"{one.dataset} {one.state}" for one in pulled]
    return Taken(_resident("VmHWM") - before, states), output.getvalue()
