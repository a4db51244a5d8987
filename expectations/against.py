"""Comparison of a candidate with the edition before: how far places, scores and indicators moved, against limits."""

# ruff: noqa: S608  # SQL over our own tables

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, log
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from editions.sql_text import literal, sealed_table
from expectations.census import one_line
from expectations.suites import (
    AFTER_OUTAGE,
    AT_LEAST,
    CORRECTION,
    EDITION,
    FIGURES,
    NEW_YEAR,
    NIGHTLY,
    RULE_CHANGE,
    EditionLimit,
    GateCheck,
    Severity,
)
from expectations.verdict import CheckOutcome, GateResult

LEAST = 100
"""With fewer ranked enterprises in either edition, orders and shares are not judged: one is more than 1 %."""
FIRST = 100
EXAMPLES = 5
PAUSE_DAYS = 7
"""After so many days without an edition the changes of all of them come at once, as after an outage."""
NO_PREVIOUS = "there is no previous edition, or none that has what is compared"
OF_BEFORE = ("entered_pct", "left_pct")

_BOTH = """
create temp table both_editions as
select uscc, coalesce(now.enterprise_name, before.enterprise_name) as enterprise_name,
    before.rank_overall as rank_before, now.rank_overall as rank_now,
    before.rank_overall + count(*) over (partition by before.rank_overall) - 1 as last_before,
    before.score as score_before, now.score as score_now
from (select * from candidate.rankings where is_ranked) as now
full join (select * from {before} where is_ranked) as before using (uscc)"""

_COUNTED = {
    "places_moved_over_1_pct": "count(*) filter (abs(rank_now - rank_before) > 0.01 * {now}) / nullif({both}, 0)",
    "places_moved_over_5_pct": "count(*) filter (abs(rank_now - rank_before) > 0.05 * {now}) / nullif({both}, 0)",
    "places_moved_over_10_pct": "count(*) filter (abs(rank_now - rank_before) > 0.1 * {now}) / nullif({both}, 0)",
    "scores_moved_over_1_point": "count(*) filter (abs(score_now - score_before) > 1) / nullif({both}, 0)",
    "scores_moved_over_5_points": "count(*) filter (abs(score_now - score_before) > 5) / nullif({both}, 0)",
    # Of enterprises that share the last place of the first, not all were among the first: none of them counts as lost.
    "first_100_kept_pct": "count(rank_now) filter (rank_before <= {first} and (rank_now <= {first} or last_before > "
    "{first})) / nullif(count(*) filter (rank_before <= {first}), 0)",
    "entered_pct": "count(*) filter (rank_before is null) / nullif({before}, 0)",
    "left_pct": "count(*) filter (rank_now is null) / nullif({before}, 0)",
}
"""The figures that are shares of enterprises, in SQL over `both_editions`."""

# A maximum is 0 where an indicator can only take points away. No points are a bin of their own, as is the full mark.
_BINS = """
with shares as (
    select indicator_code, side, points,
        10 * points / nullif(if(points < 0, -points_minimum, points_maximum), 0) as tenths
    from (
        select indicator_code, 'now' as side, points, points_maximum, points_minimum from candidate.points
        union all
        select indicator_code, 'before', points, points_maximum, points_minimum from {before}
    )
)
select indicator_code, coalesce(if(points = 0, 0, cast(floor(tenths) as integer) + if(points > 0, 1, 0)), 99) as bin,
    count(*) filter (side = 'before') as n_before, count(*) filter (side = 'now') as n_now
from shares group by all order by all"""

_EXAMPLES = {
    "rank": "select uscc || ' ' || rank_before || '→' || rank_now from both_editions where rank_before <> rank_now "
    "order by abs(rank_now - rank_before) desc, uscc",
    "score": "select uscc || ' ' || score_before || '→' || score_now from both_editions "
    "where score_before <> score_now order by abs(score_now - score_before) desc, uscc",
    "first": "select uscc || ' ' || rank_before || '→' || coalesce(cast(rank_now as varchar), '∅') from both_editions "
    "where rank_before <= {first} and (rank_now is null or (rank_now > {first} and last_before <= {first})) "
    "order by rank_before, uscc",
    "entered": "select uscc || ' ' || rank_now from both_editions where rank_before is null order by rank_now, uscc",
    "left": "select uscc || ' ' || rank_before from both_editions where rank_now is null order by rank_before, uscc",
}
_SHOWN = {
    **{name: "rank" for name in FIGURES if name.startswith(("kendall", "places"))},
    **{name: "score" for name in FIGURES if name.startswith(("scores", "stability_of_s"))},
    "first_100_kept_pct": "first",
    "entered_pct": "entered",
    "left_pct": "left",
}


