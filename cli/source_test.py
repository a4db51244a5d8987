"""`jifen source test` and `jifen source faults`: sources against stand-ins made from their own files, or for real."""

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from cli import show
from cli.command import Json, misused, require_known
from connectors.source_files import SOURCES_DIR, read_source, read_sources
from connectors.spec import Source
from connectors.zone import read_zone
from flows.texts import counted
from ledger.settings import PROJECT_DIR, Settings
from ledger.yaml_file import read_yaml
from sandbox.acceptance import CHECKS, Agency, RealAgency, SourceCheckResult, make_trial, run_checks
from sandbox.acceptance.matrix import OUTCOMES, POSITIONS, WRONG, Cell, cells_of, run_cells, totals
from sandbox.standin.kinds import FAULT_KINDS
from sandbox.start import start_standin

T = TypeVar("T")

SAMPLES_DIR = PROJECT_DIR / "sandbox" / "samples"

ALWAYS_SHOWN = ("right", "refused", "loud stop", "silent wrong")

STANDIN_BUDGET = {"retry_seconds": 4.0, "request_timeout_seconds": 1.5}
"""A stand-in answers at once, or on purpose never: waiting for it as long as for an agency gains nothing."""

LATENCY_MS = 5.0
"""How long a stand-in waits before each answer: enough to see which requests were in flight together."""

Folder = Annotated[Path | None, typer.Option(help="The source files of another folder.", exists=True, file_okay=False)]
Seed = Annotated[int, typer.Option(help="Which faults are drawn, and what records the stand-in has.")]
Jobs = Annotated[int, typer.Option(min=1, help="Number of sources to run in parallel, each against its own stand-in.")]
Names = Annotated[list[str] | None, typer.Argument(help="Sources by name.")]


class NoStandInError(RuntimeError):
    """No agency can be made from this source file: what it declares contradicts itself."""


@dataclass(frozen=True)
class Job:
    """One source to put on trial: its file, the seed, and what of it to run."""

    path: Path
    seed: int
    full: bool = False
    cells: tuple[Cell, ...] = ()


def check_all(job: Job) -> list[SourceCheckResult]:
    """Every check of the kit on one source, against a stand-in."""
    source = read_source(job.path)
    try:
        with _stand_in(job) as (agency, settings):
            trial = make_trial(source, agency, settings, kinds=FAULT_KINDS, full=job.full, seed=job.seed)
            trial.latency_ms = LATENCY_MS
            return run_checks(trial, CHECKS)
    except NoStandInError as error:
        titles = ("能按文件建立替身", "a stand-in can be made")
        return [SourceCheckResult(source.name, "stand_in", *titles, "failed", str(error), 0.0)]


def strike_all(job: Job) -> list[Cell]:
    """Every wanted cell of the fault matrix on one source."""
    with _stand_in(job) as (agency, settings):
        trial = make_trial(read_source(job.path), agency, settings, kinds=FAULT_KINDS, seed=job.seed)
        return list(run_cells(trial, job.cells))


@contextmanager
def _stand_in(job: Job) -> Iterator[tuple[Agency, Settings]]:
    with tempfile.TemporaryDirectory(prefix="jifen-standin-") as folder:
        sources = Path(folder) / "sources"
        sources.mkdir()
        shutil.copy(job.path, sources)
        try:
            started = start_standin(sources, Path(folder) / "state", seed=job.seed, latency_ms=LATENCY_MS)
        except RuntimeError as error:
            # The last line of the child is the reason; the lines above it are the stand-in's traceback.
            raise NoStandInError(str(error).strip().rpartition("\n")[2]) from None
        with started as agency:
            yield agency, Settings().model_copy(update=STANDIN_BUDGET)


def _in_processes(work: Callable[[Job], list[T]], jobs: Sequence[Job], at_once: int) -> Iterator[list[T]]:
    """Do these jobs so many at a time, and answer in their order as they come; one at a time stays in this process."""
    if at_once == 1 or len(jobs) < 2:
        yield from map(work, jobs)
        return
    # Not forked: a fork copies the threads' locks and not the threads.
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, jobs)


def put_to_test(
    names: Names = None,
    everything: Annotated[bool, typer.Option("--all", help="Every source of the project and every sample.")] = False,
    folder: Folder = None,
    real: Annotated[bool, typer.Option("--real", help="The agency in the environment, not a stand-in.")] = False,
    wrong_secrets: Annotated[
        bool, typer.Option("--wrong-secrets", help="With --real: try wrong secrets too; accounts may be locked.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Every fault in every position, every checkpoint.")] = False,
    seed: Seed = 7,
    jobs: Jobs = 2,
    as_json: Json = False,
) -> None:
    """Put sources to the test. Exit code 1 on any failed check."""
    wanted = _wanted(names or [], everything, folder)
    if real:
        found = _for_real([source for _, source in wanted], wrong_secrets, full, seed)
    else:
        found = _in_processes(check_all, [Job(path, seed, full) for path, _ in wanted], jobs)
    results: list[SourceCheckResult] = []
    for (_, source), some in zip(wanted, found, strict=True):
        results += some
        if not as_json:
            title = f"{source.name} {source.agency.zh} {source.agency.en}"
            rows = [(one.en, one.zh, one.state, one.what) for one in some]
            show.show_table(title, ("check", "检查", "state", "what"), rows)
    counts: Counter[str] = Counter(one.state for one in results)
    if as_json:
        show.show_json([asdict(one) for one in results])
    else:
        rest = ", ".join(f"{counts[state]} {state}" for state in ("failed", "skipped"))
        show.console.print(f"{counted(len(wanted), 'source')}, {counted(counts['passed'], 'check')} passed, {rest}")
    raise typer.Exit(1 if counts["failed"] else 0)


