"""Problems in the rows that staff edit: each query in `dbt_project/checks` finds the rows with one fault."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import yaml

SHARED = "_shared.sql"
"""What several checks use: those of all folders, and those of one."""
SHOWN = 8


@dataclass(frozen=True, order=True)
class Problem:
    """One wrong row, and why, in both languages; `ruleset_id` is empty where the row belongs to no rule set."""

    ruleset_id: str
    file: str
    row_key: str
    problem_zh: str
    problem_en: str


def problems_in(connection: duckdb.DuckDBPyConnection, project: Path, *, is_asked: bool) -> list[Problem]:
    """Every problem of the rule sets in the seeds' tables of `connection`, by the checks of a dbt project.

    `is_asked` is True for a call that supplies the values of indicators (`jifen score`), so that no model need measure
    them. The `file` of a problem is the seed.
    """
    connection.execute("set variable is_asked = ?", [is_asked])
    return found_by_checks(connection, project, "rulesets")


def found_by_checks(connection: duckdb.DuckDBPyConnection, project: Path, folder: str) -> list[Problem]:
    """Every row that a check of `checks/<folder>` finds in the tables of `connection`; `file` is the seed."""
    connection.execute("set variable models = ?", [str(project / "models")])
    checks = project / "checks" / folder
    if any("declared_" in path.read_text(encoding="utf-8") for path in checks.glob("*.sql")):
        for table, rows in _declared(project.parent / "connectors" / "sources").items():
            connection.register(table, rows)
    for shared in (checks.with_name(SHARED), checks / SHARED):
        connection.execute(shared.read_text(encoding="utf-8"))
    named = sorted(path for path in checks.glob("*.sql") if path.name != SHARED)
    return sorted({problem for check in named for problem in _found_by(connection, check)})


def _declared(sources: Path) -> dict[str, pa.Table]:
    """What source files declare: their datasets, and the values that a column may have."""
    # The fast loader: only names are read here, and source files are checked elsewhere.
    files = [yaml.load(path.read_bytes(), yaml.CSafeLoader) for path in sorted(sources.glob("*.yml"))]
    tables = [(one["name"], table) for file in files for one in file["sources"] for table in one["tables"]]
    values = [
        (source, table["name"], column["name"], str(value))
        for source, table in tables
        for column in table.get("columns") or ()
        for value in ((column.get("config") or {}).get("meta") or {}).get("values") or ()
    ]
    return {
        "declared_datasets": _table(("source", "dataset"), [(source, table["name"]) for source, table in tables]),
        "declared_values": _table(("source", "dataset", "column_name", "value"), values),
    }


def _table(names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> pa.Table:
    return pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(names)})


def _found_by(connection: duckdb.DuckDBPyConnection, check: Path) -> Iterator[Problem]:
    text = check.read_text(encoding="utf-8")
    about, zh, en = (line.removeprefix("-- ") for line in text.splitlines()[:3])
    file, _, keys = about.partition(": ")
    found = connection.execute(text)
    names = [str(name) for name, *_ in found.description or ()]
    for cells in found.fetchall():
        row = {name: "-" if cell is None else str(cell) for name, cell in zip(names, cells, strict=True)}
        key = ", ".join(row[name] for name in keys.split(", "))
        yield Problem(row.get("ruleset_id", ""), *(text.format_map(row) for text in (file, key, zh, en)))


def in_one_line(problems: list[Problem]) -> str:
    """The problems in one line, each with its file and row."""
    rows = [f"{one.file}: {one.row_key}: {one.problem_en} ({one.problem_zh})" for one in problems[:SHOWN]]
    more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return "; ".join(rows) + more
