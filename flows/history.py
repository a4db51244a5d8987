"""What the ledger knows of a run, at work or ended, in the form that the command line, pages and Prefect show."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Engine

from flows.outcome import EXIT_CODES, Outcome
from ledger.batches import repeats_in
from ledger.publications import sent_of
from ledger.report import StepLine, report_of
from ledger.store import Row

_DATASET = (
    "source",
    "dataset",
    "state",
    "rows_received",
    "rows_landed",
    "rows_refused",
    "counts",
    "changed",
    "warned",
    "message",
)
_Sent = Literal["returns", "returns_sent", "alerts", "deliveries", "notices"]
_SENT: tuple[_Sent, ...] = ("returns_sent", "alerts", "deliveries", "notices")
SUMMARY = ("message", "error", "steps", "pulled", "stale", *_SENT)
"""The parts of a run's report that a summary needs."""


def summary_of(run: Row) -> dict[str, Any]:
    """One run in a line: when, how long, how it ended, and what failed in it."""
    facts = {name: run[name] for name in ("run_id", "as_of", "state", "driver", "started_at", "ended_at", "edition_id")}
    return {**facts, "seconds": seconds_of(run), "failed": what_failed(run), "rows": rows_of(run)}


def rows_of(run: Row) -> dict[str, int] | None:
    """How many records all pulls of a run received, landed and refused; None where it ended before its pulls did."""
    pulled = report_of(run).get("pulled")
    if pulled is None:
        return None
    return {name: sum(one[f"rows_{name}"] for one in pulled) for name in ("received", "landed", "refused")}


def outcome_of(run: Row) -> Outcome:
    """How a run ended, by its row in the ledger."""
    report = report_of(run)
    return Outcome(
        run["state"], run["as_of"], run["edition_id"], report.get("message") or report.get("error") or "", report
    )


def seconds_of(run: Row) -> float | None:
    """How long a run took; None while it is at work, and where its process died."""
    if not run["ended_at"]:
        return None
    took = datetime.fromisoformat(run["ended_at"]) - datetime.fromisoformat(run["started_at"])
    return round(took.total_seconds(), 1)


def what_failed(run: Row) -> list[str]:
    """The step that a bad run ended in, each dataset not pulled or held, each recipient not served."""
    ended = outcome_of(run)
    well = ("done", None) if run["state"] == "running" else ("done",)
    bad = [line["step"] for line in ended.report.get("steps", ()) if line["ended"] not in well]
    owed = [one["recipient"] for name in _SENT for one in ended.report.get(name, ()) if one["state"] != "sent"]
    return [
        *bad,
        *(f"not pulled {name}" for name in ended.failed),
        *(f"held {name}" for name in ended.held),
        *(f"not delivered to {name}" for name in dict.fromkeys(owed)),
    ]


def step_at_work(run: Mapping[str, Any]) -> StepLine | None:
    """The step that a run is in, or died in; None where it is in none."""
    steps = report_of(run).get("steps", ())
    return next((line for line in reversed(steps) if line["ended"] is None), None)


def run_details(ledger: Engine, run: Row) -> dict[str, Any]:
    """All that is known of a run: its steps, what came, the verdict, what it published and what of that arrived."""
    ended = outcome_of(run)
    report = ended.report
    verdict = report.get("verdict")
    return {
        **summary_of(run),
        "message": ended.message,
        "steps": report.get("steps", []),
        "datasets": [
            {**{name: one.get(name) for name in _DATASET}, "rows_repeated": repeats_in(one.get("counts"))}
            for one in report.get("pulled", ())
        ],
        "stale": report.get("stale", {}),
        "build": report.get("build"),
        "verdict": verdict and {**verdict, "checks": [one for one in verdict["checks"] if _needs_attention(one)]},
        "gate_page": report.get("gate_page"),
        **sent_of(ledger, run["edition_id"]),
        "returns": report.get("returns", []),
        "sent": {name: report.get(name, []) for name in _SENT},
        "acks": report.get("acks", []),
        "late_acks": report.get("late_acks", []),
        "incidents": report.get("incidents", {}),
        "errors": list(_errors(ended)),
    }


def _needs_attention(check: Mapping[str, Any]) -> bool:
    return check["outcome"] not in ("passed", "not_applicable")


def _errors(ended: Outcome) -> Iterable[str]:
    if EXIT_CODES.get(ended.state, 0):
        yield ended.message
    yield from (f"{name}: {why}" for name, why in {**ended.failed, **ended.held}.items())
    written_and_sent: tuple[_Sent, ...] = ("returns", *_SENT)
    for line in [one for name in written_and_sent for one in ended.report.get(name, ())]:
        if line.get("error"):
            yield f"{line.get('recipient') or line.get('source')}: {line['error']}"
    if why := ended.report.get("split", {}).get("error"):
        yield f"split: {why}"
