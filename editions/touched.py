"""The enterprises for which two editions differ in something that is acted upon."""

from pathlib import Path

import duckdb

from editions.changes import changes
from editions.sql_text import literal

COMPARED = ("score", "rank_overall", "rank_in_stage", "stage", "is_ranked", "is_vetoed")
"""The columns of a ranking that are acted upon."""
QUERY = """
select coalesce(n.uscc, t.uscc)
from read_parquet({now}, hive_partitioning = false) as n
full join read_parquet({then}, hive_partitioning = false) as t on n.uscc = t.uscc
where n.uscc is null or t.uscc is null or {differs}
"""


def touched(then: Path, now: Path) -> list[str]:
    """The codes of the enterprises whose score, place, stage, credit, products or policies differ, in order."""
    files = {name: literal(edition / "tables" / "rankings.parquet") for name, edition in (("then", then), ("now", now))}
    query = QUERY.format(**files, differs=" or ".join(f"n.{one} is distinct from t.{one}" for one in COMPARED))
    with duckdb.connect() as connection:
        ranked = {str(row[0]) for row in connection.execute(query).fetchall()}
    return sorted(ranked | {str(row["uscc"]) for row in changes(then, now)})
