"""The names that a suite's SQL may use, and what DuckDB reads in their place."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from editions.sql_text import parquet, quoted

PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
# The enterprise's code is 18 characters and may be all digits: it would be taken for a person's identity number.
NOT_PERSONAL = ("uscc",)


class NotSealedThenError(LookupError):
    """A suite's SQL compares with a table that the previous edition, sealed by older models, does not have."""


class NameUnknownError(LookupError):
    """A suite's SQL uses a name that neither the candidate nor the previous edition has."""


@dataclass(frozen=True)
class Names:
    """What stands for each name: tables of the candidate and of the previous edition, and the text of each table."""

    schemas: Mapping[str, str]
    previous: Mapping[str, Path]
    text_columns: Mapping[str, tuple[str, ...]]
    sealed_then: frozenset[str] | None = None
    """The tables that the previous edition's manifest names; None where there is no manifest."""

    def resolve(self, sql: str, table: str) -> str:
        """The SQL of a check over `table` as DuckDB reads it, with its names replaced."""
        return PLACEHOLDER.sub(lambda match: self._written(match.group(1), table), sql).strip().rstrip(";")

    def qualified(self, table: str) -> str:
        """A table of the candidate with its schema. Raises `NameUnknownError` where it is not there."""
        if table not in self.schemas:
            raise NameUnknownError(f"{table} is not in the candidate")
        return f"{quoted(self.schemas[table])}.{quoted(table)}"

    def _written(self, name: str, table: str) -> str:
        if name == "text_columns":
            columns = self.text_columns.get(table, ())
            if not columns:
                raise NameUnknownError(f"{table} has no text column")
            return f"concat_ws(' | ', {', '.join(map(quoted, columns))})"
        if name.startswith("previous_"):
            of_then = name.removeprefix("previous_")
            path = self.previous.get(of_then)
            if path is None and self.sealed_then is not None and of_then not in self.sealed_then:
                raise NotSealedThenError(f"the previous edition was sealed before there was a table {of_then}")
            if path is None:
                raise NameUnknownError(f"{name} is not in the previous edition")
            return parquet(path)
        return self.qualified(name)


def read_names(connection: duckdb.DuckDBPyConnection, previous_edition: Path | None) -> Names:
    """The names of a candidate's warehouse and of the Parquet files of the previous edition.

    A name that is in two schemas is left out: a check over it must fail, not pick one.
    """
    columns = connection.execute(
        """
        select table_schema, table_name, column_name, data_type
        from information_schema.columns
        where table_catalog = current_database()
        order by table_schema, table_name, ordinal_position
        """
    ).fetchall()
    places: dict[str, set[str]] = {}
    text: dict[str, list[str]] = {}
    for schema, table, column, kind in columns:
        places.setdefault(table, set()).add(schema)
        if kind == "VARCHAR" and column not in NOT_PERSONAL:
            text.setdefault(table, []).append(column)
    tables = sorted(previous_edition.glob("tables/*.parquet")) if previous_edition else []
    return Names(
        schemas={table: next(iter(schemas)) for table, schemas in places.items() if len(schemas) == 1},
        previous={path.stem: path for path in tables},
        text_columns={table: tuple(found) for table, found in text.items()},
        sealed_then=_sealed_tables(previous_edition),
    )


def _sealed_tables(edition: Path | None) -> frozenset[str] | None:
    manifest = edition / "manifest.json" if edition else None
    if manifest is None or not manifest.is_file():
        return None
    return frozenset(Path(file["path"]).stem for file in json.loads(manifest.read_bytes())["files"])
