"""The gate's page of one run: the verdict, what changed since the edition before, every check, and the datasets."""

# ruff: noqa: S608  # SQL over our own tables

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from editions.html_page import Html, Name, page, table, text
from editions.sql_text import sealed_table
from expectations.against import side_by_side
from expectations.suites import AT_LEAST

LARGEST = 20
CHANGES = {
    "nightly": "日常版次 an ordinary night",
    "rule_change": "规则变更后 after a change of rule set",
    "new_year": "换年度后 the first of another reporting year",
    "after_outage": "数据恢复后 after an outage, or another dataset supplied",
    "correction": "更正版次 a correction",
}
FIGURE_NAMES = {
    "kendall_tau": "名次一致性（肯德尔 τ） order kept, Kendall's tau",
    "places_moved_over_1_pct": "名次变动超过 1% 的企业占比 % that moved by more than 1 % of the places",
    "places_moved_over_5_pct": "名次变动超过 5% 的企业占比 % that moved by more than 5 % of the places",
    "places_moved_over_10_pct": "名次变动超过 10% 的企业占比 % that moved by more than 10 % of the places",
    "scores_moved_over_1_point": "得分变动超过 1 分的企业占比 % whose score moved by more than 1",
    "scores_moved_over_5_points": "得分变动超过 5 分的企业占比 % whose score moved by more than 5",
    "first_100_kept_pct": "前 100 名保留比例 % of the first 100 that stayed there",
    "stability_of_scores": "得分分布稳定性（PSI） stability index of the scores",
    "stability_of_indicators": "指标分布稳定性（PSI，最大者） stability index, the indicator that moved most",
    "entered_pct": "新进入企业占比 % that entered",
    "left_pct": "退出企业占比 % that left",
}
OUTCOMES = {
    "failed": "未通过 failed",
    "error": "出错 error",
    "not_evaluated": "未能检查 not evaluated",
    "passed": "通过 passed",
    "not_applicable": "不适用 not applicable",
}
"""The outcomes, in the order in which checks are listed."""
QUIET = ("passed", "not_applicable")
"""The outcomes that are listed at the end, after those to be looked at."""
STATES = {"passed": "通过 passed", "blocked": "阻断 blocked"}
PULLS = {
    "landed": "已落地 landed",
    "unchanged": "无变化 unchanged",
    "held": "暂缓采用 held",
    "failed": "失败 failed",
    "not_supplied": "未提供 not supplied",
}
SEVERITIES = {"critical": "阻断级 critical", "warning": "警告级 warning"}

_CHANGED = {
    "上版排名企业 ranked before": "count(rank_before)",
    "本次排名企业 ranked now": "count(rank_now)",
    "新进入 entered": "count(*) filter (rank_before is null)",
    "退出 left": "count(*) filter (rank_now is null)",
    "得分有变化 score changed": "count(*) filter (score_before <> score_now)",
    "得分变化不小于 1 score moved by 1 or more": "count(*) filter (abs(score_now - score_before) >= 1)",
    "名次变化大于 10 rank moved by more than 10": "count(*) filter (abs(rank_now - rank_before) > 10)",
    "两版前 100 名重合 in the first 100 of both": "count(*) filter (rank_before <= 100 and rank_now <= 100)",
}
"""How many enterprises changed in each way, in SQL over `both_editions`."""

_LARGEST = {
    "代码 Code": "uscc",
    "企业 Enterprise": "enterprise_name",
    "原名次 Rank before": "rank_before",
    "现名次 Rank now": "rank_now",
    "原得分 Score before": "score_before",
    "现得分 Score now": "score_now",
}
_LARGEST_MOVES = f"""
select {", ".join(_LARGEST.values())}
from both_editions
where score_before is distinct from score_now or rank_before is distinct from rank_now
order by abs(coalesce(score_now, 0) - coalesce(score_before, 0)) desc, uscc
limit {LARGEST}"""

_SCORES = """
select cast(least(floor(score / 5), 19) as integer) as bin, count(*) as firms
from {rankings} where is_ranked group by bin"""

_INDICATORS = """
select indicator_code, cast(round(100 * sum(points) / nullif(sum(points_maximum), 0), 2) as double) as share
from {points} where is_counted group by indicator_code order by indicator_code"""


def gate_page(
    verdict: Mapping[str, Any],
    warehouse: Path,
    previous_edition: Path | None,
    facts: Mapping[str, object],
    datasets: Sequence[Mapping[str, Any]],
) -> str:
    """The page of an audited candidate, passed or blocked; equal candidates give equal pages.

    `verdict` is `Verdict.as_dict()`, `previous_edition` the folder of the edition that it was compared with, `facts`
    facts about the run, by a title in both languages, `datasets` the result of each pull
    (`source`, `dataset`, `state`, `rows_received`, `rows_refused`, `changed`, `message`).
    """
    state = str(verdict["state"])
    parts = [
        f"<h1>发布闸门 Gate: {text(STATES[state])}</h1>",
        table(("", ""), facts.items()),
        *_problems(verdict.get("problems", ())),
        "<h2>检查 Checks</h2>",
        counts_of(verdict),
        *_overrides(verdict.get("overrides", ())),
        checks_table([one for one in verdict["checks"] if one["outcome"] not in QUIET]),
        "<h2>与上一版比较 Compared with the edition before</h2>",
        *figures_compared(verdict.get("against")),
        *_by_indicator(verdict.get("against")),
        *_compared(warehouse, previous_edition),
        "<h2>数据集 Datasets</h2>",
        datasets_table(datasets),
        "<h2>其余检查 Other checks</h2>",
        checks_table([one for one in verdict["checks"] if one["outcome"] in QUIET]),
    ]
    return page(f"发布闸门 Gate {' '.join(str(fact) for fact in facts.values())}", parts)


