"""A rule set, from a folder of CSV files or from the project's own seeds, into the tables that the models read."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from editions.score.errors import SAVE_AS_UTF8, ScoreError
from ledger.hand_made import fault_of_cell
from ledger.settings import PROJECT_DIR
from ledger.yaml_file import read_yaml

SEEDS = Path("seeds") / "rulesets"
SCHEMA = SEEDS / "_rulesets__seeds.yml"
ALL = "all"
"""The name of all the project's rule sets together."""
BOOLEANS = {"true": "true", "false": "false", "t": "true", "f": "false", "1": "true", "0": "false"}
_ENDINGS = r"csv\..*|tsv|txt|xlsx?|xlsm|xlsb|ods|et|numbers"
DAY = re.compile("(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}|9999-12-31", re.ASCII)
NUMBER = re.compile(r"[+-]?([0-9]+)(?:\.([0-9]*))?|[+-]?\.([0-9]+)")

Row = dict[str, str | None]
"""One row of a table: a text for each column, None for an empty cell."""


@dataclass(frozen=True)
class Ruleset:
    """The rows of one rule set, or of all that the project has, by seed table; errors name `origin`.

    `is_dated` is whether its first day was stated: a folder may leave it out.
    """

    name: str
    origin: Path
    tables: Mapping[str, Sequence[Row]]
    is_dated: bool = True

    def codes(self) -> list[str]:
        """Its indicator codes."""
        return [str(row["indicator_code"]) for row in self.tables["ruleset_indicators"]]

    @property
    def is_folder(self) -> bool:
        """Whether it was given as a folder; else it is one of the project's own."""
        return (self.origin / "indicators.csv").is_file()

    def file_of(self, table: str) -> str:
        """The name of the file that holds a seed's table; a model is named by its path already."""
        if "/" in table:
            return table
        return table_schemas()[table].file if self.is_folder else f"{table}.csv"

    def stages(self) -> list[str]:
        """Its stages, in their order."""
        return [str(row["stage"]) for row in self.tables["ruleset_stages"]]


@dataclass(frozen=True)
class TableSchema:
    """One table of a rule set: its name as a seed and as a file of a folder, its columns, and what may be left out.

    `defaults` has the value of an empty cell: a text, or `{x}` for the value of column x of the row, `{folder}` for the
    folder's name. `absent` has the rows of a file that is left out; None where the file is required.
    """

    name: str
    file: str
    types: Mapping[str, str]
    needed: frozenset[str]
    defaults: Mapping[str, str]
    absent: Sequence[Row] | None
    rows: int | None

    @property
    def columns(self) -> list[str]:
        """The columns of the folder's file."""
        return [name for name in self.types if name != "ruleset_id"]


@cache
def table_schemas(project: Path = PROJECT_DIR / "dbt_project") -> dict[str, TableSchema]:
    """The tables of a rule set by seed, as the seeds' properties state them."""
    found = {}
    for seed in read_yaml((project / SCHEMA).read_bytes())["seeds"]:
        meta = seed["config"]["meta"]
        found[seed["name"]] = TableSchema(
            name=seed["name"],
            file=meta["file"],
            types=seed["config"]["column_types"],
            needed=frozenset(meta.get("needed", ())),
            defaults=meta.get("defaults", {}),
            absent=meta.get("absent"),
            rows=meta.get("rows"),
        )
    return found


def known_rulesets(project: Path) -> list[Row]:
    """The rows of the project's `rulesets` seed."""
    return list(csv_rows(project / SEEDS / "rulesets.csv"))


def read_seeds(project: Path, ruleset_id: str | None = None) -> Ruleset:
    """The project's rule sets, or one of them. Raises `ScoreError` for an unknown id."""
    known = [str(row["ruleset_id"]) for row in known_rulesets(project)]
    origin = project / SEEDS
    if ruleset_id is not None and ruleset_id not in known:
        raise ScoreError(
            f"there is no rule set {ruleset_id!r}, neither as a folder nor in the project.",
            str(origin / "rulesets.csv"),
            f"give a folder, or one of: {', '.join(known)}",
            "usage",
        )
    tables = {
        table: [
            row for row in csv_rows(origin / f"{table}.csv") if ruleset_id is None or row["ruleset_id"] == ruleset_id
        ]
        for table in table_schemas(project)
    }
    return Ruleset(ruleset_id or ALL, origin, tables)


