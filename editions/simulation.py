"""Comparison of two candidates of one day: which enterprises a proposal moves, and how many are near a limit."""

# ruff: noqa: S608  # SQL of names that stand here

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from editions.html_page import Html, page, table, text
from editions.manifest import canonical_json
from editions.score.work_folder import work_folder
from editions.sql_text import literal, row_dicts
from ledger.files import file_sha256

FIELDS = ("zone", "stage", "industry", "size")
VERDICTS = ("gains", "loses", "unchanged", "enters", "leaves", "unranked")
NEAR_EDGE_PCT = 5
ENTERPRISES = """
create table enterprises as
select
    coalesce(p.uscc, t.uscc) as uscc,
    coalesce(p.enterprise_name, t.enterprise_name) as enterprise_name,
    'zone' as zone,
    coalesce(t.stage, p.stage, 'not known') as stage,
    coalesce(t.industry_name, p.industry_name, 'not known') as industry,
    case
        when f.revenue_cny < 20000000 then '<20M'
        when f.revenue_cny < 200000000 then '20M-200M'
        when f.revenue_cny >= 200000000 then '>=200M'
        else 'not known'
    end as size,
    t.score as score_today,
    p.score as score_proposed,
    t.rank_overall as rank_today,
    p.rank_overall as rank_proposed,
    t.rank_overall - p.rank_overall as places_gained,
    case
        when t.rank_overall is null and p.rank_overall is null then 'unranked'
        when t.rank_overall is null then 'enters'
        when p.rank_overall is null then 'leaves'
        when p.rank_overall < t.rank_overall then 'gains'
        when p.rank_overall > t.rank_overall then 'loses'
        else 'unchanged'
    end as verdict
from today.rankings as t
full join proposed.rankings as p on t.uscc = p.uscc
left join today.enterprise_facts as f on coalesce(t.uscc, p.uscc) = f.uscc
order by uscc
"""
GROUPS = """
create table groups as
select * from (
    {fields}
)
order by field, value
"""
OF_FIELD = """select
    '{field}' as field, {field} as value, count(*) as enterprises,
    {counts}, cast(sum(places_gained) as bigint) as places_gained
from enterprises group by {field}"""
DECIDED = """select 'product' as kind, product_id as item_id, uscc, decision = 'eligible' as is_open
    from {0}.product_offers
    union all
    select 'policy', policy_id, uscc, decision = 'eligible' from {0}.policy_decisions
    union all
    select 'reward', reward_id, uscc, state = 'given' from {0}.reward_places"""
