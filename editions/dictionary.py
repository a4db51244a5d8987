"""What each published column means, in Chinese and English: `dbt_project/columns.csv`."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ledger.files import read_csv
from ledger.settings import PROJECT_DIR

COLUMNS_FILE = PROJECT_DIR / "dbt_project" / "columns.csv"
Words = tuple[str, str]
"""Chinese and English."""
Dictionary = Mapping[tuple[str, str], Words]
"""Descriptions by table and column; a row without a table applies to all tables that have no row of their own."""


class UndescribedError(ValueError):
    """Columns that would be published have no description in both languages."""


def read_dictionary(file: Path = COLUMNS_FILE) -> Dictionary:
    """The descriptions of the project; rows that lack a language are left out."""
    rows = [{name: (cell or "").strip() for name, cell in row.items()} for row in read_csv(file)]
    return {(row["table"], row["column"]): (row["zh"], row["en"]) for row in rows if row["zh"] and row["en"]}


def described(dictionary: Dictionary, table: str, columns: Iterable[str]) -> dict[str, Words]:
    """The description of each column of a table. Raises `UndescribedError` that names all columns without one."""
    found = {name: dictionary.get((table, name)) or dictionary.get(("", name)) for name in columns}
    if missing := [name for name, words in found.items() if words is None]:
        raise UndescribedError(
            f"{table}: {', '.join(missing)} would be published and is not described in Chinese and English. Whose: "
            f"config (dbt_project/columns.csv). Add a row for each: table,column,zh,en (table empty: in all)."
        )
    return {name: words for name, words in found.items() if words is not None}