def read_folder(folder: Path) -> Ruleset:
    """The rule set of a folder, with defaults filled in; its id is the folder's name.

    Raises `ScoreError` for a file or column that is missing or unknown, and for an empty cell that must hold something.
    """
    ruleset_id = folder.resolve().name
    schemas = table_schemas().values()
    files = [schema.file for schema in schemas]
    if strange := strange_files(folder, files):
        raise ScoreError(
            f"a rule set has no file {', '.join(strange)}.",
            str(folder),
            f"remove it, or name it as one of: {', '.join(files)}",
            "config",
        )
    tables = {schema.name: list(_table_rows(folder, schema, ruleset_id)) for schema in schemas}
    return Ruleset(ruleset_id, folder, tables, is_dated=_is_dated(folder / table_schemas()["rulesets"].file))


def strange_files(folder: Path, files: Sequence[str]) -> list[str]:
    """Names of CSV files that are none of these, and of files that are one of them in another case or format.

    `Stages.CSV`, `stages.csv.txt` or `stages.xlsx` would be ignored, and their content be missing.
    """
    there = {path.name for path in folder.iterdir() if not path.name.startswith(".")}

    def stands_for_one(name: str) -> bool:
        stem, _, ending = name.lower().partition(".")
        return f"{stem}.csv" in files and f"{stem}.csv" not in there and re.fullmatch(_ENDINGS, ending) is not None

    return sorted(one for one in there.difference(files) if one.lower().endswith(".csv") or stands_for_one(one))


def _is_dated(path: Path) -> bool:
    return path.is_file() and any(row.get("valid_from") for row in csv_rows(path))


def _table_rows(folder: Path, schema: TableSchema, ruleset_id: str) -> Iterator[Row]:
    path = folder / schema.file
    if path.is_file():
        rows: Sequence[Row] = list(csv_rows(path))
        _require_columns(path, schema)
    elif schema.absent is not None:
        rows = schema.absent
    else:
        raise ScoreError(f"the rule set has no {path.name}.", str(path), "see docs/rule-sets.md", "config")
    if schema.rows is not None and schema.rows != len(rows):
        raise ScoreError(f"{path.name} has {len(rows)} rows, not {schema.rows}.", str(path), "leave one", "config")
    for number, row in enumerate(rows, start=1):
        filled: Row = {**row, "folder": ruleset_id, "ruleset_id": ruleset_id}
        for column in schema.columns:
            text = row.get(column)
            if text is None and column in schema.needed:
                raise ScoreError(
                    f"{path.name}: {column} is empty.", f"{path}, row {number}, column {column}", "fill it in", "config"
                )
            default = schema.defaults.get(column)
            if text is None and default is not None:
                text = filled.get(default[1:-1]) if default.startswith("{") else default
            filled[column] = text
        yield {name: filled[name] for name in schema.types}


def _require_columns(path: Path, schema: TableSchema) -> None:
    header = csv_header(path)
    unknown = [name for name in header if name not in schema.columns]
    missing = [name for name in schema.columns if name in schema.needed and name not in header]
    if unknown or missing or len(set(header)) != len(header):
        shown = ", ".join(map(repr, unknown))
        wrong = f"has a column {shown} that no rule set has" if unknown else f"lacks {', '.join(missing)}"
        wrong = wrong if unknown or missing else "names a column twice"
        known = ", ".join(schema.columns)
        raise ScoreError(f"{path.name} {wrong}.", f"{path}, header", f"its columns are: {known}", "config")


