"""Migration of a ledger of an older version to this one, with Alembic, in one transaction.

One module for each step: `to_N.py` has `upgrade(op)`, which makes a ledger of version N out of one of version N - 1. A
new ledger is made from `ledger.tables` alone, so a new table or column is written in both places;
`tests/unit/test_ledger_migrations.py` and `tests/contract/test_ledger_postgres.py` compare the two results:

- a table: `_table(...)` in `ledger.tables`, `make_table(op, ...)` with the same words in the step;
- a column: a word in `ledger.tables`, `op.add_column(...)` in the step; one that may not be null needs a
  `server_default` there, for there are rows already;
- another list of states: `among(...)` in `ledger.tables`, and all checks of that table in `set_checks` in the step.

A step that was released is never changed again: the next change is a new step and a new `SCHEMA_VERSION`.
"""

import warnings
from collections.abc import Sequence
from importlib import import_module

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import CheckConstraint, Connection, Constraint, inspect, update

from ledger.tables import SCHEMA_VERSION, columns_of, ledger_version


def migrate(connection: Connection, found: int) -> None:
    """Migrate the ledger behind this connection from version `found` to `SCHEMA_VERSION`.

    On SQLite the connection must not enforce foreign keys: Alembic changes a table by making it anew, and its rows are
    gone for a moment. Foreign keys are checked at the end: a row that refers to none is a `ValueError`.
    """
    operations = Operations(MigrationContext.configure(connection))
    for version in range(found + 1, SCHEMA_VERSION + 1):
        import_module(f"ledger.migrations.to_{version}").upgrade(operations)
    connection.execute(update(ledger_version).values(version=SCHEMA_VERSION))
    if connection.dialect.name == "sqlite" and (broken := connection.exec_driver_sql("pragma foreign_key_check").all()):
        raise ValueError(f"{len(broken)} rows refer to rows that are not there, the first of table {broken[0][0]}")


def make_table(op: Operations, name: str, columns: str, *constraints: Constraint) -> None:
    """Make a table, where there is none, by the words of `ledger.tables`."""
    op.create_table(name, *columns_of(columns), *constraints, if_not_exists=True)


def set_checks(op: Operations, table: str, *checks: CheckConstraint) -> None:
    """Give a table these checks in place of all that it has."""
    there = [one["name"] for one in inspect(op.get_bind()).get_check_constraints(table)]
    with warnings.catch_warnings():
        # On SQLite the table is made anew. Checks of before version 3 have no name there and are not carried over.
        warnings.filterwarnings("ignore", "Unnamed CHECK constraint")
        _change_checks(op, table, there, checks)


def _change_checks(op: Operations, table: str, there: Sequence[str | None], checks: Sequence[CheckConstraint]) -> None:
    with op.batch_alter_table(table) as batch:
        for name in filter(None, there):
            batch.drop_constraint(name, type_="check")
        for check in checks:
            batch.create_check_constraint(str(check.name), str(check.sqltext))
