"""The gate's page of one run: the verdict, what changed since the edition before, every check, and the datasets."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from editions.html_page import Html, Name, page, table, text
from editions.sql_text import literal

LARGEST = 20
OUTCOMES = {
    "failed": "未通过 failed",
    "error": "出错 error",
    "not_evaluated": "未能检查 not evaluated",
    "passed": "通过 passed",
    "not_applicable": "不适用 not applicable",
}
"""In the order in which checks are listed."""
QUIET = ("passed", "not_applicable")
"""What is listed at the end, after all that somebody has to look at."""
STATES = {"passed": "通过 passed", "blocked": "阻断 blocked"}
PULLS = {
    "landed": "已落地 landed",
    "unchanged": "无变化 unchanged",
    "held": "暂缓采用 held",
    "failed": "失败 failed",
    "not_supplied": "未提供 not supplied",
}
SEVERITIES = {"critical": "阻断级 critical", "warning": "警告级 warning"}

_BOTH = """
create temp table both_editions as
select uscc, coalesce(now.enterprise_name, before.enterprise_name) as enterprise_name,
    before.rank_overall as rank_before, now.rank_overall as rank_now,
    before.score as score_before, now.score as score_now
from (select * from candidate.rankings where is_ranked) as now
full join (select * from {before} where is_ranked) as before using (uscc)"""

_CHANGED = """
select count(rank_before), count(rank_now), count(*) filter (where rank_before is null),
    count(*) filter (where rank_now is null), count(*) filter (where score_before <> score_now),
    count(*) filter (where abs(score_now - score_before) >= 1),
    count(*) filter (where abs(rank_now - rank_before) > 10),
    count(*) filter (where rank_before <= 100 and rank_now <= 100)
from both_editions"""
_CHANGED_NAMES = (
    "上版排名企业 ranked before",
    "本次排名企业 ranked now",
    "新进入 entered",
    "退出 left",
    "得分有变化 score changed",
    "得分变化不小于 1 score moved by 1 or more",
    "名次变化大于 10 rank moved by more than 10",
    "两版前 100 名重合 in the first 100 of both",
)

_LARGEST = """
select uscc, enterprise_name, rank_before, rank_now, score_before, score_now
from both_editions
where score_before is distinct from score_now or rank_before is distinct from rank_now
order by abs(coalesce(score_now, 0) - coalesce(score_before, 0)) desc, uscc
limit {limit}"""

_LARGEST_HEADS = (
    "代码 Code",
    "企业 Enterprise",
    "原名次 Rank before",
    "现名次 Rank now",
    "原得分 Score before",
    "现得分 Score now",
)

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
    """The page of a candidate that was audited, whichever way; equal candidates give equal pages.

    `verdict` is `Verdict.as_dict()`, `previous_edition` the folder of the edition that it was compared with, `facts`
    what a reader wants to know of the run, by a title in both languages, `datasets` what each pull came to
    (`source`, `dataset`, `state`, `rows_received`, `rows_refused`, `changed`, `message`).
    """
    state = str(verdict["state"])
    parts = [
        f"<h1>发布闸门 Gate: {text(STATES[state])}</h1>",
        table(("", ""), facts.items()),
        *_problems(verdict.get("problems", ())),
        "<h2>检查 Checks</h2>",
        _counts(verdict),
        *_overrides(verdict.get("overrides", ())),
        _checks([one for one in verdict["checks"] if one["outcome"] not in QUIET]),
        "<h2>与上一版比较 Compared with the edition before</h2>",
        *_compared(warehouse, previous_edition),
        "<h2>数据集 Datasets</h2>",
        _datasets(datasets),
        "<h2>其余检查 Other checks</h2>",
        _checks([one for one in verdict["checks"] if one["outcome"] in QUIET]),
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


def _counts(verdict: Mapping[str, Any]) -> str:
    counts = verdict["counts"]
    told = "，".join(f"{OUTCOMES[name]} {counts[name]}" for name in OUTCOMES if name in counts)
    return f"<p>{verdict['declared']} 项 checks：{text(told)}</p>"


def _checks(checks: Sequence[Mapping[str, Any]]) -> str:
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
            one["why"],
        )
        for one in ordered
    )
    return table(("结果 Outcome", "级别 Severity", "检查 Check", "行数 Rows", "发现 Observed", "理由 Why"), rows)


def _compared(warehouse: Path, previous_edition: Path | None) -> Iterable[str]:
    before = None if previous_edition is None else previous_edition / "tables" / "rankings.parquet"
    if previous_edition is None or before is None or not before.is_file():
        yield "<p>没有可比较的版次 There is no edition to compare with.</p>"
        return
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(warehouse)} as candidate (read_only)")
        connection.execute(_BOTH.format(before=_file(before)))
        counts = connection.execute(_CHANGED).fetchone() or ()
        yield table(("", "企业 Enterprises"), zip(_CHANGED_NAMES, counts, strict=True))
        largest = connection.execute(_LARGEST.format(limit=LARGEST)).fetchall()
        if largest:
            yield f"<h3>得分变化最大的 {LARGEST} 家 The {LARGEST} largest moves</h3>"
            yield table(_LARGEST_HEADS, largest)
        yield from _charts(connection, previous_edition)


def _charts(connection: duckdb.DuckDBPyConnection, previous_edition: Path) -> Iterable[str]:
    from editions.charts import Point, bars, lying_bars

    tables = {
        "本次 now": ("candidate.rankings", "candidate.points"),
        "上版 before": (
            _file(previous_edition / "tables" / "rankings.parquet"),
            _file(previous_edition / "tables" / "points.parquet"),
        ),
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


def _datasets(datasets: Sequence[Mapping[str, Any]]) -> str:
    heads = ("数据集 Dataset", "状态 State", "收到 Received", "拒收 Refused", "未超限变化 Changed", "说明 Notes")
    return table(
        heads,
        (
            (
                f"{one['source']}.{one['dataset']}",
                PULLS.get(one["state"], one["state"]),
                one["rows_received"],
                one["rows_refused"],
                one.get("changed"),
                one.get("message"),
            )
            for one in sorted(datasets, key=lambda one: (one["source"], one["dataset"]))
        ),
    )


def _file(path: Path) -> str:
    return f"read_parquet({literal(path)}, hive_partitioning = false)"
