"""Nights that never were, as the ledger has them: one that the gate blocked, and one that was killed at the gate."""

from datetime import date

from sqlalchemy import Engine, update

from ledger.runs import end_run, keep_report, start_run
from ledger.settings import Settings
from ledger.store import open_ledger, write
from ledger.tables import runs

DAY = date(2025, 6, 30)
PULL = {
    "step": "pull",
    "began_at": "2025-06-30T14:30:00.000+00:00",
    "seconds": 12.5,
    "ended": "done",
    "counts": {"received": 7, "refused": 1},
}
GATE = {**PULL, "step": "gate", "began_at": "2025-06-30T14:41:00.000+00:00", "ended": "blocked", "counts": {}}
_TOLD = {"evaluated_rows": 7, "why": "", "why_zh": "", "blocks": False}
CHECKS = [
    {"name": name, "table": "rankings", "severity": "critical", "outcome": outcome, "observed": "7 rows", **_TOLD}
    for name, outcome in (("is_whole", "failed"), ("has_rows", "passed"))
]
PULLED = {"rows_received": 7, "rows_landed": 6, "rows_refused": 1, "counts": {"refused:uscc:uscc_length": 1}}
BLOCKED = {
    "message": "publication blocked by 1 of 2 checks.",
    "steps": [PULL, GATE],
    "pulled": [
        {"source": "tax", "dataset": "vat", "state": "landed", "message": None, **PULLED},
        {"source": "bank_a", "dataset": "loans", "state": "failed", "message": "refused. Whose: agency.", **PULLED},
        {"source": "talent", "dataset": "persons", "state": "held", "message": "held.", **PULLED},
    ],
    "verdict": {"state": "blocked", "declared": 2, "counts": {"failed": 1, "passed": 1}, "checks": CHECKS},
    "incidents": {"held: talent.persons": "2025-06-28"},
    "deliveries": [{"recipient": "bank_a", "state": "pending", "rows": None, "error": "away."}],
}


def ledger_of_nights(settings: Settings) -> Engine:
    """A ledger in which both have happened, the blocked one first."""
    found = open_ledger(settings)
    blocked = start_run(found, DAY, "plain")
    end_run(found, blocked, "blocked", None, BLOCKED)
    write(found, update(runs).values(started_at="2025-06-30T14:30:00.000+00:00"))
    killed = start_run(found, DAY, "plain")
    keep_report(found, killed, {"steps": [PULL, {**GATE, "seconds": None, "ended": None}]})
    return found
