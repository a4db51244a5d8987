"""The programme's parameters, which staff edit in `seeds/programme`: reading them, and the problems in their rows."""

from pathlib import Path

import duckdb

from editions.ruleset_problems import Problem, found_by_checks
from editions.score.errors import ScoreError
from editions.score.ruleset import Row, Ruleset, csv_header, csv_rows, load, load_tables, read_seeds, strange_files
from ledger.yaml_file import read_yaml

SEEDS = Path("seeds") / "programme"
CHECKS = ("programme", "subsidies", "pool", "market")
"""The folders of `checks/`, each over the seeds that `_<folder>__seeds.yml` describes."""


def programme_problems(project: Path, folder: Path | None = None) -> list[Problem]:
    """Every invalid row of the programme's parameters; the models test its cases.

    `project` is the dbt project; the files of `folder` are checked in place of its own of the same names. Raises
    `ScoreError` for a cell that its column cannot hold exactly, and for a file with other columns or another name.
    """
    with duckdb.connect() as connection:
        # The rule sets, since conditions may use their indicators as facts.
        load(connection, read_seeds(project))
        load_programme(connection, read_programme(project, folder), project)
        return sorted(one for checks in CHECKS for one in found_by_checks(connection, project, checks))


def read_programme(project: Path, folder: Path | None = None) -> Ruleset:
    """The rows of the programme's tables, those of the files in `folder` in place of the project's own."""
    types = column_types(project)
    if folder is not None and (strange := strange_files(folder, [f"{table}.csv" for table in types])):
        raise ScoreError(
            f"the programme has no {', '.join(strange)}.", str(folder), f"its files are: {', '.join(types)}", "config"
        )
    if folder is not None and not any(folder.glob("*.csv")):
        raise ScoreError("there is no file of the programme.", str(folder), "see docs/programme.md", "config")
    places = {
        table: folder / f"{table}.csv"
        if folder and (folder / f"{table}.csv").is_file()
        else project / SEEDS / f"{table}.csv"
        for table in types
    }
    tables = {
        table: _rows_of(places[table], list(columns), is_proposed=places[table].parent == folder)
        for table, columns in types.items()
    }
    return Ruleset("programme", folder or project / SEEDS, tables)


def load_programme(connection: duckdb.DuckDBPyConnection, programme: Ruleset, project: Path) -> None:
    """Make the programme's tables and fill them."""
    load_tables(connection, programme, column_types(project))


def _rows_of(path: Path, columns: list[str], *, is_proposed: bool) -> list[Row]:
    rows = list(csv_rows(path))
    header = csv_header(path)
    if sorted(header) != sorted(columns):
        missing = [name for name in columns if name not in header]
        strange = [name for name in header if name not in columns] or sorted({n for n in header if header.count(n) > 1})
        raise ScoreError(
            f"{path.name} has other columns than it must have: it lacks {', '.join(missing) or 'none'}, and has "
            f"{', '.join(map(repr, strange)) or 'none'} too many.",
            f"{path}, header",
            f"write the header: {','.join(columns)}",
            "config",
        )
    if is_proposed and not rows:
        raise ScoreError(
            f"{path.name} has a header and no row: nothing would be left of {path.stem}.",
            str(path),
            "write its rows, or leave the file out to keep today's",
            "config",
        )
    return rows


def column_types(project: Path) -> dict[str, dict[str, str]]:
    """The columns of each table of the programme, as the seeds' properties state them."""
    files = [project / SEEDS / f"_{folder}__seeds.yml" for folder in CHECKS]
    seeds = [seed for file in files for seed in read_yaml(file.read_bytes())["seeds"]]
    return {seed["name"]: dict(seed["config"]["column_types"]) for seed in seeds}
