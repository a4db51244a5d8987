"""`jifen run`, and how the end of a night is shown."""

import json
import os
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.command import Json, day_option
from cli.entry import report
from editions.places import edition_path
from flows.outcome import Outcome
from ledger.publications import sent_of
from ledger.settings import Settings
from ledger.store import open_ledger


def run(
    as_of: Annotated[
        date | None,
        day_option("The business date; today otherwise. An earlier date does not change the current edition."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the night once: through the Prefect API where one is configured, by itself where none is.

    Exit codes: 0 published or nothing new, 1 failed or something is not delivered yet, 2 usage, 3 the gate blocked,
    4 a critical source is missing, 5 published or nothing new, and another source failed.
    """
    # Here, not above: `jifen status` shows outcomes and must answer at once.
    from flows.prefect_server import ApiLostError
    from flows.run import run_configured

    try:
        with show.progress("jifen run"):
            outcome = run_configured(Settings(), as_of)
    except ApiLostError as error:
        if error.outcome is None:
            code = report(error)
        else:
            show.errors.print(f"[yellow]warning[/] {show.safe(error)}")
            code = show_ended(error.outcome, as_json)
        sys.stdout.flush()
        # Prefect's client would go on for minutes trying to send its last reports on this run.
        os._exit(code)
    raise typer.Exit(show_ended(outcome, as_json))


def show_ended(outcome: Outcome, as_json: bool) -> int:
    """Print how a night ended; answers its exit code."""
    if as_json:
        show.show_json({**asdict(outcome), "exit_code": outcome.exit_code})
    else:
        show_outcome(outcome)
    return outcome.exit_code


def show_outcome(outcome: Outcome) -> None:
    """Print how a night ended, and what it refused and sent."""
    report = outcome.report
    if outcome.message:
        show.console.print(f"{show.coloured(outcome.state)} {show.safe(outcome.message)}")
    if report.get("pulled"):
        show.show_refusals([one | {"message": outcome.dated(one["message"] or "")} for one in report["pulled"]])
    if report.get("verdict"):
        show.show_verdict(report["verdict"])
    if any(report.get(name) for name in ("deliveries", "notices", "alerts", "returns_sent")):
        show.show_sent(report)


def show_edition_sent(data_dir: Path, edition_id: str) -> None:
    """Print the verdict that published an edition, and what went to whom for it."""
    verdict = json.loads((edition_path(data_dir, edition_id) / "verdict.json").read_bytes())
    ledger = open_ledger(Settings(data_dir=data_dir, ledger_url=None))
    show.show_verdict(verdict)
    show.show_sent(sent_of(ledger, edition_id))
