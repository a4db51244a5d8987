"""The kinds of faults that are planted, and the SQL that plants one into a table."""

# ruff: noqa: S608  # SQL of our own kinds over made-up tables

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from ledger.files import read_csv

KINDS: Final = Path(__file__).with_name("kinds.csv")
STRENGTHS: Final = {"few": 0.005, "part": 0.1, "all": 1.0}
"""Which share of the records in question a fault strikes; at least two records."""


@dataclass(frozen=True)
class Kind:
    """One kind: where (agency, arrival, consents, warehouse, ruleset, landed), which table, among which rows, and what.

    `arrival`: the records in question are new tonight, and all of them are faulty.

    `op`: `set` columns to expressions, `shift` columns by one row, `sort` each column by itself against the keys,
    `rotate` the categories of a column, `drop` rows, `copy` rows with columns set.
    """

    kind: str
    where: str
    table: str
    among: str
    op: str
    sets: str

    @property
    def strengths(self) -> tuple[str, ...]:
        """How much of it is planted: a period that comes is wrong as a whole."""
        return ("all",) if self.where == "arrival" else tuple(STRENGTHS)


def read_kinds() -> list[Kind]:
    """Every kind, in the order of the file."""
    return [Kind(**row) for row in read_csv(KINDS)]


def planted_sql(kind: Kind, share: float, key: Sequence[str], table: str, columns: dict[str, str]) -> str:
    """A query for `table` with the fault in it; a hash of the key decides which rows are hit."""
    among = kind.among or "true"
    by = f"hash({', '.join(key)}), {', '.join(key)}"
    marked = f"""with marked as (
        select *, coalesce({among}, false) as _in,
            row_number() over (partition by coalesce({among}, false) order by {by}) as _at,
            count(*) filter ({among}) over () as _of from {table}
    ), struck as (select *, _in and _at <= greatest(2, ceil(_of * {share})) as _hit from marked)"""
    gone = "_in, _at, _of, _hit"
    if kind.op == "drop":
        return f"{marked} select * exclude ({gone}) from struck where not _hit"
    if kind.op == "shift":
        wanted = kind.sets.split(";")
        window = f"over (partition by _hit order by {', '.join(key)})"
        moved = {name: f"coalesce(lead({name}) {window}, first({name}) {window})" for name in wanted}
    elif kind.op == "sort":
        at = f"row_number() over (partition by _hit order by {', '.join(key)})"
        moved = {
            name: f"(select list({name} order by {name} nulls last) from struck where _hit)[{at}]"
            for name in kind.sets.split(";")
        }
    elif kind.op == "rotate":
        listed = f"(select list(distinct {kind.sets} order by {kind.sets}) from {table} where {kind.sets} is not null)"
        moved = {kind.sets: f"{listed}[list_position({listed}, {kind.sets}) % len({listed}) + 1]"}
    else:
        moved = dict(one.split("=", 1) for one in _parts(kind.sets))
    cast = {name: f"cast({value} as {columns[name]})" for name, value in moved.items()}
    if kind.op == "copy":
        replaced = ", ".join(f"{value} as {name}" for name, value in cast.items())
        return f"""{marked} select * exclude ({gone}) from struck
            union all by name select * exclude ({gone}) replace ({replaced}) from struck where _hit"""
    replaced = ", ".join(f"case when _hit then {value} else {name} end as {name}" for name, value in cast.items())
    return f"{marked} select * exclude ({gone}) replace ({replaced}) from struck"


def _parts(sets: str) -> list[str]:
    return [one.strip() for one in sets.split(";") if one.strip()]


def plant(db: duckdb.DuckDBPyConnection, kind: Kind, share: float, key: Sequence[str], table: str) -> int:
    """Make `planted`, the table with the fault in it; answers how many rows the fault changed, added or took away.

    Where the rows that were drawn would stay as they are (a shift among equals), more are drawn.
    """
    columns = {row[0]: row[1] for row in db.execute(f"describe {table}").fetchall()}
    while True:
        query = planted_sql(kind, share, key, table, columns)
        db.execute(f"create or replace table planted as from ({query}) order by {', '.join(key)}")
        struck = max(_differing(db, "planted", table), _differing(db, table, "planted"))
        if struck or share >= 1:
            return struck
        share = min(1, 4 * share)


def _differing(db: duckdb.DuckDBPyConnection, one: str, other: str) -> int:
    (count,) = db.execute(f"select count(*) from (from {one} except all from {other})").fetchone() or (0,)
    return int(count)


def plant_file(kind: Kind, share: float, key: Sequence[str], source: Path, target: Path) -> int:
    """Write a Parquet file with the fault in it, in key order; answers how many rows it changed, added or took away."""
    with duckdb.connect() as db:
        db.execute("set threads = 1")
        db.from_parquet(str(source)).create_view("sound")
        struck = plant(db, kind, share, key, "sound")
        db.execute("copy planted to $target (format parquet)", {"target": str(target)})
        return struck
