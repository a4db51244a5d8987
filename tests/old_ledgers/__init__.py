"""Ledgers as older versions made them, each with a row or two in its tables, and what is compared of them."""

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

from ledger.tables import metadata

NAMES = ("version_1", "version_2_first", "version_2", "version_3")
"""`version_2_first` lacks two tables, which jifen made when it opened it."""
Rows = dict[str, list[dict[str, Any]]]


def write_old(url: str, name: str, folder: Path) -> Rows:
    """Make the ledger of an older version behind a URL, and the edition that it knows; answers its rows by table."""
    (folder / "editions" / "e1").mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in (Path(__file__).parent / f"{name}.sql").read_text().split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    before = content(engine)
    engine.dispose()
    return before


def content(engine: Engine, like: Rows | None = None) -> Rows:
    """The rows of each table but those that opening it writes; of those tables and columns alone that `like` has."""
    names = sorted(set(like or inspect(engine).get_table_names()) - {"ledger_version", "data_folder", "journal"})
    found = {}
    with engine.begin() as connection:
        for name in names:
            rows = [dict(row) for row in connection.execute(text(f"select * from {name}")).mappings()]  # noqa: S608
            known = None if like is None or not like[name] else like[name][0].keys()
            found[name] = [{key: row[key] for key in known or row} for row in rows]
    return found


def not_as_new(engine: Engine) -> list[Any]:
    """What differs between a ledger's tables and those of a new one: tables, columns, keys and checks."""
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        found = list(compare_metadata(context, metadata))
        for table in metadata.sorted_tables:
            there = {
                str(one["name"]): _words(one["sqltext"])
                for one in inspect(connection).get_check_constraints(table.name)
            }
            wanted = {
                str(check.name): _words(str(check.sqltext)) for check in table.constraints if hasattr(check, "sqltext")
            }
            found += [
                (table.name, name, there.get(name), wanted.get(name))
                for name in there.keys() | wanted.keys()
                if there.get(name) != wanted.get(name)
            ]
    return found


def _words(check: str) -> tuple[str, ...]:
    """What stands in quotes in a check: PostgreSQL writes `in` as an array."""
    return tuple(check.split("'")[1::2])
