"""The values that every peer scores, by hand-written SQL: landed records to a wide table, a row for each enterprise.

    .venv/bin/python benchmarks/scoring/contestants/values.py INPUTS SCORECARD OUT

leaves `measured.parquet`: uscc, industry_code, stage, and for each indicator `c01` and `c01_status` (0, or which reason
there is for no value, as in `measures` of the project).
"""

# ruff: noqa: S608 - the statements are made of names and numbers that stand in this project
import os
import sys
from datetime import date
from pathlib import Path
from string import Template
from typing import Any

import duckdb

HERE = Path(__file__).resolve().parent
NOT_SUPPLIED, NO_RECORD, NO_VALUE, NOT_DEFINED = 1, 2, 3, 4
CAN_BE_UNDEFINED = {"c02", "c03", "c04", "c10", "c11", "c13", "l05"}
"""Indicators beside which values_rest.sql has a flag that says they are not defined."""

Rows = list[dict[str, Any]]


def connect(out: Path) -> duckdb.DuckDBPyConnection:
    """An engine within the limits that all contestants have."""
    engine = duckdb.connect(config={"threads": 2})
    engine.execute("set preserve_insertion_order = false")
    engine.execute(f"set memory_limit = '{os.environ['BENCH_MEMORY_LIMIT']}'")
    engine.execute(f"set temp_directory = '{out / 'spill'}'")
    return engine


def measure(engine: duckdb.DuckDBPyConnection, inputs: Path, scorecard: Path) -> None:
    """Make the temporary table `valued`."""

    def rows(path: str) -> Rows:
        found = engine.execute(f"select * from '{path}'")
        names = [one[0] for one in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    tables = {name: rows(f"{scorecard}/{name}.parquet") for name in ("in_force", "stages", "levels", "inputs")}
    supply = rows(f"{inputs}/pipeline/supply/*.parquet")
    for macro in _macros(tables["levels"], supply):
        engine.execute(macro)
    given = {**_dates(tables["in_force"][0]), "inputs": inputs, "stage": _stage(tables["stages"])}
    for name in ("values.sql", "values_rest.sql"):
        engine.execute(Template((HERE / name).read_text(encoding="utf-8")).substitute(given))
    codes = sorted({row["indicator_code"] for row in tables["inputs"]})
    columns = (_valued(code, tables["inputs"], supply) for code in codes)
    engine.execute(f"create temp table valued as select uscc, industry_code, stage, {', '.join(columns)} from measured")


def _dates(in_force: dict[str, Any]) -> dict[str, str]:
    year = in_force["reporting_year"]
    days = {
        "as_of": in_force["as_of"],
        "two_years_before": in_force["two_years_before_as_of_on"],
        "young_after": in_force["young_if_founded_after_on"],
        "prior_december": date(year - 1, 12, 1),
        "prior_year_start": in_force["prior_year_start_on"],
        "year_start": in_force["year_start_on"],
        "year_end": in_force["year_end_on"],
    }
    return {"year": str(year), **{name: f"date '{day}'" for name, day in days.items()}}


def _stage(stages: Rows) -> str:
    """The stage, by age first and by revenue in fen then; empty where neither decides."""
    by_age, by_revenue = "", ""
    for stage in stages:
        name, low, high = stage["stage"], stage["revenue_low_cny"], stage["revenue_high_cny"]
        if (day := stage["young_if_founded_after_on"]) is not None:
            by_age += f" when founded_on > date '{day}' then '{name}'"
        above = "" if low is None else f" and revenue >{'=' if stage['inclusive_low'] else ''} {low} * 100"
        below = "" if high is None else f" and revenue <{'=' if stage['inclusive_high'] else ''} {high} * 100"
        by_revenue += f" when revenue is not null{above}{below} then '{name}'"
    return f"case{by_age}{by_revenue} else '' end"


def _macros(levels: Rows, supply: Rows) -> list[str]:
    """What a level counts, by indicator; and what the absence of all records means, by dataset."""
    cases: dict[str, str] = {}
    for row in levels:
        case = f" when '{row['level']}' then {row['quantity']}"
        cases[row["indicator_code"]] = cases.get(row["indicator_code"], "") + case
    made = [
        f"create macro quantity_{code.lower()}(level) as cast(case level{case} end as decimal(18, 6))"
        for code, case in cases.items()
    ]
    whole = [row for row in supply if row["is_supplied"] and row["coverage"] == "full"]
    none = " ".join(f"when '{row['source']}.{row['dataset']}' then 0" for row in whole)
    return [*made, f"create macro none_of(dataset) as case dataset {none} end"]


def _valued(code: str, inputs: Rows, supply: Rows) -> str:
    """The value of an indicator, and which reason there is for none."""
    supplied = {f"{row['source']}.{row['dataset']}" for row in supply if row["is_supplied"]}
    partial = {f"{row['source']}.{row['dataset']}" for row in supply if row["coverage"] == "partial"}
    name, own = code.lower(), [row for row in inputs if row["indicator_code"] == code]
    if any(row["dataset"] not in supplied for row in own):
        return f"cast(null as decimal(18, 6)) as {name}, {NOT_SUPPLIED}::tinyint as {name}_status"
    needed = [f"has_{row['dataset'].replace('.', '_')}_{row['years_back']}" for row in own if row["dataset"] in partial]
    why = f" when u_{name} then {NOT_DEFINED}" if name in CAN_BE_UNDEFINED else ""
    why += f" when not ({' and '.join(needed)}) then {NO_RECORD}" if needed else ""
    status = f"case when {name} is not null then 0{why} else {NO_VALUE} end"
    return f"cast({name} as decimal(18, 6)) as {name}, cast({status} as tinyint) as {name}_status"


def measures_of(engine: duckdb.DuckDBPyConnection) -> list[str]:
    """The columns of values in `valued`."""
    columns = engine.table("valued").columns
    return [name for name in columns if f"{name}_status" in columns]


def main(inputs: Path, scorecard: Path, out: Path) -> None:
    """For the peers that are no SQL."""
    with connect(out) as engine:
        measure(engine, inputs, scorecard)
        whole = ", ".join(f"cast({name} * 1000000 as bigint) as {name}" for name in measures_of(engine))
        query = f"select * replace ({whole}) from valued"
        engine.execute(f"copy ({query}) to '{out}/measured.parquet' (format parquet)")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