@dataclass(frozen=True)
class Compared:
    """The comparison of two editions: why they may differ, how many enterprises are ranked in either and in both.

    `figures` by the name of their check, None where nothing is in both; `examples` are enterprises, or the indicators
    whose distribution moved most; `indicators` the stability index of each indicator that is in both.
    """

    change: str
    before: int
    now: int
    both: int
    figures: dict[str, float | None]
    examples: dict[str, list[str]]
    indicators: dict[str, float]

    def as_dict(self, checks: Sequence[GateCheck]) -> dict[str, Any]:
        """The comparison as JSON can hold it, each figure beside its limits."""
        limits = {check.name: _limit(check, self.change) for check in checks}
        rows = [
            {"figure": name, "value": self.figures[name], "warning": limit.warning, "critical": limit.critical}
            for name, limit in limits.items()
        ]
        facts = {name: getattr(self, name) for name in ("change", "before", "now", "both", "indicators")}
        return {**facts, "figures": rows}


def side_by_side(connection: duckdb.DuckDBPyConnection, warehouse: Path, previous_edition: Path) -> None:
    """Attach the warehouse as `candidate`, and make `both_editions`: enterprises ranked in either, before and now."""
    connection.execute(f"attach {literal(warehouse)} as candidate (read_only)")
    connection.execute(_BOTH.format(before=sealed_table(previous_edition, "rankings")))


