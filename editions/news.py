"""What is new in an edition since the one before it, by event: policies, products, credit, subsidy lists."""

from pathlib import Path
from typing import Any

import duckdb

from editions.changes import changes
from editions.sql_text import both_sealed, row_dicts

WITH = """
with now_rows as (from {now}), then_rows as (from {then})
"""
POLICIES = """
select
    coalesce(n.policy_id, t.policy_id) as policy_id,
    any_value(coalesce(n.name_zh, t.name_zh)) as name_zh,
    any_value(coalesce(n.name_en, t.name_en)) as name_en,
    list(distinct coalesce(n.uscc, t.uscc) order by coalesce(n.uscc, t.uscc)) as enterprises
from now_rows as n
full join then_rows as t on n.uscc = t.uscc and n.policy_id = t.policy_id
where {moved}
group by all
order by policy_id
"""
MOVED = {
    "policy_gained": "n.decision = 'eligible' and t.decision is distinct from 'eligible'",
    "policy_near_miss": "n.decision = 'near_miss' and t.decision is distinct from 'near_miss'",
    "policy_lost": "t.decision = 'eligible' and n.decision is distinct from 'eligible'",
}
PRODUCTS = """
select distinct product_id, bank, name_zh, name_en from now_rows
where is_marketed and product_id not in (select product_id from then_rows where is_marketed)
order by product_id
"""
LISTS = """
select programme_id, policy_year, part, count(*) as lines, cast(sum(amount_fen) as bigint) as amount_fen,
    list(distinct uscc order by uscc) as enterprises
from now_rows
where programme_id in (
    select programme_id from (
        (select programme_id, claim_no, part, amount_fen from now_rows
            except select programme_id, claim_no, part, amount_fen from then_rows)
        union all
        (select programme_id, claim_no, part, amount_fen from then_rows
            except select programme_id, claim_no, part, amount_fen from now_rows)
    )
)
group by all
order by all
"""
TABLES = {
    **{event: ("policy_decisions", POLICIES.replace("{moved}", moved), "policies") for event, moved in MOVED.items()},
    "product_opened": ("product_offers", PRODUCTS, "products"),
    "subsidy_list": ("subsidy_pay_list", LISTS, "lists"),
}
"""By event the table that is compared, the query, and the key of its rows in the result."""
CREDIT = ("credit_reports", "restrictions")


def news(then: Path | None, now: Path) -> dict[str, dict[str, Any]]:
    """The news by event; events that did not happen are left out.

    `enterprises` of a row are codes; a caller that must not name enterprises leaves them out or counts them. There is
    no news without an edition before, nor of a table that one of the two does not have.
    """
    found: dict[str, dict[str, Any]] = {}
    if then is None:
        return found
    with duckdb.connect() as connection:
        for event, (table, query, name) in TABLES.items():
            tables = both_sealed(then, now, table)
            if tables and (rows := row_dicts(connection.execute(WITH.format(**tables) + query))):
                found[event] = {name: rows}
    facts: dict[tuple[str, str], set[str]] = {}
    for one in changes(then, now):
        if one["table"] in CREDIT:
            facts.setdefault((one["table"], one["fact"]), set()).add(one["uscc"])
    if facts:
        rows = [{"table": table, "fact": fact, "enterprises": sorted(codes)} for (table, fact), codes in facts.items()]
        found["credit_changed"] = {"changed": rows}
    return found
