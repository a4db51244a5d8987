"""Sources on trial, a few at a time: each in a process of its own with a stand-in of its own, made from its file."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from connectors.source_files import read_source
from ledger.settings import Settings
from sandbox.acceptance import CHECKS, Agency, CheckResult, make_trial, run_checks
from sandbox.acceptance.matrix import Cell, run_cells

if TYPE_CHECKING:
    from sandbox.standin.kinds import FaultKind

T = TypeVar("T")

STANDIN_BUDGET = {"retry_seconds": 4.0, "request_timeout_seconds": 1.5}
"""A stand-in answers at once or on purpose never: no reason to wait for it as long as for an agency."""

LATENCY_MS = 5.0
"""How long a stand-in waits before each answer: enough to tell which requests were in flight together."""


class NoStandInError(RuntimeError):
    """No agency can be made from this source file: what it declares contradicts itself."""


@dataclass(frozen=True)
class Job:
    """One source to put on trial: its file, the seed, and what of it to run."""

    path: Path
    seed: int
    full: bool = False
    cells: tuple[Cell, ...] = ()


def fault_kinds() -> "Mapping[str, FaultKind]":
    """Every kind of fault that a stand-in can have."""
    from sandbox.standin.kinds import FAULT_KINDS

    return FAULT_KINDS


def check_all(job: Job) -> list[CheckResult]:
    """Every check of the kit on one source."""
    source = read_source(job.path)
    try:
        with _stand_in(job) as (agency, settings):
            trial = make_trial(
                source,
                agency,
                settings,
                kinds=fault_kinds(),
                full=job.full,
                seed=job.seed,
                latency_ms=LATENCY_MS,
            )
            return run_checks(trial, CHECKS)
    except NoStandInError as error:
        titles = ("能按文件建立替身", "a stand-in can be made")
        return [CheckResult(source.name, "stand_in", *titles, "failed", str(error), 0.0)]


def strike_all(job: Job) -> list[Cell]:
    """Every wanted cell of the fault matrix on one source."""
    with _stand_in(job) as (agency, settings):
        trial = make_trial(read_source(job.path), agency, settings, kinds=fault_kinds(), seed=job.seed)
        return list(run_cells(trial, job.cells))


@contextmanager
def _stand_in(job: Job) -> Iterator[tuple[Agency, Settings]]:
    from sandbox.start import start_standin

    with tempfile.TemporaryDirectory(prefix="jifen-standin-") as folder:
        sources = Path(folder) / "sources"
        sources.mkdir()
        shutil.copy(job.path, sources)
        try:
            started = start_standin(sources, Path(folder) / "state", seed=job.seed, latency_ms=LATENCY_MS)
        except RuntimeError as error:
            # What the child said last is the reason; its traceback above is for whoever mends the stand-in.
            raise NoStandInError(str(error).strip().rpartition("\n")[2]) from None
        with started as agency:
            yield agency, Settings().model_copy(update=STANDIN_BUDGET)


def in_processes(work: Callable[[Job], list[T]], jobs: Sequence[Job], at_once: int) -> Iterator[list[T]]:
    """Do these jobs so many at a time, and answer in their order as they come; one at a time stays in this process."""
    if at_once == 1 or len(jobs) < 2:
        yield from map(work, jobs)
        return
    # Not forked: a fork copies the threads' locks and not the threads.
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, jobs)
