"""Fast look-ups of single rows in the sealed tables of an edition."""

from pathlib import Path
from typing import Any

from editions.sql_text import literal, parquet, row_dicts

# The engine without the package `duckdb` around it, whose import takes longer than all reading here: it looks up its
# own version among the installed packages, and makes type objects that no query needs.
try:
    import _duckdb as engine
except ImportError:  # A version in which it has another name.
    import duckdb as engine  # type: ignore[no-redef]

Row = dict[str, Any]


class EditionUnreadableError(RuntimeError):
    """A file of an edition is missing or differs from what was sealed."""

    state = "unreadable"

    def __init__(self, path: Path, why: object, edition_id: str) -> None:
        super().__init__(
            f"{path} cannot be read: {why}. Whose: data (the edition is damaged). "
            f"Next: jifen edition verify {edition_id}"
        )


class SealedReader:
    """An engine in memory that reads any edition's tables; a context, closed at its end."""

    def __init__(self) -> None:
        # One thread and no cache: a look-up reads one row group of a table, and reads nothing twice.
        self._connection = engine.connect(config={"threads": 1, "enable_external_file_cache": False})

    def __enter__(self) -> "SealedReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def of(self, edition: Path) -> "SealedTables":
        """The tables of the edition in this folder."""
        return SealedTables(self, edition)

    def rows_of(self, path: Path, edition: Path, columns: str = "*", **where: str) -> list[Row] | None:
        """The rows of an edition's file, or one beside it, that hold these texts; None where there is no such file.

        `columns` is a part of the query, never a text from outside. Raises `EditionUnreadableError` for a file that
        cannot be read.
        """
        if not path.is_file():
            return None
        # Literals, no parameters: at its first parameter duckdb imports pandas, which takes a third of a second.
        tests = " and ".join(f'"{column}" = {literal(text)}' for column, text in where.items())
        query = f"select {columns} from {parquet(path)}{' where ' + tests if tests else ''}"  # noqa: S608  # quoted
        try:
            return row_dicts(self._connection.execute(query))
        except engine.Error as error:
            raise EditionUnreadableError(path, str(error).split("\n", 1)[0], edition.name) from error


class SealedTables:
    """The tables of one edition, read by equalities of columns; an older edition may lack a table."""

    def __init__(self, reader: SealedReader, edition: Path) -> None:
        self._reader, self._edition = reader, edition

    def _path(self, table: str) -> Path:
        return self._edition / "tables" / f"{table}.parquet"

    def rows(self, table: str, *, columns: str = "*", **where: str) -> list[Row] | None:
        """The rows of a table that hold these texts in these columns, or None where there is no such table."""
        return self._reader.rows_of(self._path(table), self._edition, columns, **where)

    def needed(self, table: str, *, columns: str = "*", **where: str) -> list[Row]:
        """The same of a table that every edition has."""
        found = self.rows(table, columns=columns, **where)
        if found is None:
            raise EditionUnreadableError(self._path(table), "it is not there", self._edition.name)
        return found

    def first(self, table: str, **where: str) -> Row | None:
        """The one row of a table by its key, or None: no such row, or no such table."""
        return next(iter(self.rows(table, **where) or ()), None)

    def optional(self, table: str, **where: str) -> tuple[Row, ...] | None:
        """The rows as a tuple, or None where there is no such table."""
        found = self.rows(table, **where)
        return None if found is None else tuple(found)