def _problems(problems: Sequence[str]) -> Iterable[str]:
    if problems:
        yield "<h2>检查规则有误 The suites have problems</h2>"
        yield table(("",), ((problem,) for problem in problems))


def _overrides(overrides: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    if overrides:
        heads = ("豁免 Override", "检查 Checks", "理由 Why", "有效至 Until", "签署 Signed by")
        rows = (
            (one["override_id"], ", ".join(one["checks"]), one["why"], one["until"], ", ".join(one["signed_by"]))
            for one in overrides
        )
        yield table(heads, rows)


def counts_of(verdict: Mapping[str, Any]) -> str:
    """The number of checks by outcome."""
    counts = verdict["counts"]
    shown = "，".join(f"{OUTCOMES[name]} {counts[name]}" for name in OUTCOMES if name in counts)
    return f"<p>{verdict['declared']} 项 checks：{text(shown)}</p>"


def checks_table(checks: Sequence[Mapping[str, Any]]) -> str:
    """A table of these checks, blocking ones first."""
    order = list(OUTCOMES)
    ordered = sorted(
        checks,
        key=lambda one: (not one["blocks"], order.index(one["outcome"]), one["severity"], one["table"], one["name"]),
    )
    if not checks:
        return "<p>无 none</p>"
    rows = (
        (
            Html(f"<strong>{text(OUTCOMES[one['outcome']])}</strong>") if one["blocks"] else OUTCOMES[one["outcome"]],
            SEVERITIES[one["severity"]],
            Name(f"{one['table']}.{one['name']}"),
            one["evaluated_rows"],
            one["observed"],
            f"{one['why_zh']} {one['why']}".strip(),
        )
        for one in ordered
    )
    return table(("结果 Outcome", "级别 Severity", "检查 Check", "行数 Rows", "发现 Observed", "理由 Why"), rows)


def figures_compared(against: Mapping[str, Any] | None) -> Iterable[str]:
    """The figures beside the edition before with their limits; nothing for the first edition of all."""
    if against is None:
        return
    yield f"<p>{text(CHANGES[against['change']])}：{against['before']} → {against['now']}，{against['both']}</p>"
    yield table(
        ("指标 Figure", "数值 Value", "警告 Warning", "阻断 Blocks"),
        (
            (
                FIGURE_NAMES[one["figure"]],
                one["value"],
                *(
                    None if one[limit] is None else f"{'≥' if one['figure'] in AT_LEAST else '≤'} {one[limit]:g}"
                    for limit in ("warning", "critical")
                ),
            )
            for one in against["figures"]
        ),
    )


def _by_indicator(against: Mapping[str, Any] | None) -> Iterable[str]:
    moved = sorted(against["indicators"].items(), key=lambda one: (-one[1], one[0])) if against else ()
    if moved:
        yield "<h3>各指标分布稳定性 Stability index by indicator</h3>"
        yield table(("指标 Indicator", "PSI"), moved)


def _compared(warehouse: Path, previous_edition: Path | None) -> Iterable[str]:
    before = None if previous_edition is None else previous_edition / "tables" / "rankings.parquet"
    if previous_edition is None or before is None or not before.is_file():
        yield "<p>没有可比较的版次 There is no edition to compare with.</p>"
        return
    with duckdb.connect() as connection:
        side_by_side(connection, warehouse, previous_edition)
        counts = connection.execute(f"select {', '.join(_CHANGED.values())} from both_editions").fetchone() or ()
        yield table(("", "企业 Enterprises"), zip(_CHANGED, counts, strict=True))
        largest = connection.execute(_LARGEST_MOVES).fetchall()
        if largest:
            yield f"<h3>得分变化最大的 {LARGEST} 家 The {LARGEST} largest moves</h3>"
            yield table(tuple(_LARGEST), largest)
        yield from _charts(connection, previous_edition)


def _charts(connection: duckdb.DuckDBPyConnection, previous_edition: Path) -> Iterable[str]:
    from editions.charts import Point, bars, lying_bars

    tables = {
        "本次 now": ("candidate.rankings", "candidate.points"),
        "上版 before": (sealed_table(previous_edition, "rankings"), sealed_table(previous_edition, "points")),
    }
    scores: list[Point] = []
    shares: list[Point] = []
    for series, (rankings, points) in tables.items():
        counts = dict(connection.execute(_SCORES.format(rankings=rankings)).fetchall())
        scores += [Point(f"{5 * bin_}–{5 * bin_ + 5}", counts.get(bin_, 0), series) for bin_ in range(20)]
        found = connection.execute(_INDICATORS.format(points=points)).fetchall()
        shares += [Point(code, share, series) for code, share in found]
    yield f"<figure>{bars(scores, '得分分布 Scores', '家 enterprises')}</figure>"
    yield f"<figure>{lying_bars(shares, '各指标得分率 Points by indicator', '% of their maximum')}</figure>"


def datasets_table(datasets: Sequence[Mapping[str, Any]]) -> str:
    """A table with the result of each pull."""
    heads = (
        "数据集 Dataset",
        "状态 State",
        "收到 Received",
        "拒收 Refused",
        "未超限变化 Changed",
        "请核对 To be looked at",
        "说明 Notes",
    )
    return table(
        heads,
        (
            (
                f"{one['source']}.{one['dataset']}",
                PULLS.get(one["state"], one["state"]),
                one["rows_received"],
                one["rows_refused"],
                one.get("changed"),
                one.get("warned"),
                one.get("message"),
            )
            for one in sorted(datasets, key=lambda one: (one["source"], one["dataset"]))
        ),
    )