ITEMS = f"""
create table items as
with beside as (
    select
        coalesce(t.kind, p.kind) as kind,
        coalesce(t.item_id, p.item_id) as item_id,
        coalesce(t.is_open, false) as was,
        coalesce(p.is_open, false) as is_now
    from ({DECIDED.format("today")}) as t
    full join ({DECIDED.format("proposed")}) as p on t.kind = p.kind and t.item_id = p.item_id and t.uscc = p.uscc
)

select
    kind, item_id,
    count(*) filter (where was) as open_today,
    count(*) filter (where is_now) as open_proposed,
    count(*) filter (where is_now and not was) as opened,
    count(*) filter (where was and not is_now) as closed
from beside
group by kind, item_id
order by kind, item_id
"""
MONEY = """
create table money as
select
    'loan limits' as what,
    (select cast(sum(limit_fen) as bigint) from today.product_offers where not is_addition) as today_fen,
    (select cast(sum(limit_fen) as bigint) from proposed.product_offers where not is_addition) as proposed_fen
union all
select
    'subsidies payable',
    (select cast(sum(amount_fen) as bigint) from today.subsidy_pay_list),
    (select cast(sum(amount_fen) as bigint) from proposed.subsidy_pay_list)
"""
# An amount that many enterprises are just below is one that some will stay below on purpose.
CLIFFS = f"""
create table cliffs as
with edges as (
    select distinct fact, unnest([lo, hi]) as edge from proposed.programme_conditions where fact like '%_cny'
    union
    select basis, unnest([lo_cny, hi_cny])
    from proposed.product_limits join proposed.products using (product_id, version) where basis is not null
    union
    select 'revenue_cny', unnest([revenue_low_cny, revenue_high_cny]) from proposed.subsidy_tiers
    union
    select 'revenue_cny', unnest([revenue_low_cny, revenue_high_cny]) from proposed.stages
)

select
    edges.fact, cast(edges.edge as decimal(20, 2)) as edge_cny,
    count(*) filter (where facts.number < edges.edge) as just_below,
    count(*) filter (where facts.number >= edges.edge) as at_or_just_above
from edges
left join proposed.facts as facts
    on
        edges.fact = facts.fact
        and facts.subject_id > 0
        and abs(facts.number - edges.edge) * 100 <= {NEAR_EDGE_PCT} * edges.edge
where edges.edge > 0
group by edges.fact, edges.edge
order by edges.fact, edges.edge
"""
TABLES = ("enterprises", "groups", "items", "money", "cliffs")
RECORD, SUMS, PAGE = "record.json", "SHA256SUMS", "page.html"
HEADS = {
    "as_of": "业务日期 business date",
    "ruleset": "拟议规则集 proposed rules",
    "parameters": "拟议参数 proposed terms",
    "inputs": "数据输入 inputs",
    "edition": "对照版次 edition",
    "field": "分组 by",
    "value": "组 group",
    "enterprises": "企业 enterprises",
    "gains": "上升 gain",
    "loses": "下降 lose",
    "unchanged": "不变 unchanged",
    "enters": "进入排名 enter",
    "leaves": "退出排名 leave",
    "unranked": "未排名 unranked",
    "places_gained": "名次变化 places gained",
    "kind": "类别 kind",
    "item_id": "事项 item",
    "open_today": "现符合 open today",
    "open_proposed": "拟符合 open as proposed",
    "opened": "新符合 opened",
    "closed": "不再符合 closed",
    "what": "项目 what",
    "today_fen": "现金额 today",
    "proposed_fen": "拟金额 as proposed",
    "fact": "事实 fact",
    "edge_cny": "门槛（元） edge in yuan",
    "just_below": "略低于 just below",
    "at_or_just_above": "达到或略高 at or just above",
}
"""The headers of the page's columns, and the names of the facts about the simulation."""


class SimulationError(ValueError):
    """Two computations of the same figures do not agree, or a folder cannot be written."""


