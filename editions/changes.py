"""Differences between two editions in each enterprise's credit, products and policies: the bureau's watch list."""

from pathlib import Path
from typing import Any

import duckdb

from editions.sql_text import both_sealed, row_dicts

WATCHED = {
    "credit_reports": (
        ("uscc",),
        (
            "tax_grade",
            "credit_grade",
            "dishonesty_entries",
            "published_penalties",
            "restrictions",
            "is_in_good_standing",
        ),
    ),
    "restrictions": (("uscc", "measure_id", "event_no"), ("is_restricting",)),
    "product_offers": (("uscc", "product_id"), ("decision", "limit_fen")),
    "policy_decisions": (("uscc", "policy_id"), ("decision", "is_listed")),
    "reward_places": (("uscc", "reward_id"), ("state",)),
}
"""The tables that are compared: the columns of the key, and those that are watched. Versions are not in the key: a new
version of a product with the same decision changes nothing for the enterprise."""
QUERY = """
select
    coalesce(n.uscc, t.uscc) as uscc,
    concat_ws(' ', {key}) as item,
    {column!r} as fact,
    case when t.uscc is null then 'added' when n.uscc is null then 'removed' else 'changed' end as kind,
    cast(t.{column} as varchar) as was,
    cast(n.{column} as varchar) as is_now
from {now} as n
full join {then} as t on {on}
where cast(t.{column} as varchar) is distinct from cast(n.{column} as varchar)
order by all
"""


POLICIES = """
with compared as (
    select
        coalesce(n.policy_id, t.policy_id) as policy_id,
        coalesce(n.uscc, t.uscc) as uscc,
        coalesce(bool_or(n.decision = 'eligible'), false) as is_eligible,
        coalesce(bool_or(t.decision = 'eligible'), false) as was_eligible,
        coalesce(bool_or(n.is_listed), false) as is_listed
    from {now} as n
    full join {then} as t on n.uscc = t.uscc and n.policy_id = t.policy_id
    group by all
)
select
    policy_id,
    count(*) filter (where is_eligible) as eligible,
    count(*) filter (where is_listed) as listed,
    count(*) filter (where is_eligible and not was_eligible) as newly_eligible,
    count(*) filter (where was_eligible and not is_eligible) as no_longer_eligible,
    coalesce(list(uscc order by uscc) filter (where is_listed), []) as listed_enterprises
from compared
group by policy_id
order by policy_id
"""


def policy_counts(then: Path | None, now: Path) -> list[dict[str, Any]]:
    """For each policy how many are eligible, listed, newly eligible and no longer eligible, and who is listed.

    `then` is the folder of the edition before. Without one, or with one older than the programme, `newly_eligible` and
    `no_longer_eligible` are None: not known. An edition without policies has no rows.
    """
    compared = None if then is None else both_sealed(then, now, "policy_decisions")
    tables = compared or both_sealed(now, now, "policy_decisions")
    if tables is None:
        return []
    with duckdb.connect() as connection:
        found = row_dicts(connection.execute(POLICIES.format(**tables)))
    return found if compared else [one | {"newly_eligible": None, "no_longer_eligible": None} for one in found]


def changes(then: Path, now: Path) -> list[dict[str, Any]]:
    """Each watched cell that differs between the sealed editions in two folders, in the order of tables and codes.

    A row has table, uscc, item, fact, kind (added, removed, changed), was and is_now, as texts. A table that only one
    of the two has (an edition older than the programme has fewer) is not compared.
    """
    found = []
    with duckdb.connect() as connection:
        for table, (keys, columns) in WATCHED.items():
            tables = both_sealed(then, now, table)
            if tables is None:
                continue
            on = " and ".join(f"n.{key} = t.{key}" for key in keys)
            item = ", ".join(f"coalesce(n.{key}, t.{key})" for key in keys[1:]) or "null"
            for column in columns:
                query = QUERY.format(**tables, key=item, column=column, on=on)
                found += [{"table": table, **row} for row in row_dicts(connection.execute(query))]
    return found
