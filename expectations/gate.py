"""The gate: audit a candidate against every suite, and decide whether it may be published."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from threading import Thread

from expectations.against import NO_PREVIOUS, audit_against
from expectations.census import Census, CheckAnswer, Count, Place, take_census, take_samples
from expectations.gx_run import import_gx, run_suites
from expectations.suites import EDITION, REQUIRED, SUITES, GateCheck, Suite, load_suites
from expectations.verdict import GateResult, PublicationBlocked, Verdict, decide, require_passed

__all__ = ["GateResult", "PublicationBlocked", "Verdict", "audit", "preload", "require_passed"]


def preload() -> Thread:
    """Begin to import Great Expectations beside other work: it takes seconds, which the gate need not wait for."""
    thread = Thread(target=import_gx, daemon=True)
    thread.start()
    return thread


def audit(
    warehouse: Path,
    previous_edition: Path | None,
    suites_dir: Path = SUITES,
    required: Collection[str] = REQUIRED,
    *,
    is_correction: bool = False,
) -> Verdict:
    """Audit the DuckDB file of a candidate, against the folder of the edition that is current where there is one.

    That folder was checked against its manifest. A correction may move more than a night.

    The verdict is computed here from what each check looked at, never from the library's own summary, which passes
    what it did not look at. It blocks on a critical failure, on a check that raised or looked at nothing, on a declared
    check that was not answered, on suites that cannot be read, and on a table of `required` that none asks about.
    """
    suites, problems = load_suites(suites_dir, required)
    if problems:
        return decide((), problems)
    between = [check for suite in suites for check in suite.checks if check.limits]
    suites = [suite for suite in suites if suite.table != EDITION]
    census = take_census(warehouse, previous_edition, suites)
    asked = [suite for suite in (_expectations(suite, census) for suite in suites) if suite is not None]
    answers = census.answers | (run_suites(warehouse, census.names, asked) if asked else {})
    results = [_result(suite, check, census, answers) for suite in suites for check in suite.checks]
    compared, against = audit_against(between, warehouse, previous_edition, is_correction=is_correction)
    verdict = decide([*_with_samples(warehouse, census, suites, results), *compared], ())
    return replace(verdict, against=against)


def _expectations(suite: Suite, census: Census) -> Suite | None:
    """What of a suite is asked of Great Expectations, None where nothing is."""
    checks = tuple(check for check in suite.checks if check.sql is None and (suite.table, check.name) in census.counts)
    return suite.model_copy(update={"checks": checks}) if checks else None


def _result(suite: Suite, check: GateCheck, census: Census, answers: dict[Place, CheckAnswer]) -> GateResult:
    place = suite.table, check.name
    blank = GateResult(check.name, suite.table, check.severity, "not_applicable", 0, None, "", check.why, check.why_zh)
    if suite.table in census.rightly_empty:
        return replace(blank, observed="the table is empty, and its suite says when that is in order")
    if place not in census.counts:
        return replace(blank, observed=NO_PREVIOUS)
    answer = answers.get(place)
    if answer is None:
        return replace(blank, outcome="not_evaluated", observed="the check was declared, and not answered")
    count = census.counts[place]
    exception = answer.exception or count.exception
    if exception is not None:
        return replace(blank, outcome="error", exception=exception, observed=f"could not be evaluated: {exception}")
    rows = _looked_at(check, count, answer)
    if rows == 0:
        return replace(blank, outcome="not_evaluated", observed="there was nothing to look at")
    return replace(
        blank, outcome="passed" if answer.success else "failed", evaluated_rows=rows, observed=answer.observed
    )


def _looked_at(check: GateCheck, count: Count, answer: CheckAnswer) -> int:
    if answer.looked_at is not None:
        return answer.looked_at
    # Without a count of its own it is unknown how many rows a condition left over: that is not taken for an evaluation.
    return 0 if "row_condition" in check.kwargs else count.rows


def _with_samples(warehouse: Path, census: Census, suites: list[Suite], results: list[GateResult]) -> list[GateResult]:
    checks = {(suite.table, check.name): check for suite in suites for check in suite.checks}
    failed = {(result.table, result.name) for result in results if result.outcome == "failed"}
    asked = [(place[0], check) for place, check in checks.items() if place in failed and check.sql is not None]
    samples = take_samples(warehouse, census.names, asked)
    shown = []
    for result in results:
        sample = samples.get((result.table, result.name))
        observed = f"{result.observed} of {result.evaluated_rows}: {sample}" if sample else result.observed
        shown.append(replace(result, observed=observed))
    return shown
