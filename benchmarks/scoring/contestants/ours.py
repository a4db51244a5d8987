"""Ours: the project's models by dbt, up to points, ranks and the costliest reasons; then the three results from them.

.venv/bin/python benchmarks/scoring/contestants/ours.py INPUTS SCORECARD OUT
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[2]
SELECTED = ("+points", "+ranks", "+top_reasons")
"""The seeds and models of these and of all that they are made of; no tests, no marts, no extracts."""

PARSE = "partial_parse.msgpack"
"""dbt's parse of the project, which the night carries from one day to the next; made before the clock."""

RESULTS = {
    "points": "select uscc, indicator_code, supply_status, value, bin, points, points_maximum from points",
    "totals": """
        select totals.uscc, totals.stage, totals.points_total, totals.points_available, totals.score,
            ranks.rank_overall, ranks.rank_in_stage, ranks.rank_in_industry
        from totals left join ranks on totals.uscc = ranks.uscc""",
    "reasons": "select uscc, indicator_code, reason_zh, reason_en from top_reasons",
}


def main(inputs: Path, scorecard: Path, out: Path) -> None:
    """Leave `points`, `totals` and `reasons` as Parquet in OUT. dbt runs in a process of its own, as in the night."""
    (out / "inputs").symlink_to(inputs.resolve())
    parse = scorecard / "target" / PARSE
    (out / "target").mkdir()
    shutil.copyfile(parse, out / "target" / PARSE)
    run_dbt(out, "build", "--exclude-resource-type", "unit_test", "test", "--select", *SELECTED)
    import duckdb

    with duckdb.connect(out / "warehouse.duckdb", read_only=True, config={"threads": 2}) as engine:
        engine.execute("set preserve_insertion_order = false")
        engine.execute(f"set memory_limit = '{os.environ['BENCH_MEMORY_LIMIT']}'")
        for name, query in RESULTS.items():
            engine.execute(f"copy ({query}) to '{out / name}.parquet' (format parquet)")


def run_dbt(folder: Path, command: str, *options: str) -> None:
    """One dbt command on the project, its files in `folder`; the end of its output is shown where it fails."""
    environ = {
        **os.environ,
        "JIFEN_INPUTS": "inputs",
        "JIFEN_AS_OF": "2025-06-30",
        "JIFEN_WAREHOUSE": "warehouse.duckdb",
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    folders = {
        "project-dir": PROJECT / "dbt_project",
        "profiles-dir": HERE,
        "target-path": folder / "target",
        "log-path": folder / "logs",
    }
    dbt = [str(PROJECT / ".venv" / "bin" / "dbt"), command, "--no-use-colors"]
    dbt += [part for name, where in folders.items() for part in (f"--{name}", str(where))]
    done = subprocess.run([*dbt, *options], env=environ, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit("\n".join(done.stdout.splitlines()[-30:]))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
