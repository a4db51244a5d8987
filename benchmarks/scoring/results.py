"""What a contestant left, as sums that do not depend on the order of rows; and where two differ, the rows.

.venv/bin/python benchmarks/scoring/results.py FOLDER           # one JSON object: rows and sum of each result
.venv/bin/python benchmarks/scoring/results.py FOLDER OTHER     # the first rows that only one of them has
"""

# ruff: noqa: S608 - the statements are made of names and numbers that stand in this project
import json
import sys
from pathlib import Path

import duckdb

COLUMNS = {
    "points": {
        "uscc": "varchar",
        "indicator_code": "varchar",
        "supply_status": "varchar",
        "value": "decimal(20, 6)",
        "bin": "varchar",
        "points": "decimal(18, 6)",
        "points_maximum": "decimal(18, 6)",
    },
    "totals": {
        "uscc": "varchar",
        "stage": "varchar",
        "points_total": "decimal(18, 6)",
        "points_available": "decimal(18, 6)",
        "score": "decimal(9, 4)",
        "rank_overall": "bigint",
        "rank_in_stage": "bigint",
        "rank_in_industry": "bigint",
    },
    "reasons": {"uscc": "varchar", "indicator_code": "varchar", "reason_zh": "varchar", "reason_en": "varchar"},
}
"""The three results. Decimals are exact in every file, so the casts change types and no value: `_typed` makes sure."""

EXACT = ("VARCHAR", "BIGINT", "INTEGER", "UINTEGER", "UBIGINT", "DECIMAL")
SHOWN = 10


def main(folder: Path, other: Path | None) -> None:
    """Print the sums of one, or the differences of two."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB"}) as engine:
        if other is None:
            sums = {name: _sum(engine, folder, name) for name in COLUMNS}
            print(json.dumps(sums))  # noqa: T201 - the output
            return
        for name in COLUMNS:
            for left, right in ((folder, other), (other, folder)):
                only = (
                    f"select * from ({_typed(engine, left, name)}) except select * from ({_typed(engine, right, name)})"
                )
                for row in engine.execute(f"{only} order by all limit {SHOWN}").fetchall():
                    print(f"{name}, only {left.name}: {tuple(map(str, row))}")  # noqa: T201 - the output


def _typed(engine: duckdb.DuckDBPyConnection, folder: Path, name: str) -> str:
    path = folder / f"{name}.parquet"
    found = {str(row[0]): str(row[1]) for row in engine.execute(f"describe select * from '{path}'").fetchall()}
    if inexact := {column: kind for column, kind in found.items() if not kind.startswith(EXACT)}:
        raise SystemExit(f"{path}: {inexact} is not exact")
    casts = ", ".join(f"cast({column} as {kind}) as {column}" for column, kind in COLUMNS[name].items())
    return f"select {casts} from '{path}'"


def _sum(engine: duckdb.DuckDBPyConnection, folder: Path, name: str) -> list[str]:
    """How many rows, and the sum of the hashes of all of them."""
    row = f"hash({', '.join(COLUMNS[name])})"
    found = engine.execute(
        f"select count(*), sum(cast({row} as hugeint)) from ({_typed(engine, folder, name)})"
    ).fetchone()
    return [str(value) for value in found or ()]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
