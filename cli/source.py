"""`jifen source`: list, check, plan, pull and test the sources of the agencies."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import held, show, source_test
from cli.command import Json, day_option, misused, new_group, require_known
from cli.sink_check import check_sinks
from connectors.check import check_source
from connectors.errors import ConfigError
from connectors.plan import Planned, plan
from connectors.scaffold import KINDS, new_source
from connectors.sink_files import read_sinks
from connectors.source_files import SOURCES_DIR, read_source, read_sources
from connectors.spec import Dataset, RestConnection, Source
from connectors.zone import Zone, read_zone
from flows.past import require_come
from flows.pull_source import pull_source
from ledger.settings import Settings

app = new_group()
app.command("test")(source_test.put_to_test)
app.command("held")(held.show_held)
app.command("accept")(held.accept)
app.command("reject")(held.reject)
app.command("faults")(source_test.show_matrix)

OneName = Annotated[str | None, typer.Argument(help="One source; all otherwise.")]
Folder = Annotated[
    Path | None,
    typer.Option(help="The source files of this folder (sandbox/samples) instead of the project's."),
]
AsOf = Annotated[date | None, day_option("The business date; today otherwise. Must not be in the future.")]


@app.command("list")
def list_sources(folder: Folder = None, as_json: Json = False) -> None:
    """List every agency and dataset, and what this zone is not supplied with."""
    _, sources, zone = _read(folder)
    columns = (
        ("dataset", "{source}.{dataset}"),
        ("agency", "agency_zh"),
        "driver",
        "auth",
        ("paging", "paginator"),
        ("form", "decoder"),
        "load",
        "critical",
        ("not supplied here", "not_supplied"),
    )
    rows = [_listed(source, dataset, zone) for source in sources for dataset in source.datasets]
    show.show_rows("Sources 数据来源", rows, columns, as_json)


def _listed(source: Source, dataset: Dataset, zone: Zone) -> dict[str, Any]:
    connection = source.connection
    return {
        "source": source.name,
        "dataset": dataset.name,
        "agency_zh": source.agency.zh,
        "agency_en": source.agency.en,
        "driver": source.driver,
        "auth": connection.auth.kind if isinstance(connection, RestConnection) else None,
        "paginator": dataset.paginator.kind if dataset.paginator else None,
        "decoder": dataset.decoder.kind,
        "load": dataset.load,
        "critical": dataset.critical,
        "not_supplied": zone.why_not_supplied(dataset),
    }


@app.command("check")
def check(name: OneName = None, folder: Folder = None, as_json: Json = False) -> None:
    """Check each source: its file, its variables, and one page or file from the agency. Nothing is kept.

    Without a name each bank's file is checked too: that every column of its extract is decided on and described.
    """
    settings, sources, zone = _read(folder)
    found = [line for source in _chosen(sources, name) for line in check_source(source, zone, settings)]
    if name is None and folder is None:
        found += check_sinks(read_sinks())
    for line in found if folder is not None else ():
        again = f"jifen source check {line['dataset'].partition('.')[0]}"
        line["message"] = (line["message"] or "").replace(again, f"{again} --folder {shlex.quote(str(folder))}") or None
    columns = ("dataset", "state", ("records on the first page", "records"), "refused", "message")
    show.show_rows("Source check 数据来源检查", found, columns, as_json)
    raise typer.Exit(1 if any(f["state"] == "failed" for f in found) else 0)


@app.command("plan")
def show_plan(name: OneName = None, as_of: AsOf = None, folder: Folder = None, as_json: Json = False) -> None:
    """Show what a pull would request, and what is held. Nothing is sent and nothing is written."""
    settings, sources, zone = _read(folder)
    chosen = _chosen(sources, name)
    planned = plan(chosen, zone, settings, _day(settings, as_of))
    if as_json:
        show.show_json([asdict(one) for one in planned])
        return
    for one in planned:
        _show_planned(one)


def _show_planned(one: Planned) -> None:
    show.console.print(f"[bold]{show.safe(one.dataset)}[/] ({show.safe(one.driver)})")
    facts = {
        "asks": " ".join([one.asks, *(f"{key}={value}" for key, value in one.params.items())]),
        "paging": one.paging,
        "partitions": one.partitions,
        "since": one.since,
        "begins": one.resume,
        "expected": one.expected,
        "last promoted": one.last_promoted,
        "not supplied here": one.not_supplied,
    }
    show.show_facts(facts.items())


@app.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="The source to pull.")],
    dataset: Annotated[str | None, typer.Option(help="One dataset; all otherwise.")] = None,
    as_of: AsOf = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Pull and land one source now. Exit codes: 0 all came, 1 one did not, 4 a critical one did not, 5 held."""
    settings, sources, zone = _read(folder)
    (source,) = _chosen(sources, name)
    day = _day(settings, as_of)
    try:
        wanted = source.datasets if dataset is None else (source.dataset(dataset),)
    except ConfigError as error:
        misused(str(error))
    pulled = pull_source(settings, source, zone, day, wanted)
    rows = [asdict(one) for one in pulled]
    counts = (("received", "rows_received"), ("landed", "rows_landed"), ("refused", "rows_refused"))
    columns = (("dataset", "{source}.{dataset}"), "state", *counts, "batch")
    show.show_rows("Pulled 拉取结果", rows, columns, as_json)
    if not as_json:
        show.show_refusals(rows)
    failed = [one for one in pulled if one.state == "failed"]
    held = any(one.state == "held" for one in pulled)
    raise typer.Exit(4 if any(one.critical for one in failed) else 1 if failed else 5 if held else 0)


