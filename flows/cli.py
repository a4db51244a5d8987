"""The command line `jifen`."""

import os
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from dotenv import load_dotenv

from flows import cli_edition, cli_quarantine, cli_returns, cli_sandbox, cli_source
from flows.night_commands import explain_enterprise, run_once, show_status

app = typer.Typer(
    name="jifen",
    help="企业创新积分: ingest, build, gate, publish, deliver, notify. Exit codes: 0 published or nothing new, "
    "1 failed, 2 usage, 3 gate blocked, 4 a critical source is missing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(cli_edition.app, name="edition", help="What was published.")
app.add_typer(cli_source.app, name="source", help="The agencies.")
app.add_typer(cli_quarantine.app, name="quarantine", help="The records that were refused.")
app.add_typer(cli_returns.app, name="returns", help="What each agency was told of its records.")
app.add_typer(cli_sandbox.app, name="sandbox", help="Agencies, banks and channels on loopback, to run against.")
app.command("demo")(cli_sandbox.demo)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.callback()
def settings(
    data_dir: Annotated[Path | None, typer.Option(help="The data folder; JIFEN_DATA_DIR otherwise.")] = None,
) -> None:
    """Read .env, then let the options of this call win."""
    load_dotenv(".env", override=False)
    if data_dir is not None:
        os.environ["JIFEN_DATA_DIR"] = str(data_dir)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is not a date; write YYYY-MM-DD") from None


AsOf = Annotated[
    date | None, typer.Option(parser=_day, metavar="YYYY-MM-DD", help="The business date; today otherwise.")
]


@app.command()
def run(as_of: AsOf = None, as_json: Json = False) -> None:
    """Run the night once: through the Prefect API where one is configured, by itself where none is."""
    raise typer.Exit(run_once(as_of, as_json))


@app.command()
def status(as_json: Json = False) -> None:
    """Show how the last run ended, what is current, and what is still owed."""
    raise typer.Exit(show_status(as_json))


@app.command()
def explain(
    uscc: Annotated[str, typer.Argument(help="Unified social credit code 统一社会信用代码.")],
    edition: Annotated[str | None, typer.Option(help="An edition; the current one otherwise.")] = None,
    as_json: Json = False,
) -> None:
    """Show one enterprise's points: each indicator's value, points, maximum and reason."""
    raise typer.Exit(explain_enterprise(uscc, edition, as_json))


def main() -> None:
    """Run the command line."""
    app()
