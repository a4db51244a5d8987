"""The programme's parameters: what is wrong with the rows that staff edit in `seeds/programme`."""

from pathlib import Path

import duckdb

from editions.ruleset_problems import Problem, found_by_checks
from editions.score.errors import ScoreError
from editions.score.ruleset import Row, Ruleset, csv_rows, load, load_tables, read_seeds
from ledger.yaml_file import read_yaml

SEEDS = Path("seeds") / "programme"
CHECKS = ("programme", "subsidies", "pool")
"""The folders of `checks/`, each over the seeds that `_<folder>__seeds.yml` describes."""


def programme_problems(project: Path, seeds: Path | None = None) -> list[Problem]:
    """Every row of the programme's parameters that cannot be decided by; its cases are tried by the models.

    `project` is the dbt project; `seeds` a folder of the same files to check in place of its own. Raises `ScoreError`
    for a cell that its column cannot hold exactly, and for a file that is missing or has other columns.
    """
    with duckdb.connect() as connection:
        # An indicator is a fact too.
        load(connection, read_seeds(project))
        load_programme(connection, project, seeds)
        return sorted(one for folder in CHECKS for one in found_by_checks(connection, project, folder))


def load_programme(connection: duckdb.DuckDBPyConnection, project: Path, seeds: Path | None = None) -> None:
    """Make the programme's tables and fill them."""
    folder = seeds or project / SEEDS
    types = column_types(project)
    tables = {table: _rows_of(folder / f"{table}.csv", list(columns)) for table, columns in types.items()}
    load_tables(connection, Ruleset("programme", folder, tables), types)


def _rows_of(path: Path, columns: list[str]) -> list[Row]:
    if not path.is_file():
        raise ScoreError(f"the programme has no {path.name}.", str(path), "see docs/programme.md", "config")
    rows = list(csv_rows(path))
    for row in rows[:1]:
        if strange := set(row) ^ set(columns):
            raise ScoreError(
                f"{path.name} has not the columns that it must have: {', '.join(sorted(strange))}.",
                f"{path}, header",
                f"its columns are: {', '.join(columns)}",
                "config",
            )
    return rows


def column_types(project: Path) -> dict[str, dict[str, str]]:
    """The columns of each table of the programme, as the seeds' properties state them."""
    files = [project / SEEDS / f"_{folder}__seeds.yml" for folder in CHECKS]
    seeds = [seed for file in files for seed in read_yaml(file.read_bytes())["seeds"]]
    return {seed["name"]: dict(seed["config"]["column_types"]) for seed in seeds}