def _for_real(
    sources: Sequence[Source], wrong_secrets: bool, full: bool, seed: int
) -> Iterator[list[SourceCheckResult]]:
    settings = Settings()
    zone = read_zone(settings.zone_file, read_sources())
    for source in sources:
        agency = RealAgency([source], wrong_secrets)
        yield run_checks(make_trial(source, agency, settings, zone=zone, full=full, seed=seed), CHECKS)


def show_matrix(
    names: Names = None,
    folder: Folder = None,
    kinds: Annotated[str | None, typer.Option(help="Only these kinds, separated by commas.")] = None,
    positions: Annotated[str, typer.Option(help="Where in the listing a fault sets in.")] = ",".join(POSITIONS),
    sample: Annotated[
        int | None, typer.Option(min=1, help="Number of cells to run, drawn by --seed; all otherwise.")
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(help="The cells of this plan, as sandbox/faults/every_kind.yml has them.", exists=True),
    ] = None,
    seed: Seed = 7,
    jobs: Jobs = 2,
    as_json: Json = False,
) -> None:
    """Run every fault against every sample source, and print what became of each. Exit code 1 on any wrong outcome."""
    wanted = _wanted(names or [], everything=not names, folder=folder or SAMPLES_DIR)
    sources = [source for _, source in wanted]
    cells = cells_of_plan(plan, sources) if plan else _cells(sources, kinds, positions, sample, seed)
    work = [Job(path, seed, cells=tuple(c for c in cells if c.source == source.name)) for path, source in wanted]
    done: list[Cell] = []
    with show.errors.status(counted(len(cells), "cell")) as status:
        for some in _in_processes(strike_all, [job for job in work if job.cells], jobs):
            done += some
            status.update(f"{len(done)} of {counted(len(cells), 'cell')}")
    wrong = [one for one in done if one.outcome in WRONG]
    if as_json:
        show.show_json([asdict(one) for one in done])
    else:
        _show_cells(done, wrong)
    raise typer.Exit(1 if wrong else 0)


def cells_of_plan(path: Path, sources: Sequence[Source]) -> list[Cell]:
    """The cells that a plan names, of these sources: its entries say kind, source, dataset and position."""
    drivers = {source.name: source.driver for source in sources}
    entries = [one for one in read_yaml(path.read_text(encoding="utf-8")) if one["source"] in drivers]
    return [
        Cell(one["kind"], one["source"], one["dataset"], drivers[one["source"]], one["position"]) for one in entries
    ]


def _cells(sources: Sequence[Source], kinds: str | None, positions: str, sample: int | None, seed: int) -> list[Cell]:
    names, places = list(FAULT_KINDS) if kinds is None else kinds.split(","), positions.split(",")
    for what, wanted, known in (("fault of kind", names, list(FAULT_KINDS)), ("position", places, list(POSITIONS))):
        require_known(what, wanted, known)
    chosen = {name: FAULT_KINDS[name] for name in names}
    cells = [cell for source in sources for cell in cells_of(source, source.datasets, chosen, places)]
    if sample is not None and sample < len(cells):
        drawn = set(random.Random(seed).sample(range(len(cells)), sample))  # noqa: S311 - a sample, not a secret
        cells = [cell for place, cell in enumerate(cells) if place in drawn]
    return cells


def _show_cells(cells: Sequence[Cell], wrong: Sequence[Cell]) -> None:
    summed = {outcome: sum(cell.outcome == outcome for cell in cells) for outcome in OUTCOMES}
    shown = [outcome for outcome in OUTCOMES if summed[outcome] or outcome in ALWAYS_SHOWN]
    rows: list[tuple[Any, ...]] = [
        (kind, driver, *(counts[outcome] or None for outcome in shown)) for kind, driver, counts in totals(cells)
    ]
    rows.append((f"all kinds ({len({cell.kind for cell in cells})})", None, *(summed[outcome] for outcome in shown)))
    show.show_table("Fault matrix 故障矩阵", ("kind", "driver", *shown), rows)
    for one in wrong:
        place = f"{one.source}.{one.dataset} ({one.position})"
        show.console.print(f"  [red]{one.outcome}[/] {show.safe(f'{one.kind} on {place}: {one.why}')}")
    by_outcome = ", ".join(f"{count} {outcome}" for outcome, count in summed.items() if count or outcome in WRONG)
    show.console.print(
        f"{counted(len(cells), 'cell')}, {sum(cell.seconds for cell in cells):.0f} s of pulls: {by_outcome}"
    )


def _wanted(names: Sequence[str], everything: bool, folder: Path | None) -> list[tuple[Path, Source]]:
    """The sources to test, each with its file."""
    folders = [folder] if folder else [SOURCES_DIR, SAMPLES_DIR]
    found = [(place / f"{source.name}.yml", source) for place in folders for source in read_sources(place)]
    if everything or (folder and not names):
        return found
    if not names:
        misused("name a source, or --all")
    require_known("source", names, [source.name for _, source in found])
    return [(path, source) for path, source in found if source.name in names]
