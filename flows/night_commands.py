"""What `jifen run` and `status` do."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import ConfigError
from editions.current import EditionMissingError, edition_path
from flows import show
from flows.outcome import Outcome
from flows.recipe import UsageError, run_night
from ledger.publications import current_id, owed_for, pending
from ledger.returns import owed_returns
from ledger.runs import RunLockedError, latest_runs
from ledger.settings import Settings
from ledger.store import LedgerVersionError, open_ledger
from ledger.tables import deliveries, outbox

KNOWN_STOPS = (ConfigError, RunLockedError, LedgerVersionError, EditionMissingError, OSError, SQLAlchemyError)
"""What stops a run before it begins, told in one line; anything else is a fault of ours and keeps its traceback."""


def run_once(as_of: date | None, as_json: bool) -> int:
    """Run the night and show its outcome; answers the exit code."""
    try:
        with show.progress("jifen run"):
            outcome = run_by_whom(Settings(), as_of)
    except ValidationError as error:
        return _stopped(1, "failed", f"a setting is wrong: {error}. Whose: config. See .env.example.", as_json)
    except UsageError as error:
        return _stopped(2, "usage", str(error), as_json)
    except KNOWN_STOPS as error:
        return _stopped(1, "failed", str(error), as_json)
    if as_json:
        show.show_json({**asdict(outcome), "exit_code": outcome.exit_code})
    else:
        show_outcome(outcome)
    return outcome.exit_code


def _stopped(code: int, state: str, message: str, as_json: bool) -> int:
    """Tell why nothing was begun; answers the exit code."""
    if as_json:
        show.show_json({"state": state, "message": message, "exit_code": code})
    else:
        show.errors.print(f"[red]{state}[/] {show.safe(message)}")
    return code


def run_by_whom(settings: Settings, as_of: date | None) -> Outcome:
    """Run through Prefect where an API is configured; otherwise plainly, without the hidden server of its own."""
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        return run_night(settings, as_of, "plain")
    from flows.nightly import NightFailedError, nightly

    try:
        return nightly(as_of)
    except NightFailedError as error:
        return error.outcome


def show_outcome(outcome: Outcome) -> None:
    """Print how a night ended, and what it refused and sent."""
    report = outcome.report
    if outcome.message:
        show.console.print(f"{show.coloured(outcome.state)} {show.safe(outcome.message)}")
    if report.get("pulled"):
        show.show_refusals(report["pulled"])
    if report.get("verdict"):
        show.show_verdict(report["verdict"])
    if any(report.get(name) for name in ("deliveries", "notices", "returns_sent")):
        show.show_sent(report)


def show_edition_sent(data_dir: Path, edition_id: str) -> None:
    """Print the verdict that published an edition, and what went to whom for it."""
    verdict = json.loads((edition_path(data_dir, edition_id) / "verdict.json").read_bytes())
    ledger = open_ledger(Settings(data_dir=data_dir, ledger_url=None))
    show.show_verdict(verdict)
    sent = {"deliveries": owed_for(ledger, deliveries, edition_id), "notices": owed_for(ledger, outbox, edition_id)}
    show.show_sent(sent)


def show_status(as_json: bool) -> int:
    """Show the last run, `current`, and what is owed; answers 0: how a run ended is in what it shows."""
    settings = Settings()
    ledger = open_ledger(settings)
    last = next(iter(latest_runs(ledger)), None)
    current = current_id(ledger)
    told: dict[str, Any] = {
        "data_dir": str(settings.data_dir),
        "current": current,
        "last_run": last,
        "sent": {
            "deliveries": owed_for(ledger, deliveries, current) if current else [],
            "notices": owed_for(ledger, outbox, current) if current else [],
        },
        "owed": {
            "deliveries": pending(ledger, deliveries),
            "notices": pending(ledger, outbox),
            "returns": owed_returns(ledger),
        },
    }
    if as_json:
        show.show_json(told)
        return 0
    show.console.print(f"data folder {show.safe(told['data_dir'])}; current edition {show.safe(str(current))}")
    if last is None:
        show.console.print("no run yet. Next: jifen run")
        return 0
    said = (last["report"] or {}).get("message", "")
    show.console.print(f"last run {show.safe(last['run_id'])} {show.coloured(last['state'])} {show.safe(said)}")
    if last["report"]:
        show_outcome(Outcome(last["state"], last["as_of"], current, "", last["report"]))
    for owed in [one for some in told["owed"].values() for one in some]:
        show.console.print(
            f"  owed to {show.safe(owed['recipient'])}: {show.safe(owed['last_error'] or 'not tried yet')}"
        )
    return 0
