"""`jifen run` and `jifen status`."""

from datetime import date
from typing import Annotated

import typer

from cli.day import parse_day

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AsOf = Annotated[
    date | None,
    typer.Option(
        parser=parse_day,
        metavar="YYYY-MM-DD",
        help="The business date; today otherwise. One before the current edition's moves nothing.",
    ),
]


def run(as_of: AsOf = None, as_json: Json = False) -> None:
    """Run the night once: through the Prefect API where one is configured, by itself where none is.

    Exit codes: 0 published or nothing new, 1 failed or something is still owed, 2 usage, 3 the gate blocked,
    4 a critical source is missing, 5 published or nothing new, and another source failed.
    """
    from cli.night_commands import run_once

    raise typer.Exit(run_once(as_of, as_json))


def status(
    check: Annotated[bool, typer.Option("--check", help="One line and an exit code for monitoring.")] = False,
    max_hours: Annotated[float, typer.Option(min=0, help="With --check: how old the last night may be.")] = 26,
    as_json: Json = False,
) -> None:
    """Show what is to be done, the last night, what is current, owed and stale, and when the next night is.

    Exit code 0. With --check: 0 all well, 1 warning (a source failed or is stale, something is owed), 2 critical (the
    last night failed, was blocked or is missing), 3 nothing can be told.
    """
    from cli.status import check_status, show_status

    if check:
        raise typer.Exit(check_status(max_hours, as_json))
    show_status(as_json)
