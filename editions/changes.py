"""What two editions say differently about an enterprise's credit, products and policies: the bureau's watch list."""

from pathlib import Path
from typing import Any

import duckdb

from editions.sql_text import literal

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
version of a product that decides the same has changed nothing for the enterprise."""
QUERY = """
with now_rows as (select * from read_parquet({now}, hive_partitioning = false)),
then_rows as (select * from read_parquet({then}, hive_partitioning = false))
select
    coalesce(n.uscc, t.uscc) as uscc,
    concat_ws(' ', {key}) as item,
    {column!r} as fact,
    case when t.uscc is null then 'added' when n.uscc is null then 'removed' else 'changed' end as kind,
    cast(t.{column} as varchar) as was,
    cast(n.{column} as varchar) as is_now
from now_rows as n
full join then_rows as t on {on}
where cast(t.{column} as varchar) is distinct from cast(n.{column} as varchar)
order by all
"""


def changes(then: Path, now: Path) -> list[dict[str, Any]]:
    """Each watched cell that differs between the sealed editions in two folders, in the order of tables and codes.

    A row has table, uscc, item, fact, kind (added, removed, changed), was and is_now, as texts. A table that one of the
    two has not (an edition older than the programme) is not compared.
    """
    found = []
    with duckdb.connect() as connection:
        for table, (keys, columns) in WATCHED.items():
            files = [edition / "tables" / f"{table}.parquet" for edition in (then, now)]
            if not all(file.is_file() for file in files):
                continue
            then_file, now_file = (literal(file) for file in files)
            on = " and ".join(f"n.{key} = t.{key}" for key in keys)
            item = ", ".join(f"coalesce(n.{key}, t.{key})" for key in keys[1:]) or "null"
            for column in columns:
                query = QUERY.format(then=then_file, now=now_file, key=item, column=column, on=on)
                cursor = connection.execute(query)
                names = [name for name, *_ in cursor.description or ()]
                found += [{"table": table, **dict(zip(names, row, strict=True))} for row in cursor.fetchall()]
    return found