def compare(today: Path, proposed: Path, out: Path, head: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Compare the warehouses of two candidates, and write tables, page and record into the new folder `out`.

    `head` has the record's facts about what was compared. Gains and losses are counted twice, by SQL and from the ranks
    one by one; raises `SimulationError` where the two counts differ, and for a folder that exists already.
    """
    require_new(out)
    with duckdb.connect() as connection:
        for name, path in (("today", today), ("proposed", proposed)):
            connection.execute(f"attach {literal(path)} as {name} (read_only)")
        counts = ", ".join(f"count(*) filter (where verdict = '{one}') as {one}" for one in VERDICTS)
        fields = " union all ".join(OF_FIELD.format(field=field, counts=counts) for field in FIELDS)
        for statement in (ENTERPRISES, GROUPS.format(fields=fields), ITEMS, MONEY, CLIFFS):
            connection.execute(statement)
        found = {table: row_dicts(connection.execute(f"from {table}")) for table in TABLES}
        _require_agreement(connection, found["groups"])
        out.parent.mkdir(parents=True, exist_ok=True)
        with work_folder(out.parent, f".{out.name}-") as folder:
            _write(connection, folder / "whole", head, found)
            _put(folder / "whole", out)
    return found


def _write(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    head: Mapping[str, Any],
    found: Mapping[str, Sequence[Mapping[str, Any]]],
) -> None:
    """Write tables, page, record and hashes into a new folder."""
    folder.mkdir()
    for name in TABLES:
        connection.execute(f"copy {name} to {literal(folder / f'{name}.csv')} (header, delimiter ',')")
    (folder / PAGE).write_text(_page(head, found), encoding="utf-8")
    files = [*(f"{name}.csv" for name in TABLES), PAGE]
    hashes = {name: file_sha256(folder / name) for name in files}
    (folder / RECORD).write_bytes(canonical_json({**head, "files": hashes}))
    sums = {**hashes, RECORD: file_sha256(folder / RECORD)}
    text_of_sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    (folder / SUMS).write_text(text_of_sums, encoding="utf-8")


def _put(whole: Path, out: Path) -> None:
    """Give a complete folder its name: readers see all or nothing, and of two writers at once one is refused."""
    try:
        whole.rename(out)
    except OSError:
        require_new(out)
        raise


def require_new(out: Path) -> None:
    """Raise `SimulationError` for a folder that exists already: nothing is overwritten."""
    if out.exists():
        raise SimulationError(f"{out} is there already. Next: give another folder with --out")


def _require_agreement(connection: duckdb.DuckDBPyConnection, groups: Sequence[Mapping[str, Any]]) -> None:
    """Count gains and losses again, from each enterprise's two ranks, and compare every group."""
    ranks = {
        name: dict(connection.execute(f"select uscc, rank_overall from {name}.rankings").fetchall())
        for name in ("today", "proposed")
    }
    fields = connection.execute(f"select uscc, {', '.join(FIELDS)} from enterprises").fetchall()
    counted: Counter[tuple[str, str, str]] = Counter()
    for uscc, *values in fields:
        verdict = _verdict(ranks["today"].get(uscc), ranks["proposed"].get(uscc))
        counted.update((field, value, verdict) for field, value in zip(FIELDS, values, strict=True))
    listed = {(row["field"], row["value"], verdict): row[verdict] for row in groups for verdict in VERDICTS}
    if counted != Counter({key: count for key, count in listed.items() if count}) or len(fields) != len(
        ranks["today"].keys() | ranks["proposed"].keys()
    ):
        raise SimulationError("gains and losses counted twice do not agree. Whose: jifen. Next: report it")


def _verdict(today: int | None, proposed: int | None) -> str:
    if today is None or proposed is None:
        return {(True, True): "unranked", (True, False): "enters"}.get((today is None, proposed is None), "leaves")
    return "gains" if proposed < today else "loses" if proposed > today else "unchanged"


def _page(head: Mapping[str, Any], found: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """One page without a script: the groups with a bar each, items, money and limits."""
    parts = [f"<h1>模拟 Simulation {text(head['as_of'])}</h1>"]
    hashes = f"{RECORD} 中有各数据集的哈希 has the hash of each dataset"
    parts.append(table(("", ""), [(HEADS[name], hashes if name == "inputs" else head[name]) for name in head]))
    titles = {
        "groups": "得失 Who gains, who loses",
        "items": "事项 Items",
        "money": "资金 Money (分 fen)",
        "cliffs": "门槛 Edges",
    }
    for name, title in titles.items():
        heads = [HEADS.get(column, column) for column in found[name][0]] if found[name] else []
        lines = ([*row.values(), *([_bar(row)] if name == "groups" else [])] for row in found[name])
        parts.append(f"<h2>{text(title)}</h2>" + table([*heads, *([""] if name == "groups" else [])], lines))
    return page("jifen simulate", parts)


def _bar(row: Mapping[str, Any]) -> Html:
    """How many of a group gain, stay and lose, as one bar of 120 pixels."""
    shares = [(row["gains"], "#2a7"), (row["unchanged"], "#bbb"), (row["loses"], "#c44")]
    whole = sum(count for count, _ in shares) or 1
    rects, at = [], 0.0
    for count, colour in shares:
        width = 120 * count / whole
        rects.append(f'<rect x="{at:.2f}" width="{width:.2f}" height="12" fill="{colour}"/>')
        at += width
    return Html(f'<svg width="120" height="12" style="max-width:none" role="img">{"".join(rects)}</svg>')