def compare_editions(warehouse: Path, previous_edition: Path, *, is_correction: bool = False) -> Compared:
    """Work out every figure of `FIGURES` for the DuckDB file of a candidate and the folder of a sealed edition."""
    with duckdb.connect() as connection:
        side_by_side(connection, warehouse, previous_edition)
        sizes = "select count(rank_before), count(rank_now), count(rank_before + rank_now) from both_editions"
        ((before, now, both),) = connection.execute(sizes).fetchall()
        # Of few enterprises the first 100 would be nearly all, and would all stay: the better half is taken instead.
        first = min(FIRST, before // 2)
        counted = ", ".join(f"100.0 * {share}" for share in _COUNTED.values())
        query = f"select {counted} from both_editions".format(before=before, now=now, both=both, first=first)
        (counts,) = connection.execute(query).fetchall()
        ranks, scores = (_columns(connection, name) for name in ("rank", "score"))
        indicators = _indicators(connection, previous_edition)
        figures: dict[str, float | None] = dict(zip(_COUNTED, counts, strict=True))
        figures["kendall_tau"] = _kendall_tau(*ranks)
        figures["stability_of_scores"] = _of_scores(*scores)
        figures["stability_of_indicators"] = max(indicators.values(), default=None)
        queries = {name: f"{query.format(first=first)} limit {EXAMPLES}" for name, query in _EXAMPLES.items()}
        shown = {name: [str(row[0]) for row in connection.execute(query).fetchall()] for name, query in queries.items()}
        change = _change(connection, previous_edition, is_correction=is_correction)
    largest = sorted(indicators.items(), key=lambda one: (-one[1], one[0]))[:EXAMPLES]
    examples = {name: shown[of] for name, of in _SHOWN.items()}
    examples["stability_of_indicators"] = [f"{code} {value:.4g}" for code, value in largest if value]
    rounded = {name: None if figures[name] is None else round(float(figures[name] or 0), 4) for name in FIGURES}
    return Compared(change, before, now, both, rounded, examples, indicators)


def audit_against(
    checks: Sequence[GateCheck], warehouse: Path, previous_edition: Path | None, *, is_correction: bool = False
) -> tuple[list[GateResult], dict[str, Any] | None]:
    """The result of each check between two editions, and the comparison; None for the first edition of all.

    A comparison that fails is an error of each check, which blocks.
    """
    blanks = [GateResult(one.name, EDITION, one.severity, "not_applicable", 0, None, NO_PREVIOUS, one.why, one.why_zh)
              for one in checks]  # fmt: skip
    if previous_edition is None or not checks:
        return blanks, None
    try:
        compared = compare_editions(warehouse, previous_edition, is_correction=is_correction)
    except duckdb.Error as error:
        exception = one_line(error)
        observed = f"could not be evaluated: {exception}"
        return [replace(blank, outcome="error", exception=exception, observed=observed) for blank in blanks], None
    found = [_judged(blank, check, compared) for blank, check in zip(blanks, checks, strict=True)]
    return found, compared.as_dict(checks)


def _limit(check: GateCheck, change: str) -> EditionLimit:
    return next(limit for limit in check.limits if limit.change == change)


def _judged(blank: GateResult, check: GateCheck, compared: Compared) -> GateResult:
    limit, value = _limit(check, compared.change), compared.figures[check.name]
    blank = replace(blank, why=limit.why, why_zh=limit.why_zh)
    field = compared.before if check.name in OF_BEFORE else min(compared.before, compared.now)
    if field < LEAST:
        return replace(blank, observed=f"of {field} ranked enterprises, fewer than {LEAST}, it says nothing")
    if value is None and check.name == "stability_of_indicators" and compared.change == RULE_CHANGE:
        return replace(blank, observed="no indicator is in both rule sets")
    word = "at least" if check.name in AT_LEAST else "at most"
    allowed = f"{word} {limit.warning:g}" + ("" if limit.critical is None else f", {limit.critical:g} blocks")
    outcome, severity = _outcome(check.name, value, limit)
    found = compared.examples[check.name] if outcome == "failed" else []
    shown = "nothing is in both editions" if value is None else f"{value:g}"
    return replace(
        blank,
        outcome=outcome,
        severity=severity,
        evaluated_rows=max(compared.before, compared.now),
        observed=f"{shown} ({compared.change}: {allowed})" + (f": {'; '.join(found)}" if found else ""),
    )


def _outcome(name: str, value: float | None, limit: EditionLimit) -> tuple[CheckOutcome, Severity]:
    """The outcome and severity of a figure: of a pass the hardest severity possible, of a failure that of its limit."""
    hardest: Severity = "warning" if limit.critical is None else "critical"
    if value is None:
        return "failed", "critical"
    sign = -1 if name in AT_LEAST else 1
    if limit.critical is not None and sign * value > sign * limit.critical:
        return "failed", "critical"
    if sign * value > sign * limit.warning:
        return "failed", "warning"
    return "passed", hardest


def stability_index(before: Mapping[Any, int], now: Mapping[Any, int]) -> float:
    """The population stability index of two counts by bin: 0 where they are alike.

    An empty bin counts a half: there is no logarithm of 0.
    """

    def share(counts: Mapping[Any, int], bin_: Any) -> float:
        return max(counts.get(bin_, 0), 0.5) / sum(counts.values())

    shares = [(share(before, bin_), share(now, bin_)) for bin_ in sorted({*before, *now})]
    return round(sum((new - old) * log(new / old) for old, new in shares), 4)


_Numbers = npt.NDArray[np.float64]


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[_Numbers, _Numbers]:
    """Ranks or scores before and now, by code; NaN where an enterprise was not ranked."""
    query = f"""select coalesce(cast({name}_before as double), 'nan') as before,
        coalesce(cast({name}_now as double), 'nan') as now from both_editions order by uscc"""
    found = connection.execute(query).fetchnumpy()
    return found["before"], found["now"]


def _kendall_tau(before: _Numbers, now: _Numbers) -> float | None:
    """The share of pairs of enterprises in the same order less that of pairs in another order: 1 where all are kept."""
    from scipy.stats import kendalltau

    both = ~(np.isnan(before) | np.isnan(now))
    if both.sum() < 2:
        return None
    found = float(kendalltau(before[both], now[both], method="asymptotic").statistic)
    return None if isnan(found) else found


def _of_scores(before: _Numbers, now: _Numbers) -> float | None:
    """The stability index of the scores, in ten groups of equal size of the edition before."""
    before, now = before[~np.isnan(before)], now[~np.isnan(now)]
    if not len(before) or not len(now):
        return None
    edges = np.unique(np.quantile(before, np.arange(0.1, 1, 0.1), method="inverted_cdf"))
    sides = (np.bincount(np.searchsorted(edges, one), minlength=len(edges) + 1) for one in (before, now))
    return stability_index(*(dict(enumerate(counts.tolist())) for counts in sides))


def _indicators(connection: duckdb.DuckDBPyConnection, previous_edition: Path) -> dict[str, float]:
    """The stability index of each indicator that is in both editions: of the share of its points, in tenths."""
    counts: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
    query = _BINS.format(before=sealed_table(previous_edition, "points"))
    for code, bin_, *sides in connection.execute(query).fetchall():
        for counted, n in zip(counts.setdefault(code, ({}, {})), sides, strict=True):
            counted[bin_] = n
    return {code: stability_index(*both) for code, both in counts.items() if all(sum(one.values()) for one in both)}


def _change(connection: duckdb.DuckDBPyConnection, previous_edition: Path, *, is_correction: bool) -> str:
    """Why the two may differ, by their rules, their reporting year, their day and their supply."""
    query = f"""
        select f.ruleset_id <> r.ruleset_id,
            f.reporting_year <> r.reporting_year or extract(year from f.as_of) <> extract(year from r.as_of),
            f.as_of - r.as_of > {PAUSE_DAYS}
        from candidate.ruleset_in_force as f, (
            select min(ruleset_id) as ruleset_id, min(reporting_year) as reporting_year, min(as_of) as as_of
            from {sealed_table(previous_edition, "rankings")}) as r"""
    ((is_ruled_anew, is_new_year, is_after_pause),) = connection.execute(query).fetchall()
    supplied = f"""select count(*) from candidate.supply as now
        full join {sealed_table(previous_edition, "supply")} as before using (source, dataset)
        where coalesce(now.is_supplied, false) <> coalesce(before.is_supplied, false)
            or (before.is_stale and not now.is_stale)"""
    ((back,),) = connection.execute(supplied).fetchall()
    happened = {
        RULE_CHANGE: is_ruled_anew,
        NEW_YEAR: is_new_year,
        CORRECTION: is_correction,
        AFTER_OUTAGE: is_after_pause or back,
        NIGHTLY: True,
    }
    return next(change for change, is_so in happened.items() if is_so)
