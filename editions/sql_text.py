"""Names and texts as parts of SQL: DuckDB has no escapes within quotes but the doubled quote."""


def quoted(name: str) -> str:
    """A name of a table or column."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: object) -> str:
    """A text, or a path."""
    return "'" + str(text).replace("'", "''") + "'"
