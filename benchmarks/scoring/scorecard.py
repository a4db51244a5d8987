"""The rule set in force as tables, for the peers: made once by the project's own models, before any clock.

What a peer measures is done with values. So it gets the lines of the rules and their words as `dbt build` makes them.
"""

import sys
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parent / "contestants"))

from ours import run_dbt

MODELS = ("ruleset_in_force", "stages", "levels", "segments", "segment_texts")
TABLES = {
    "in_force": "select * from ruleset_in_force",
    "stages": "select * from stages order by position",
    "levels": "select * from levels",
    "inputs": """
        select indicator_code, source || '.' || dataset as dataset, years_back
        from ruleset_inputs join ruleset_in_force using (ruleset_id)""",
    "lines": "select * from segments join segment_texts using (segment_id)",
    "whole_lines": """
        select
            * exclude (segment_id, flat_worth, taken_away, lo, from_value, upto_value, points_maximum),
            segment_id - 1 as line_no,
            is_refused or is_veto as is_barred,
            cast(minimum_points_available * 1000000 as bigint) as minimum,
            cast(flat_worth * 1000000 as bigint) as flat_worth,
            cast(taken_away * 1000000 as bigint) as taken_away,
            cast(coalesce(lo, 0) * 1000000 as bigint) as lo,
            cast(greatest(from_value, -9e12) * 1000000 as bigint) as from_value,
            cast(least(upto_value, 9e12) * 1000000 as bigint) as upto_value,
            cast(points_maximum * 1000000 as bigint) as maximum
        from segments
        join segment_texts using (segment_id)
        cross join (select minimum_points_available from ruleset_in_force)
        order by segment_id""",
}
"""`whole_lines` is for the peers that are no SQL: amounts in whole millionths, and lines numbered from 0."""


def make_scorecard(folder: Path) -> None:
    """Leave each of `TABLES` as Parquet in the folder, beside dbt's parse of the project, which ours takes over."""
    run_dbt(folder, "build", "--exclude-resource-type", "unit_test", "test", "--select", *(f"+{one}" for one in MODELS))
    with duckdb.connect(folder / "warehouse.duckdb", read_only=True) as engine:
        for name, query in TABLES.items():
            engine.execute(f"copy ({query}) to '{folder / name}.parquet' (format parquet)")
        means, kinds = engine.execute("select bool_or(is_mean), count(best_of) from segments").fetchone() or ()
        functions = engine.execute("select list(distinct function) from segments").fetchone() or ([],)
    if means or kinds or "percentile_in_peer" in functions[0]:
        raise SystemExit("the peers know no weighted means, no best of its kind and no percentiles")


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir()
    make_scorecard(Path(sys.argv[1]))
