"""The steps of a night, each written down as it begins and ends: the name, the times, how it ended, how many rows."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any

from connectors.inputs import Supplied
from connectors.pull import Pulled
from expectations.verdict import PublicationBlocked, Verdict
from ledger.batches import repeats_in
from ledger.report import Report, StepLine
from ledger.runs import keep_report
from ledger.store import now

if TYPE_CHECKING:
    from editions.build import BuildReport
    from editions.candidate import Candidate
    from flows.night import Cleared, Night


@dataclass(frozen=True)
class Steps:
    """The six steps; a flow puts its tasks in their place. Each is called with a `Night` first."""

    pull_all: "Callable[[Night], list[Pulled]]"
    build: "Callable[[Night, Sequence[Supplied]], tuple[Candidate, BuildReport]]"
    gate: "Callable[[Night, Candidate], Verdict]"
    publish: "Callable[[Night, Cleared], str | None]"
    deliver: "Callable[[Night], list[dict[str, Any]]]"
    notify: "Callable[[Night], list[dict[str, Any]]]"


def counts_of_sent(lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many packages or messages ended in each state, and the rows of packages."""
    rows = sum(line.get("rows") or 0 for line in lines)
    return {**Counter(line["state"] for line in lines), **({"rows": rows} if rows else {})}


def _pulled(pulled: Sequence[Pulled]) -> dict[str, int]:
    names = ("received", "landed", "refused")
    counted = {name: sum(getattr(one, f"rows_{name}") for one in pulled) for name in names}
    repeated = sum(repeats_in(one.counts) for one in pulled)
    return counted | ({"repeated": repeated} if repeated else {})


_COUNTS: dict[str, Callable[[Any], dict[str, int]]] = {
    "pull": _pulled,
    "build": lambda built: {"models": built[1].models, "tests": built[1].tests},
    "gate": lambda verdict: {"checks": len(verdict.as_dict()["checks"])},
    "deliver": counts_of_sent,
    "notify": counts_of_sent,
}
"""What is counted of the answer of a step."""


def recorded(steps: Steps, report: Report) -> Steps:
    """The same steps, each of which writes itself down in the report of its night."""

    def of(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        def step(night: "Night", *given: Any) -> Any:
            with step_of(night, report, name) as line:
                answer = work(night, *given)
                line["counts"] = _COUNTS[name](answer) if name in _COUNTS else {}
            return answer

        return step

    by_name = {field.name: getattr(steps, field.name) for field in fields(Steps)}
    return Steps(**{name: of(name.removesuffix("_all"), work) for name, work in by_name.items()})


@contextmanager
def step_of(night: "Night", report: Report, name: str) -> Iterator[StepLine]:
    """Write down in the report, and in the run's row, that a step of this name is at work, and how it ended.

    Of a run that was killed the row keeps what was there, the step that it died in without an end.
    """
    line: StepLine = {"step": name, "began_at": now(), "seconds": None, "ended": None, "counts": {}}
    report.setdefault("steps", []).append(line)
    keep_report(night.ledger, night.run_id, report)
    begun = time.monotonic()
    try:
        yield line
        line["ended"] = "done"
    except PublicationBlocked:
        line["ended"] = "blocked"
        raise
    except BaseException:
        line["ended"] = "failed"
        raise
    finally:
        line["seconds"] = round(time.monotonic() - begun, 3)
        keep_report(night.ledger, night.run_id, report)
