"""Names and texts as parts of SQL, and the rows of a result. In quotes DuckDB's only escape is the doubled quote."""

import re
from pathlib import Path
from typing import Any


def quoted(name: str) -> str:
    """A name of a table or column."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: object) -> str:
    """A text, or a path."""
    return "'" + str(text).replace("'", "''") + "'"


def exactly(path: Path) -> str:
    """A path for a reader of files, to which `[`, `*` and `?` in a name would be a pattern."""
    return literal(re.sub(r"([\[*?])", r"[\1]", str(path)))


def parquet(path: Path, more: str = "") -> str:
    """A Parquet file as a table; `more` are options. A folder with "=" in its name is no partition, so not a column."""
    return f"read_parquet({exactly(path)}, hive_partitioning = false{more})"


def sealed_table(edition: Path, table: str) -> str:
    """A table of an edition."""
    return parquet(edition / "tables" / f"{table}.parquet")


def both_sealed(then: Path, now: Path, table: str) -> dict[str, str] | None:
    """A table of two editions as `then` and `now` of a query; None where one, sealed by older models, has none."""
    sides = {"then": then, "now": now}
    if not all((edition / "tables" / f"{table}.parquet").is_file() for edition in sides.values()):
        return None
    return {name: sealed_table(edition, table) for name, edition in sides.items()}


def row_dicts(cursor: Any) -> list[dict[str, Any]]:
    """The rows that a DuckDB cursor still has, each a dictionary by column."""
    names = [name for name, *_ in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
