"""The report of a run: what its row in the ledger holds as JSON, and the pages and `jifen status` read."""

from collections.abc import Mapping
from typing import Any, TypedDict, cast


class StepLine(TypedDict):
    """One step of a night; `ended` is None while it is at work, then `done`, `blocked` or `failed`."""

    step: str
    began_at: str
    seconds: float | None
    ended: str | None
    counts: dict[str, int]


class Report(TypedDict, total=False):
    """What is known of a run so far: a part is there once the run has come to it.

    The parts of `pulled` are those of `connectors.pull.Pulled`, `build` of `editions.build.BuildReport`, `verdict` of
    `expectations.verdict.Verdict`; `returns` are return files written. `returns_sent`, `deliveries`, `notices` and
    `alerts` have a line for each recipient: `recipient`, `state` and, where it was not sent, `error`.
    """

    run_id: str
    as_of: str
    driver: str
    message: str
    error: str
    steps: list[StepLine]
    pulled: list[dict[str, Any]]
    made_again: list[str]
    stale: dict[str, str]
    build: dict[str, Any]
    verdict: dict[str, Any]
    gate_page: str
    acks: list[dict[str, Any]]
    late_acks: list[str]
    deliveries: list[dict[str, Any]]
    notices: list[dict[str, Any]]
    returns: list[dict[str, Any]]
    returns_sent: list[dict[str, Any]]
    incidents: dict[str, str]
    alerts: list[dict[str, Any]]
    split: dict[str, Any]
    touched: list[str]


def report_of(run: Mapping[str, Any]) -> Report:
    """The report in a run's row; an empty one where the run has stored none."""
    return cast(Report, run["report"] or {})
