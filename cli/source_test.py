"""`jifen source test` and `jifen source faults`: sources against stand-ins made from their own files, or for real."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import show
from cli.command import Json, fail
from cli.trials import Job, check_all, fault_kinds, in_processes, strike_all
from connectors.source_files import SOURCES_DIR, read_sources
from connectors.spec import Source
from connectors.zone import read_zone
from ledger.settings import PROJECT_DIR, Settings
from ledger.yaml_file import read_yaml
from sandbox.acceptance import CHECKS, CheckResult, RealAgency, make_trial, run_checks
from sandbox.acceptance.matrix import OUTCOMES, POSITIONS, WRONG, Cell, cells_of, totals

SAMPLES_DIR = PROJECT_DIR / "sandbox" / "samples"

ALWAYS_SHOWN = ("right", "refused", "loud stop", "silent wrong")

Folder = Annotated[Path | None, typer.Option(help="The source files of another folder.", exists=True, file_okay=False)]
Seed = Annotated[int, typer.Option(help="Which faults are drawn, and what records the stand-in has.")]
Jobs = Annotated[int, typer.Option(min=1, help="So many sources at a time, each against its own stand-in.")]
Names = Annotated[list[str] | None, typer.Argument(help="Sources by name.")]


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
        found = in_processes(check_all, [Job(path, seed, full) for path, _ in wanted], jobs)
    results: list[CheckResult] = []
    for (_, source), some in zip(wanted, found, strict=True):
        results += some
        if not as_json:
            _show_source(source, some)
    _end(results, as_json)


def _for_real(sources: Sequence[Source], wrong_secrets: bool, full: bool, seed: int) -> Iterator[list[CheckResult]]:
    settings = Settings()
    zone = read_zone(settings.zone_file, read_sources())
    for source in sources:
        agency = RealAgency([source], wrong_secrets)
        yield run_checks(make_trial(source, agency, settings, zone=zone, full=full, seed=seed), CHECKS)


def _end(results: Sequence[CheckResult], as_json: bool) -> None:
    counts: Counter[str] = Counter(one.state for one in results)
    if as_json:
        show.show_json([asdict(one) for one in results])
    else:
        tested = len({one.source for one in results})
        told = ", ".join(f"{counts[state]} {state}" for state in ("failed", "skipped"))
        show.console.print(f"{tested} sources, {counts['passed']} checks passed, {told}")
    raise typer.Exit(1 if counts["failed"] else 0)


def _show_source(source: Source, results: Sequence[CheckResult]) -> None:
    show.show_table(
        f"{source.name} {source.agency.zh} {source.agency.en}",
        ("check", "检查", "state", "what"),
        [(one.en, one.zh, one.state, one.what) for one in results],
    )


def show_matrix(
    names: Names = None,
    folder: Folder = None,
    kinds: Annotated[str | None, typer.Option(help="Only these kinds, parted by commas.")] = None,
    positions: Annotated[str, typer.Option(help="Where in the listing a fault sets in.")] = ",".join(POSITIONS),
    sample: Annotated[int | None, typer.Option(min=1, help="So many cells, drawn by --seed; all otherwise.")] = None,
    plan: Annotated[
        Path | None,
        typer.Option(help="The cells of this plan, as sandbox/faults/every_kind.yml has them.", exists=True),
    ] = None,
    seed: Seed = 7,
    jobs: Jobs = 2,
    as_json: Json = False,
) -> None:
    """Run every fault against every sample source, and print what became of each. Exit code 1 on any wrong outcome."""
    place = folder or SAMPLES_DIR
    wanted = _wanted(names or [], everything=not names, folder=place)
    sources = [source for _, source in wanted]
    cells = cells_of_plan(plan, sources) if plan else _cells(sources, kinds, positions, sample, seed)
    work = [Job(path, seed, cells=tuple(c for c in cells if c.source == source.name)) for path, source in wanted]
    done: list[Cell] = []
    with show.errors.status(f"{len(cells)} cells") as status:
        for some in in_processes(strike_all, [job for job in work if job.cells], jobs):
            done += some
            status.update(f"{len(done)} of {len(cells)} cells")
    _show_cells(done, as_json)


def cells_of_plan(path: Path, sources: Sequence[Source]) -> list[Cell]:
    """The cells that a plan names, of these sources: its entries say kind, source, dataset and position."""
    drivers = {source.name: source.driver for source in sources}
    entries = [one for one in read_yaml(path.read_text(encoding="utf-8")) if one["source"] in drivers]
    return [
        Cell(one["kind"], one["source"], one["dataset"], drivers[one["source"]], one["position"]) for one in entries
    ]


def _cells(sources: Sequence[Source], kinds: str | None, positions: str, sample: int | None, seed: int) -> list[Cell]:
    known, places = fault_kinds(), positions.split(",")
    names = list(known) if kinds is None else kinds.split(",")
    if unknown := [name for name in names if name not in known]:
        fail(f"no fault of kind {', '.join(unknown)}; there are {', '.join(known)}", "usage", 2)
    if unknown := [name for name in places if name not in POSITIONS]:
        fail(f"no position {', '.join(unknown)}; there are {', '.join(POSITIONS)}", "usage", 2)
    chosen = {name: known[name] for name in names}
    cells = [cell for source in sources for cell in cells_of(source, source.datasets, chosen, places)]
    if sample is not None and sample < len(cells):
        drawn = set(random.Random(seed).sample(range(len(cells)), sample))  # noqa: S311 - a sample, not a secret
        cells = [cell for place, cell in enumerate(cells) if place in drawn]
    return cells


def _show_cells(cells: Sequence[Cell], as_json: bool) -> None:
    wrong = [one for one in cells if one.outcome in WRONG]
    if as_json:
        show.show_json([asdict(one) for one in cells])
        raise typer.Exit(1 if wrong else 0)
    summed = {outcome: sum(cell.outcome == outcome for cell in cells) for outcome in OUTCOMES}
    shown = [outcome for outcome in OUTCOMES if summed[outcome] or outcome in ALWAYS_SHOWN]
    rows: list[tuple[Any, ...]] = [
        (kind, driver, *(counts[outcome] or None for outcome in shown)) for kind, driver, counts in totals(cells)
    ]
    rows.append((f"all {len({cell.kind for cell in cells})} kinds", None, *(summed[outcome] for outcome in shown)))
    show.show_table("Fault matrix 故障矩阵", ("kind", "driver", *shown), rows)
    for one in wrong:
        place = f"{one.source}.{one.dataset} ({one.position})"
        show.console.print(f"  [red]{one.outcome}[/] {show.safe(f'{one.kind} on {place}: {one.why}')}")
    told = ", ".join(f"{count} {outcome}" for outcome, count in summed.items() if count or outcome in WRONG)
    show.console.print(f"{len(cells)} cells, {sum(cell.seconds for cell in cells):.0f} s of pulls: {told}")
    raise typer.Exit(1 if wrong else 0)


def _wanted(names: Sequence[str], everything: bool, folder: Path | None) -> list[tuple[Path, Source]]:
    """The sources to test, each with its file."""
    folders = [folder] if folder else [SOURCES_DIR, SAMPLES_DIR]
    found = [(place / f"{source.name}.yml", source) for place in folders for source in read_sources(place)]
    if everything or (folder and not names):
        return found
    if not names:
        fail("name a source, or --all", "usage", 2)
    known = [source.name for _, source in found]
    if unknown := [name for name in names if name not in known]:
        fail(f"no source {', '.join(unknown)}; there are {', '.join(known)}", "usage", 2)
    return [(path, source) for path, source in found if source.name in names]
