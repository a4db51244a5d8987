"""`jifen source new`: a source file to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from cli import show
from connectors.errors import ConfigError
from connectors.scaffold import KINDS, new_source
from connectors.source_files import SOURCES_DIR, read_source

Out = Annotated[Path | None, typer.Option(help="Folder for the file; connectors/sources otherwise.")]


def register(app: typer.Typer) -> None:
    """Put the command under `jifen source`."""
    app.command("new")(new)


def new(
    name: Annotated[
        str, typer.Argument(help="Small letters, digits, underscores: it names the file and the variables.")
    ],
    driver: Annotated[str, typer.Option(help=", ".join(KINDS["driver"]))] = "rest",
    paginator: Annotated[str | None, typer.Option(help=f"rest only: {', '.join(KINDS['paginator'])}")] = None,
    auth: Annotated[str | None, typer.Option(help=f"rest only: {', '.join(KINDS['auth'])}")] = None,
    decoder: Annotated[str | None, typer.Option(help=", ".join(KINDS["decoder"]))] = None,
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
