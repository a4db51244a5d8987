"""What is wrong with the rule sets that a build was given, as its model `ruleset_problems` found it."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

SHOWN = 8


@dataclass(frozen=True, order=True)
class Problem:
    """One row of a rule set that cannot be scored by, and why, in both languages; `file` is its table's short name."""

    ruleset_id: str
    file: str
    row_key: str
    problem_zh: str
    problem_en: str

    @property
    def seed(self) -> str:
        """The seed that the row stands in."""
        stem = self.file.removesuffix(".csv")
        return stem if stem.startswith("ruleset") else f"ruleset_{stem}"


def problems_in(warehouse: Path) -> list[Problem] | None:
    """Every problem that a warehouse knows of; None where the model did not come to run."""
    if not warehouse.exists():
        return None
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        try:
            found = connection.execute(
                "select ruleset_id, file, row_key, problem_zh, problem_en from ruleset_problems order by all"
            ).fetchall()
        except duckdb.CatalogException:
            return None
    return [Problem(*map(str, row)) for row in found]


def told(problems: list[Problem]) -> str:
    """The problems in one line, each with its seed and row."""
    rows = [f"{one.seed}.csv: {one.row_key}: {one.problem_en} ({one.problem_zh})" for one in problems[:SHOWN]]
    more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return "; ".join(rows) + more
