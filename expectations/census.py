"""What there is to look at, counted by ourselves: Great Expectations passes a check that looked at nothing."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from expectations.names import Names, NameUnknownError, NotSealedThenError, read_names
from expectations.suites import Check, Suite

SAMPLE = 5


@dataclass(frozen=True)
class Count:
    """How many rows one check has before it; `exception` when they could not be counted."""

    rows: int
    exception: str | None


@dataclass(frozen=True)
class Census:
    """The names of a candidate, the rows before each check, and the suites whose table is rightly empty."""

    names: Names
    counts: dict[tuple[str, str], Count]
    rightly_empty: frozenset[str]


def take_census(warehouse: Path, previous_edition: Path | None, suites: list[Suite]) -> Census:
    """Count the rows before each check that applies. The connection is closed again: the next is configured else."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = read_names(connection, previous_edition)
        counts = {
            (suite.table, check.name): _count(connection, names, suite, check)
            for suite in suites
            for check in suite.checks
            if check.needs is None or (previous_edition is not None and _is_comparable(names, suite, check))
        }
        empty = frozenset(suite.table for suite in suites if _is_rightly_empty(connection, names, suite))
    return Census(names, counts, empty)


def take_samples(warehouse: Path, names: Names, failed: list[tuple[str, Check]]) -> dict[tuple[str, str], str]:
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


def _is_comparable(names: Names, suite: Suite, check: Check) -> bool:
    try:
        names.resolve(f"{check.sql} {check.over}", suite.table)
    except NotSealedThenError:
        return False
    except NameUnknownError:
        return True
    return True


def _count(connection: duckdb.DuckDBPyConnection, names: Names, suite: Suite, check: Check) -> Count:
    try:
        return Count(_scalar(connection, _population(names, suite, check)), None)
    except (duckdb.Error, NameUnknownError) as error:
        return Count(0, " ".join(str(error).split()))


def _population(names: Names, suite: Suite, check: Check) -> str:
    if check.over is not None:
        return names.resolve(check.over, suite.table)
    column = check.kwargs.get("column")
    counted = "*" if column is None else '"' + str(column).replace('"', '""') + '"'
    return f"select count({counted}) from {names.qualified(suite.table)}"  # noqa: S608  # names, quoted


def _scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0] or 0) if row else 0


def _is_rightly_empty(connection: duckdb.DuckDBPyConnection, names: Names, suite: Suite) -> bool:
    if suite.may_be_empty_if is None:
        return False
    try:
        query = f"select count(*) from {names.qualified(suite.table)}"  # noqa: S608  # a name, quoted
        if _scalar(connection, query):
            return False
        return connection.execute(names.resolve(suite.may_be_empty_if, suite.table)).fetchone() is not None
    except (duckdb.Error, NameUnknownError):
        # The checks over the same names report it; an empty table with no excuse stays a fault.
        return False
