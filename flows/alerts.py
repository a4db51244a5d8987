"""One message to the operators' channel for each night that somebody should look at."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from connectors.sink_files import told_of_nights
from flows.events import Event, messages_to
from flows.night import Night
from flows.outcome import Outcome
from flows.relay import notify_pending
from flows.texts import pasteable
from ledger.publications import current_id, queue_alerts
from ledger.runs import DIED, latest_runs
from ledger.tables import alerts


def with_alerts_sent(night: Night, outcome: Outcome) -> Outcome:
    """The outcome of a night once an alert went to its operators, where there is a reason for one.

    What is pending from earlier nights goes too. A message that did not arrive leaves a good night incomplete; it is no
    reason for another message.
    """
    _alert_of_the_one_before(night)
    if outcome.exit_code != 0 or outcome.noticed or any(outcome.report.get(name) for name in ("stale", "late_acks")):
        _alert(night, night.run_id, outcome)
    outcome.report["alerts"] = sent = notify_pending(night, alerts)
    return outcome.without("Not notified yet", [line["recipient"] for line in sent if line["state"] != "sent"])


def _alert_of_the_one_before(night: Night) -> None:
    """A night whose process died sent no alert: the next one does."""
    for run in latest_runs(night.ledger, 2):
        if run["run_id"] != night.run_id and (run["report"] or {}).get("error") == DIED:
            _alert(night, run["run_id"], Outcome("failed", run["as_of"], None, run["report"]["error"]))


def _alert(night: Night, run_id: str, outcome: Outcome) -> None:
    # Whoever reads it is at another terminal.
    told = partial(pasteable, words=[str(Path(sys.executable).with_name("jifen")), *sys.argv[1:3]])
    data: dict[str, Any] = {
        "run_id": run_id,
        "as_of": outcome.as_of,
        "state": outcome.state,
        "exit_code": outcome.exit_code,
        "message": told(outcome.message),
        "current": current_id(night.ledger),
        "failed": {name: told(why) for name, why in outcome.failed.items()},
        "held": {name: told(why) for name, why in outcome.held.items()},
        "noticed": {name: told(why) for name, why in outcome.noticed.items()},
        "stale": outcome.report.get("stale", {}),
        "late_acks": [told(line) for line in outcome.report.get("late_acks", [])],
        "owed": list(outcome.owed),
    }
    happened = {
        "gate_blocked": outcome.state == "blocked",
        "source_stale": bool(data["stale"]),
        "delivery_late": bool(data["owed"] or data["late_acks"]),
        "night_needs_attention": True,
    }
    events = [Event(name, run_id, data) for name, is_so in happened.items() if is_so]
    channels = told_of_nights(night.sinks, os.environ)
    queue_alerts(
        night.ledger, run_id, [one for sink in channels for one in messages_to(sink, f"{run_id}.{sink.name}", events)]
    )
