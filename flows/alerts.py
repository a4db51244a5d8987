"""Messages to operators: one when something goes wrong, however many nights it lasts, and one when it is over."""

import os
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from connectors.sink_files import night_channels
from flows.events import Event, messages_to_each
from flows.night import Night
from flows.outcome import Outcome
from flows.relay import notify_pending
from flows.texts import pasteable
from ledger.publications import current_id, queue_alerts
from ledger.report import report_of
from ledger.runs import DIED, latest_runs
from ledger.tables import alerts

KINDS = (
    *("failed", "blocked", "source_missing", "not_pulled", "held", "noticed", "stale"),
    *("not_delivered", "late_answer", "died"),
)
"""The kinds of incidents; `docs/operating.md` says what to do about each."""
_EVENT_OF = {
    "blocked": "gate_blocked",
    "stale": "source_stale",
    "not_delivered": "delivery_late",
    "late_answer": "delivery_late",
}
# A run whose process died has no incidents in its report; the one before it has.
_LOOKED_BACK = 20
_WITH_FIGURES = re.compile(r"\S*\d\S*")


def with_alerts_sent(night: Night, outcome: Outcome) -> Outcome:
    """The outcome of a night once operators were sent a message about its new incidents and those that are over.

    `incidents` of the report are those that are open, each with the business date of its first night. What is pending
    from earlier nights goes too. A message that did not arrive leaves a good night incomplete; it is no reason for
    another message.
    """
    _alert_of_the_one_before(night)
    before = _open_before(night)
    tonight = dict.fromkeys(incidents(outcome), outcome.as_of)
    # A bad night may have ended before the step at fault: only a good one shows that an incident is over.
    over = {} if not outcome.is_good else {one: since for one, since in before.items() if one not in tonight}
    new = [one for one in tonight if one not in before]
    outcome.report["incidents"] = {**tonight, **{one: day for one, day in before.items() if one not in over}}
    _alert(night, night.run_id, outcome, new, over)
    outcome.report["alerts"] = sent = notify_pending(night, alerts)
    return outcome.without("Not notified yet", [line["recipient"] for line in sent if line["state"] != "sent"])


def incidents(outcome: Outcome) -> Iterator[str]:
    """The incidents of a night, each as `<kind>: <subject>`: the same text on every night that it lasts."""
    report = outcome.report
    if outcome.state == "failed":
        # Figures, ids and paths differ from night to night.
        yield f"failed: {_WITH_FIGURES.sub('…', outcome.message)[:200]}"
    elif outcome.state == "blocked":
        checks = report.get("verdict", {}).get("checks", ())
        yield from [f"blocked: {one['table']}.{one['name']}" for one in checks if one["blocks"]] or ["blocked: gate"]
    elif outcome.state == "source_missing":
        yield f"source_missing: {', '.join(outcome.failed or outcome.held)}"
    of = {
        "not_pulled": outcome.failed,
        "held": outcome.held,
        "noticed": outcome.noticed,
        "stale": report.get("stale", ()),
        "not_delivered": outcome.owed,
        "late_answer": [line.partition(";")[0] for line in report.get("late_acks", ())],
    }
    yield from (f"{kind}: {name}" for kind, names in of.items() for name in names)


def _open_before(night: Night) -> dict[str, str]:
    """The incidents that were open after the night before this one, each with its first day."""
    runs = latest_runs(night.ledger, _LOOKED_BACK, parts=("incidents",))
    reports = (report_of(run) for run in runs if run["run_id"] != night.run_id)
    return next((report["incidents"] for report in reports if "incidents" in report), {})


def _alert_of_the_one_before(night: Night) -> None:
    """A night whose process died sent no alert: the next one does."""
    for run in latest_runs(night.ledger, 2):
        if run["run_id"] != night.run_id and report_of(run).get("error") == DIED:
            _alert(night, run["run_id"], Outcome("failed", run["as_of"], None, DIED), [f"died: {run['run_id']}"], {})


def _alert(night: Night, run_id: str, outcome: Outcome, new: list[str], over: dict[str, str]) -> None:
    # It is read at another terminal, so commands name the program by its path.
    with_path = partial(pasteable, words=[str(Path(sys.executable).with_name("jifen")), *sys.argv[1:3]])
    data: dict[str, Any] = {
        "run_id": run_id,
        "as_of": outcome.as_of,
        "state": outcome.state,
        "exit_code": outcome.exit_code,
        "message": with_path(outcome.message),
        "current": current_id(night.ledger),
        "failed": {name: with_path(why) for name, why in outcome.failed.items()},
        "held": {name: with_path(why) for name, why in outcome.held.items()},
        "noticed": {name: with_path(why) for name, why in outcome.noticed.items()},
        "stale": outcome.report.get("stale", {}),
        "late_acks": [with_path(line) for line in outcome.report.get("late_acks", [])],
        "owed": list(outcome.owed),
        "new": new,
        "open": outcome.report.get("incidents", {}),
    }
    kinds = {one.partition(":")[0] for one in new}
    names = [*dict.fromkeys(_EVENT_OF[kind] for kind in KINDS if kind in kinds and kind in _EVENT_OF)]
    events = [Event(name, run_id, data) for name in (*names, "night_needs_attention")] if new else []
    if over:
        events.append(Event("night_recovered", run_id, {**data, "over": over}))
    queue_alerts(night.ledger, run_id, messages_to_each(night_channels(night.sinks, os.environ), run_id, events))
