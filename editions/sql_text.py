"""Names and texts as parts of SQL, and the rows of a result. In quotes DuckDB's only escape is the doubled quote."""

from typing import Any


def quoted(name: str) -> str:
    """A name of a table or column."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: object) -> str:
    """A text, or a path."""
    return "'" + str(text).replace("'", "''") + "'"


def row_dicts(cursor: Any) -> list[dict[str, Any]]:
    """The rows that a DuckDB cursor still has, each a dictionary by column."""
    names = [name for name, *_ in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
