"""`jifen source new` and `jifen source import`: a source file to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from connectors.errors import ConfigError
from connectors.importing.convert import import_source
from connectors.scaffold import AUTHS, DECODERS, DRIVERS, PAGINATORS, new_source, write_new
from connectors.source_files import SOURCES_DIR, read_source
from flows import show

Out = Annotated[Path | None, typer.Option(help="Folder for the file; connectors/sources otherwise.")]


def register(app: typer.Typer) -> None:
    """Put both commands under `jifen source`."""
    app.command("new")(new)
    app.command("import")(import_from)


def new(
    name: Annotated[
        str, typer.Argument(help="Small letters, digits, underscores: it names the file and the variables.")
    ],
    driver: Annotated[str, typer.Option(help=", ".join(DRIVERS))] = "rest",
    paginator: Annotated[str | None, typer.Option(help=f"rest only: {', '.join(PAGINATORS)}")] = None,
    auth: Annotated[str | None, typer.Option(help=f"rest only: {', '.join(AUTHS)}")] = None,
    decoder: Annotated[str | None, typer.Option(help=", ".join(DECODERS))] = None,
    out: Out = None,
) -> None:
    """Write a source file that reads as it stands, with a comment wherever the agency's own words belong."""
    try:
        path = new_source(name, out or SOURCES_DIR, driver=driver, paginator=paginator, auth=auth, decoder=decoder)
        variables = read_source(path).variables()
    except ConfigError as error:
        show.errors.print(f"[red]failed[/] {show.safe(str(error))}")
        raise typer.Exit(1) from None
    _tell(path, name, variables)


def import_from(
    file: Annotated[Path, typer.Argument(help="A dlt rest_api configuration, or an Airbyte declarative manifest.")],
    tool: Annotated[str, typer.Option("--from", help="dlt or airbyte")],
    name: Annotated[str | None, typer.Option(help="The source's name; the file's otherwise.")] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; connectors/sources/NAME.yml otherwise.")] = None,
) -> None:
    """Carry a declared source over. What cannot be carried is named, one line each; nothing in the file is run.

    Exit code 0: the source file was written and reads, whatever is named. 1: nothing was written.
    """
    try:
        if out is not None and out.suffix != ".yml":
            raise ConfigError("a source file ends in .yml.", str(out), "--out land.yml")
        imported = import_source(tool, file, name or (out.stem if out else None))
        path = out or SOURCES_DIR / f"{imported.name}.yml"
        if path.stem != imported.name:
            raise ConfigError(f"the source is named {imported.name}.", str(path), "give both the same name")
        write_new(path, imported.text)
    except ConfigError as error:
        show.errors.print(f"[red]failed[/] {show.safe(str(error))}")
        raise typer.Exit(1) from None
    for line in imported.not_carried:
        show.errors.print(f"NOT CARRIED: {show.safe(line)}")
    _tell(path, imported.name, imported.variables)


def _tell(path: Path, name: str, variables: list[str] | tuple[str, ...]) -> None:
    """What was written, and the commands that come next."""
    staging = f"dbt_project/models/staging/{name}/stg_{name}__<dataset>.sql"
    lines = [
        f"written: {path}",
        "next:",
        f"  1. go through its comments, then set in .env: {', '.join(variables)}",
        f"  2. jifen source check {name}",
        f"  3. jifen source test {name}",
        f"  4. write {staging} (docs/adding.md)",
    ]
    for line in lines:
        show.console.print(show.safe(line))
