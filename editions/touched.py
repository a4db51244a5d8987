"""The enterprises for which two editions differ in something that is acted upon."""

from pathlib import Path

import duckdb

from editions.changes import changes
from editions.sql_text import sealed_table

COMPARED = ("score", "rank_overall", "rank_in_stage", "stage", "is_ranked", "is_vetoed")
"""The columns of a ranking that are acted upon."""
QUERY = """
select coalesce(n.uscc, t.uscc)
from {now} as n
full join {then} as t on n.uscc = t.uscc
where n.uscc is null or t.uscc is null or {differs}
"""


def touched(then: Path, now: Path) -> list[str]:
    """The codes of the enterprises whose score, place, stage, credit, products or policies differ, in order."""
    differs = " or ".join(f"n.{one} is distinct from t.{one}" for one in COMPARED)
    sides = {"then": sealed_table(then, "rankings"), "now": sealed_table(now, "rankings")}
    with duckdb.connect() as connection:
        ranked = {str(row[0]) for row in connection.execute(QUERY.format(**sides, differs=differs)).fetchall()}
    return sorted(ranked | {str(row["uscc"]) for row in changes(then, now)})