@app.command("new")
def new(
    name: Annotated[
        str, typer.Argument(help="Small letters, digits, underscores: it names the file and the variables.")
    ],
    driver: Annotated[str, typer.Option(help=f"One of {', '.join(KINDS['driver'])}.")] = "rest",
    paginator: Annotated[
        str | None, typer.Option(help=f"Of rest only, one of {', '.join(KINDS['paginator'])}.")
    ] = None,
    auth: Annotated[str | None, typer.Option(help=f"Of rest only, one of {', '.join(KINDS['auth'])}.")] = None,
    decoder: Annotated[str | None, typer.Option(help=f"One of {', '.join(KINDS['decoder'])}.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the file; connectors/sources otherwise.")] = None,
) -> None:
    """Write a valid source file, with comments where the agency's details go."""
    path = new_source(name, out or SOURCES_DIR, driver=driver, paginator=paginator, auth=auth, decoder=decoder)
    there = f" --folder {shlex.quote(str(out))}" if out else ""
    steps = [
        "go through its comments",
        f"jifen source test {name}{there}",
        f"set in .env, and name in .env.example: {', '.join(read_source(path).variables())}",
        f"jifen source check {name}{there}",
        *([f"mv {shlex.quote(str(path))} connectors/sources/, which makes it live"] if out else []),
        f"read its records in a model: landed('{name}', '<dataset>') (docs/adding.md)",
    ]
    live = "It is live: the next night asks this agency. With --out FOLDER it is drafted elsewhere."
    show.show_written(path, steps, None if out else live)


def _read(folder: Path | None) -> tuple[Settings, list[Source], Zone]:
    settings = Settings()
    ours = read_sources()
    sources = ours if folder is None else read_sources(folder)
    return settings, sources, read_zone(settings.zone_file, [*ours, *sources])


def _chosen(sources: Sequence[Source], name: str | None) -> list[Source]:
    require_known("source", [name], [source.name for source in sources])
    return [source for source in sources if name in (None, source.name)]


def _day(settings: Settings, as_of: date | None) -> date:
    today = settings.today
    require_come(as_of or today, today)
    return as_of or today
