"""The hand-written script: SQL from landed records to values, then to points, totals and reasons.

.venv/bin/python benchmarks/scoring/contestants/duckdb_script.py INPUTS SCORECARD OUT
"""

import sys
from pathlib import Path
from string import Template

from values import HERE, connect, measure, measures_of


def main(inputs: Path, scorecard: Path, out: Path) -> None:
    """Leave `points`, `totals` and `reasons` as Parquet in OUT."""
    with connect(out) as engine:
        measure(engine, inputs, scorecard)
        pairs = ", ".join(f"({name}, {name}_status) as '{name}'" for name in measures_of(engine))
        text = (HERE / "script_results.sql").read_text(encoding="utf-8")
        engine.execute(Template(text).substitute(pairs=pairs, scorecard=scorecard, out=out))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
