"""What `jifen run` does, and how the end of a night is shown."""

import json
import logging
import os
import sys
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import show
from connectors.errors import ConnectorError
from editions.places import edition_path
from flows.outcome import Outcome
from ledger.publications import owed_for
from ledger.settings import Settings
from ledger.store import open_ledger
from ledger.tables import deliveries, outbox

if TYPE_CHECKING:
    from connectors.pull import Pulled
    from flows.night import Night


def run_once(as_of: date | None, as_json: bool) -> int:
    """Run the night and show its outcome; answers the exit code."""
    # Here, not above: `jifen status` shows outcomes and must answer at once.
    from flows.prefect_server import ApiLostError
    from flows.recipe import UsageError

    try:
        with show.progress("jifen run"):
            outcome = run_by_whom(Settings(), as_of)
    except UsageError as error:
        raise show.stopped(2, "usage", str(error)) from None
    except ApiLostError as error:
        if error.outcome is None:
            code = show.stopped(1, "failed", str(error)).exit_code
        else:
            show.errors.print(f"[yellow]warning[/] {show.safe(error)}")
            code = _show(error.outcome, as_json)
        sys.stdout.flush()
        # Prefect's client would go on for minutes trying to send what it still has to say of this run.
        os._exit(code)
    return _show(outcome, as_json)


def _show(outcome: Outcome, as_json: bool) -> int:
    if as_json:
        show.show_json({**asdict(outcome), "exit_code": outcome.exit_code})
    else:
        show_outcome(outcome)
    return outcome.exit_code


def run_by_whom(settings: Settings, as_of: date | None) -> Outcome:
    """Run through Prefect where an API is configured; otherwise plainly, without the hidden server of its own.

    An API that does not answer is a night that failed: in the ledger, and told to the operators. One that goes away in
    the night is an `ApiLostError` with what the night came to all the same.
    """
    # Its own lines would say each step a second time, and tracebacks; they are on the run's page.
    for handler in ("CONSOLE", "DEBUG"):
        os.environ.setdefault(f"PREFECT_LOGGING_HANDLERS_{handler}_LEVEL", "CRITICAL")
    logging.raiseExceptions = False
    from flows.prefect_server import ApiLostError, api_is_configured, require_api
    from flows.recipe import run_night

    if not api_is_configured():
        return run_night(settings, as_of, "plain")
    try:
        require_api()
    except ConnectorError as error:
        return _failed_night(settings, as_of, error)
    from flows import nightly

    try:
        state: Any = nightly.nightly(as_of, return_state=True)
        found = state.result(raise_on_failure=False)
    except Exception as error:  # noqa: BLE001 - how Prefect fails is no matter: the night itself ended or did not
        found = error
    if isinstance(found, nightly.NightFailedError):
        return found.outcome
    if isinstance(found, Exception):
        if nightly.ENDED or type(found).__module__.startswith(("httpx", "httpcore", "prefect")):
            raise ApiLostError(found, nightly.ENDED[-1] if nightly.ENDED else None)
        raise found
    outcome: Outcome = found
    return outcome


def _failed_night(settings: Settings, as_of: date | None, error: ConnectorError) -> Outcome:
    from flows.recipe import PLAIN_STEPS, run_night

    def pull_nothing(_night: "Night") -> "list[Pulled]":
        raise error

    return run_night(settings, as_of, "prefect", replace(PLAIN_STEPS, pull_all=pull_nothing))


def show_outcome(outcome: Outcome) -> None:
    """Print how a night ended, and what it refused and sent."""
    report = outcome.report
    if outcome.message:
        show.console.print(f"{show.coloured(outcome.state)} {show.safe(outcome.message)}")
    if report.get("pulled"):
        show.show_refusals(report["pulled"])
    if report.get("verdict"):
        show.show_verdict(report["verdict"])
    if any(report.get(name) for name in ("deliveries", "notices", "alerts", "returns_sent")):
        show.show_sent(report)


def show_edition_sent(data_dir: Path, edition_id: str) -> None:
    """Print the verdict that published an edition, and what went to whom for it."""
    verdict = json.loads((edition_path(data_dir, edition_id) / "verdict.json").read_bytes())
    ledger = open_ledger(Settings(data_dir=data_dir, ledger_url=None))
    show.show_verdict(verdict)
    sent = {"deliveries": owed_for(ledger, deliveries, edition_id), "notices": owed_for(ledger, outbox, edition_id)}
    show.show_sent(sent)