def csv_header(path: Path) -> list[str]:
    """The names in the first line of a CSV file that `csv_rows` can read."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return next(csv.reader(handle, strict=True), [])


def csv_rows(path: Path) -> Iterator[Row]:
    """The rows of a CSV file, an empty cell as None. Raises `ScoreError` for a file that is not UTF-8 CSV."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, strict=True)
            header = next(reader, [])
            for number, cells in enumerate(filter(None, reader), start=1):
                if len(cells) != len(header):
                    raise ScoreError(
                        f"{path.name} has a row of {len(cells)} cells under {len(header)} columns.",
                        f"{path}, row {number}",
                        "fix the row (a text with a comma stands in quotes)",
                        "config",
                    )
                if not any(map(str.strip, cells)):
                    what, place = f"{path.name} has a row in which nothing stands.", f"{path}, row {number}"
                    raise ScoreError(what, place, "delete the row, also where it is the last", "config")
                for name, cell in zip(header, cells, strict=True):
                    if (fault := fault_of_cell(cell)) and not NUMBER.fullmatch(cell.strip(" ")):
                        place = f"{path}, row {number}, column {name}"
                        raise ScoreError(f"{cell!r} {fault}.", place, "write the cell anew", "config")
                yield {name: cell or None for name, cell in zip(header, cells, strict=True)}
    except UnicodeDecodeError as error:
        raise ScoreError(f"{path.name} cannot be read: it is not UTF-8.", str(path), SAVE_AS_UTF8, "config") from error
    except csv.Error as error:
        raise ScoreError(
            f"{path.name} cannot be read: {error}.", str(path), "save it as UTF-8 CSV", "config"
        ) from error


def load(connection: duckdb.DuckDBPyConnection, ruleset: Ruleset) -> None:
    """Make the seeds' tables and fill them. Raises `ScoreError` for a cell that its column cannot hold exactly."""
    load_tables(connection, ruleset, {table: schema.types for table, schema in table_schemas().items()})


def load_tables(
    connection: duckdb.DuckDBPyConnection, ruleset: Ruleset, types: Mapping[str, Mapping[str, str]]
) -> None:
    """As `load`, the tables with these types of their columns."""
    for table, columns in types.items():
        declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        connection.execute(f'create table "{table}" ({declared})')
        rows = [
            [_checked(ruleset, table, number, name, row.get(name), kind) for name, kind in columns.items()]
            for number, row in enumerate(ruleset.tables[table], start=1)
        ]
        if rows:
            texts = pa.table([pa.array(texts, pa.string()) for texts in zip(*rows, strict=True)], names=list(columns))
            casts = ", ".join(f'cast("{name}" as {kind})' for name, kind in columns.items())
            connection.register("arriving", texts)
            connection.execute(f'insert into "{table}" select {casts} from arriving')  # noqa: S608  # the seeds' names
            connection.unregister("arriving")


def _checked(ruleset: Ruleset, table: str, number: int, column: str, text: str | None, kind: str) -> str | None:
    if text is None:
        return None
    held = _held(text.strip(" ") if kind != "varchar" else text, kind.replace(" ", ""))
    if held is None:
        raise ScoreError(
            f"{text!r} is not a {kind}.",
            f"{ruleset.origin / ruleset.file_of(table)}, row {number}, column {column}",
            "write a plain number, true or false, or a date as YYYY-MM-DD; no more decimals than the type has",
            "config",
        )
    return held


def _held(text: str, kind: str) -> str | None:
    """The text if a column of this type holds it exactly, else None."""
    if kind == "varchar":
        return text
    if kind == "boolean":
        return BOOLEANS.get(text.lower())
    if kind == "date":
        # The reader of the night knows no 20250101 and no 2025-W01-1, and a year such as 0225 is mistyped.
        try:
            return text if DAY.fullmatch(text) and date.fromisoformat(text) else None
        except ValueError:
            return None
    precision, _, scale = kind.removeprefix("decimal(").removesuffix(")").partition(",")
    whole, decimals = (int(precision) - int(scale), int(scale)) if scale else (9, 0)
    found = NUMBER.fullmatch(text)
    if found is None:
        return None
    before = (found[1] or "").lstrip("0")
    after = (found[2] or found[3] or "").rstrip("0")
    return text if len(before) <= whole and len(after) <= decimals else None
