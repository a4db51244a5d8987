"""`jifen source`: list the agencies, and check that each can be reached and understood."""

from typing import Annotated

import typer

from connectors.check import check_source
from connectors.errors import ConfigError
from connectors.source_files import read_sources
from connectors.zone import read_zone
from flows import show
from ledger.settings import Settings

app = typer.Typer(no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command("list")
def list_sources(as_json: Json = False) -> None:
    """List every agency and dataset, and what this zone is not supplied with."""
    try:
        sources = read_sources()
        zone = read_zone(Settings().zone_file, sources)
    except ConfigError as error:
        show.errors.print(f"[red]failed[/] {show.safe(str(error))}")
        raise typer.Exit(1) from None
    rows = [
        {
            "source": source.name,
            "dataset": dataset.name,
            "agency_zh": source.agency.zh,
            "agency_en": source.agency.en,
            "driver": source.driver,
            "load": dataset.load,
            "critical": dataset.critical,
            "not_supplied": zone.why_not_supplied(dataset),
        }
        for source in sources
        for dataset in source.datasets
    ]
    if as_json:
        show.show_json(rows)
        return
    columns = ("dataset", "agency", "driver", "load", "critical", "not supplied here")
    show.show_table(
        "Sources 数据来源",
        columns,
        [
            (f"{r['source']}.{r['dataset']}", r["agency_zh"], r["driver"], r["load"], r["critical"], r["not_supplied"])
            for r in rows
        ],
    )


@app.command("check")
def check(
    name: Annotated[str | None, typer.Argument(help="One source; all otherwise.")] = None, as_json: Json = False
) -> None:
    """Check each source: its file, its variables, and one page or file from the agency. Nothing is kept."""
    settings = Settings()
    try:
        sources = read_sources()
        zone = read_zone(settings.zone_file, sources)
    except ConfigError as error:
        show.errors.print(f"[red]failed[/] {show.safe(str(error))}")
        raise typer.Exit(1) from None
    chosen = [source for source in sources if name in (None, source.name)]
    if not chosen:
        show.errors.print(
            f"[red]usage[/] no source {show.safe(str(name))}; there are {', '.join(s.name for s in sources)}"
        )
        raise typer.Exit(2)
    found = [line for source in chosen for line in check_source(source, zone, settings)]
    if as_json:
        show.show_json(found)
    else:
        show.show_table(
            "Source check 数据来源检查",
            ("dataset", "state", "records on the first page", "refused", "message"),
            [(f["dataset"], f["state"], f["records"], f["refused"], f["message"]) for f in found],
        )
    raise typer.Exit(1 if any(f["state"] == "failed" for f in found) else 0)
