"""The gate's verdict, computed from the rows that each check looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from expectations.suites import Severity
from ledger.overrides import Override

CheckOutcome = Literal["passed", "failed", "not_evaluated", "error", "not_applicable"]


@dataclass(frozen=True)
class GateResult:
    """The result of one check: how many rows it looked at, what it found, or the exception that it raised.

    `not_evaluated` means that it looked at no rows, which is no pass; `not_applicable` that its suite exempts it.
    """

    name: str
    table: str
    severity: Severity
    outcome: CheckOutcome
    evaluated_rows: int
    exception: str | None
    observed: str
    why: str
    why_zh: str = ""
    override_id: str | None = None
    """The override under which a critical failure does not block."""

    @property
    def passed(self) -> bool:
        """Whether it was evaluated and found no fault."""
        return self.outcome == "passed"

    @property
    def blocks(self) -> bool:
        """A critical failure without an override blocks; so does any check, of either severity, without a result."""
        failed = self.outcome == "failed" and self.severity == "critical" and self.override_id is None
        return failed or self.outcome in ("error", "not_evaluated")


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate may be published. `problems` are faults of the suites themselves, which block too."""

    state: Literal["passed", "blocked"]
    checks: tuple[GateResult, ...]
    problems: tuple[str, ...]
    overrides: tuple[Override, ...] = ()
    """The overrides that were used."""
    against: Mapping[str, Any] | None = None
    """The figures beside the edition before, with their limits; None for the first edition of all."""

    @property
    def blocking(self) -> tuple[GateResult, ...]:
        """The checks that block."""
        return tuple(check for check in self.checks if check.blocks)

    @property
    def warnings(self) -> tuple[GateResult, ...]:
        """The checks that failed without blocking."""
        return tuple(check for check in self.checks if check.outcome == "failed" and check.severity == "warning")

    def as_dict(self) -> dict[str, Any]:
        """The verdict as JSON can hold it, the same for equal candidates: no times, no paths."""
        outcomes = [check.outcome for check in self.checks]
        return {
            "state": self.state,
            "declared": len(outcomes),
            "evaluated": sum(outcome in ("passed", "failed") for outcome in outcomes),
            "counts": {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))},
            "problems": list(self.problems),
            "against": self.against,
            "overrides": [override.as_dict() for override in self.overrides],
            "checks": [{**asdict(check), "passed": check.passed, "blocks": check.blocks} for check in self.checks],
        }


class PublicationBlocked(Exception):  # noqa: N818  # a domain event, not a fault: the gate did its work
    """The gate blocked the candidate: nothing is published, and `current` is not moved."""

    def __init__(self, verdict: Verdict) -> None:
        blocking = [f"{check.table}.{check.name} {check.outcome} ({check.observed})" for check in verdict.blocking]
        reasons = [*verdict.problems, *blocking] or ["no check was evaluated"]
        shown = "; ".join(reasons[:5]) + (f"; and {len(reasons) - 5} more" if len(reasons) > 5 else "")
        could_not = bool(verdict.problems) or not blocking or any(c.outcome == "error" for c in verdict.blocking)
        whose = "config (expectations/suites, dbt_project)" if could_not else "data"
        super().__init__(
            f"publication blocked by {len(reasons)} of {len(verdict.checks)} checks: {shown}. Whose: {whose}. "
            "`jifen status` names each failed check; gate.html of the run shows all checks. "
            "Fix the input or the suite, then `jifen run`."
        )
        self.verdict = verdict


def decide(checks: Sequence[GateResult], problems: Sequence[str]) -> Verdict:
    """The verdict over all declared checks: passed only if at least one was evaluated and none blocks."""
    evaluated = any(check.outcome in ("passed", "failed") for check in checks)
    blocked = bool(problems) or not evaluated or any(check.blocks for check in checks)
    return Verdict("blocked" if blocked else "passed", tuple(checks), tuple(problems))


def overridden(verdict: Verdict, overrides: Sequence[Override]) -> Verdict:
    """The verdict in which critical failures do not block if one of these overrides names them as `table.check`.

    A check that raised or looked at no rows cannot be overridden: its result is not known.
    """
    by_check = {name: one.override_id for one in overrides for name in one.checks}
    checks = [
        replace(check, override_id=by_check.get(f"{check.table}.{check.name}"))
        if check.blocks and check.outcome == "failed"
        else check
        for check in verdict.checks
    ]
    used = {check.override_id for check in checks}
    judged = decide(checks, verdict.problems)
    used_now = tuple(one for one in overrides if one.override_id in used)
    return replace(judged, overrides=used_now, against=verdict.against)


def require_passed(verdict: Verdict) -> None:
    """Raise `PublicationBlocked` unless the verdict is that it may be published."""
    if verdict.state != "passed":
        raise PublicationBlocked(verdict)
