"""`jifen run` and `jifen status`."""

from datetime import date
from typing import Annotated

import typer

from flows.day import parse_day
from flows.night_commands import run_once, show_status

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AsOf = Annotated[
    date | None, typer.Option(parser=parse_day, metavar="YYYY-MM-DD", help="The business date; today otherwise.")
]


def run(as_of: AsOf = None, as_json: Json = False) -> None:
    """Run the night once: through the Prefect API where one is configured, by itself where none is."""
    raise typer.Exit(run_once(as_of, as_json))


def status(as_json: Json = False) -> None:
    """Show how the last run ended, what is current, and what is still owed."""
    raise typer.Exit(show_status(as_json))
