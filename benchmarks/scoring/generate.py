"""Make up the landed records of N enterprises, laid out as dbt reads them: FOLDER/<source>/<dataset>/*.parquet.

    .venv/bin/python benchmarks/scoring/generate.py FOLDER --enterprises 10000

The SQL of `landed/` says what is in each dataset; the project's source files say which columns it has. Equal counts
give equal files. Whatever a view lacks of the declared columns is null; a dataset without a view is empty.
"""

# ruff: noqa: S608 - the statements are made of names and numbers that stand in this project
import argparse
from pathlib import Path
from typing import Any

import duckdb
import yaml

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
LEARNED_ON = "2025-06-30"
NOT_SUPPLIED = "science.recognised_products"
"""Nothing at all came of this one, so that each reason for a missing value occurs."""

ROWS_A_PAGE = 500

Table = dict[str, Any]


def declared() -> dict[str, Table]:
    """Each dataset of the project's source files, by its address."""
    files = [
        *sorted((PROJECT / "connectors" / "sources").glob("*.yml")),
        PROJECT / "dbt_project" / "models" / "staging" / "pipeline" / "_pipeline__sources.yml",
    ]
    sources = [one for file in files for one in yaml.safe_load(file.read_text(encoding="utf-8"))["sources"]]
    return {f"{source['name']}.{table['name']}": table for source in sources for table in source["tables"]}


def generate(folder: Path, enterprises: int) -> None:
    """Write every dataset; those that the pipeline makes itself come last, for they count the others."""
    tables = declared()
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB"}) as engine:
        engine.execute("set preserve_insertion_order = false")
        for file in sorted((HERE / "landed").glob("*.sql")):
            engine.execute(file.read_text(encoding="utf-8").replace("$count", str(enterprises)))
        found = {
            str(name)
            for (name,) in engine.execute("select view_name from duckdb_views() where not internal").fetchall()
        }
        if unknown := {name for name in found if "." in name} - tables.keys():
            raise SystemExit(f"landed/ has records of {sorted(unknown)}, which no source file declares")
        rows = {
            address: _write(engine, folder, address, table, is_made=address in found)
            for address, table in tables.items()
            if address != "pipeline.supply"
        }
        _supply(engine, tables, rows)
        _write(engine, folder, "pipeline.supply", tables["pipeline.supply"], is_made=True)


def _write(engine: duckdb.DuckDBPyConnection, folder: Path, address: str, table: Table, *, is_made: bool) -> int:
    """One dataset, typed as declared, in the order of its key as landing leaves it."""
    source, _, name = address.partition(".")
    target = folder / source / name
    target.mkdir(parents=True, exist_ok=True)
    view = f'"{address}"' if is_made else "(select 1 where false)"
    held = set(engine.sql(f"select * from {view}").columns)
    columns = {column["name"]: column["data_type"] for column in table["columns"]}
    if is_made and (unknown := held - columns.keys()):
        raise SystemExit(f"{address} has no column {', '.join(sorted(unknown))}: see its source file")
    parts = [f"cast({one if one in held else 'null'} as {kind}) as {one}" for one, kind in columns.items()]
    key = table.get("config", {}).get("meta", {}).get("key", [])
    if source != "pipeline":
        order = f"row_number() over (order by {', '.join(key)})"
        parts += [
            f"'{LEARNED_ON}-001' as _batch",
            f"date '{LEARNED_ON}' as _learned_on",
            f"sha256('{address}' || ({order} // {ROWS_A_PAGE})) as _raw_sha256",
            f"cast({order} % {ROWS_A_PAGE} as integer) as _position",
            "0 as _sequence",
            "false as _deleted",
            "cast(null as date) as _valid_from",
            "cast(null as varchar) as _extra",
        ]
    ordered = f" order by {', '.join(key)}" if key else ""
    path = target / "landed.parquet"
    engine.execute(f"copy (select {', '.join(parts)} from {view}{ordered}) to '{path}' (format parquet)")
    (count,) = engine.execute(f"select count(*) from '{path}'").fetchone() or (0,)
    return int(count)


def _supply(engine: duckdb.DuckDBPyConnection, tables: dict[str, Table], rows: dict[str, int]) -> None:
    """What each dataset supplied: all but one of them."""
    engine.execute(
        'create table "pipeline.supply" (source varchar, dataset varchar, is_supplied boolean, coverage varchar,'
        " is_critical boolean, learned_on date, is_stale boolean, rows_landed bigint, rows_refused bigint,"
        " reason varchar)"
    )
    for address, count in rows.items():
        source, _, name = address.partition(".")
        if source == "pipeline":
            continue
        meta, is_supplied = tables[address]["config"]["meta"], address != NOT_SUPPLIED
        row = [source, name, is_supplied, meta["coverage"], meta["critical"], LEARNED_ON if is_supplied else None]
        row += [False, count, 0, None if is_supplied else "not supplied"]
        engine.execute('insert into "pipeline.supply" values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', row)


def main() -> None:
    """Do what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--enterprises", type=int, default=10_000)
    given = parser.parse_args()
    generate(given.folder, given.enterprises)


if __name__ == "__main__":
    main()
