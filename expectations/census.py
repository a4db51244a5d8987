"""The number of rows before each check, counted here, and the results of the checks in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from editions.sql_text import quoted
from expectations.names import Names, NameUnknownError, NotSealedThenError, read_names
from expectations.suites import GateCheck, Suite

SAMPLE = 5
Place = tuple[str, str]
"""A check: its table and its name."""


@dataclass(frozen=True)
class Count:
    """How many rows one check has before it; `exception` when they could not be counted."""

    rows: int
    exception: str | None


@dataclass(frozen=True)
class CheckAnswer:
    """The result of one check. `looked_at` is None where its engine does not report how many rows it looked at."""

    success: bool
    looked_at: int | None
    observed: str
    exception: str | None


@dataclass(frozen=True)
class Census:
    """The names of a candidate, the rows before each check, the results of those in SQL, the tables rightly empty."""

    names: Names
    counts: dict[Place, Count]
    answers: dict[Place, CheckAnswer]
    rightly_empty: frozenset[str]


def take_census(warehouse: Path, previous_edition: Path | None, suites: list[Suite]) -> Census:
    """Count the rows before each check that applies, and run those in SQL.

    Great Expectations passes a check that looked at nothing, and runs SQL twice, so both are done here.
    """
    counts: dict[Place, Count] = {}
    answers: dict[Place, CheckAnswer] = {}
    empty = set()
    # The connection is closed here: Great Expectations opens the file with another configuration.
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = read_names(connection, previous_edition)
        for suite in suites:
            if _is_rightly_empty(connection, names, suite):
                empty.add(suite.table)
                continue
            applies = [check for check in suite.checks if _applies(names, suite, check, previous_edition)]
            # The whole table (None) is counted once, for all the checks in SQL without `over`.
            columns = dict.fromkeys(check.kwargs.get("column") for check in applies if check.over is None)
            found = _count_columns(connection, names, suite.table, list(columns))
            for check in applies:
                place = suite.table, check.name
                counts[place] = (
                    found[check.kwargs.get("column")]
                    if check.over is None
                    else _count(connection, names, suite.table, check.over)
                )
                if check.sql is not None:
                    answers[place] = _run_sql(connection, names, suite.table, check.sql)
    return Census(names, counts, answers, frozenset(empty))


def take_samples(warehouse: Path, names: Names, failed: list[tuple[str, GateCheck]]) -> dict[Place, str]:
    """The first unexpected rows of each failed SQL check, by table and check name, in an order of their own."""
    samples = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for table, check in failed:
            rows_query = names.resolve(check.sql or "", table)
            query = f"select * from (\n{rows_query}\n) order by all limit {SAMPLE}"  # noqa: S608  # a suite's own SQL
            result = connection.execute(query)
            columns = [str(column[0]) for column in result.description or []]
            rows = [", ".join(f"{c}={v}" for c, v in zip(columns, row, strict=True)) for row in result.fetchall()]
            samples[table, check.name] = "; ".join(rows)
    return samples


def one_line(error: Exception) -> str:
    """An exception on one line, with its type."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]


def _applies(names: Names, suite: Suite, check: GateCheck, previous_edition: Path | None) -> bool:
    if check.needs is None:
        return True
    if previous_edition is None:
        return False
    try:
        names.resolve(f"{check.sql} {check.over}", suite.table)
    except NotSealedThenError:
        return False
    except NameUnknownError:
        return True
    return True


def _count_columns(
    connection: duckdb.DuckDBPyConnection, names: Names, table: str, columns: Sequence[str | None]
) -> dict[str | None, Count]:
    """The values of each column, or of None the rows: in one pass, and one by one only where one cannot be counted."""
    counted = ", ".join(f"count({'*' if column is None else quoted(column)})" for column in columns)
    try:
        row = connection.execute(f"select {counted} from {names.qualified(table)}").fetchone() if columns else ()  # noqa: S608  # names, quoted
        return {column: Count(int(count), None) for column, count in zip(columns, row or (), strict=True)}
    except (duckdb.Error, NameUnknownError) as error:
        if len(columns) == 1:
            return {columns[0]: Count(0, one_line(error))}
    each = (_count_columns(connection, names, table, [column]) for column in columns)
    return {column: count for one in each for column, count in one.items()}


def _count(connection: duckdb.DuckDBPyConnection, names: Names, table: str, over: str) -> Count:
    try:
        row = connection.execute(names.resolve(over, table)).fetchone()
        return Count(int(row[0] or 0) if row else 0, None)
    except (duckdb.Error, NameUnknownError) as error:
        return Count(0, one_line(error))


def _run_sql(connection: duckdb.DuckDBPyConnection, names: Names, table: str, sql: str) -> CheckAnswer:
    try:
        ((found,),) = connection.execute(f"select count(*) from (\n{names.resolve(sql, table)}\n)").fetchall()  # noqa: S608  # a suite's own SQL
    except (duckdb.Error, NameUnknownError) as error:
        return CheckAnswer(False, None, "", one_line(error))
    return CheckAnswer(found == 0, None, f"observed {found}", None)


def _is_rightly_empty(connection: duckdb.DuckDBPyConnection, names: Names, suite: Suite) -> bool:
    if suite.may_be_empty_if is None:
        return False
    try:
        query = f"select 1 from {names.qualified(suite.table)} limit 1"  # noqa: S608  # a name, quoted
        if connection.execute(query).fetchone() is not None:
            return False
        return connection.execute(names.resolve(suite.may_be_empty_if, suite.table)).fetchone() is not None
    except (duckdb.Error, NameUnknownError):
        # The checks over the same names report the error; the table is not taken for rightly empty.
        return False
