"""Every column that leaves the installation is looked at by a check that can block, or it is said here why not."""

import re

import duckdb
import pytest

from expectations.names import read_names
from expectations.suites import SUITES, load_suites
from ledger.settings import PROJECT_DIR
from ledger.yaml_file import read_yaml

MODELS = PROJECT_DIR / "dbt_project" / "models"
EXTRACTS = sorted(path.stem for path in (MODELS / "extracts").glob("ext_*.sql"))
WITHIN = ("marts/rankings", "scoring/points")
"""Beside the extracts and the reasons: what people and programs read of an edition first."""
EXEMPT: dict[tuple[str, str], str] = {}
"""By table and column why no check looks at it; none so far."""


def columns():
    told = read_yaml((MODELS / "extracts" / "_extracts__models.yml").read_bytes())
    found = [(model["name"], column["name"]) for model in told["models"] for column in model["columns"]]
    for path in WITHIN:
        text = (MODELS / f"{path}.sql").read_text(encoding="utf-8")
        body = re.findall(r"\w+ as \(\n    select\n(.*?)\n    from", text, re.DOTALL)[-1]
        found += [(path.rpartition("/")[2], re.findall(r"\w+", line)[-1]) for line in body.splitlines() if line.strip()]
    return sorted(found)


def texts(table):
    """What the critical checks of a table say; one of a whole row against another says all of its columns."""
    suites, problems = load_suites(SUITES)
    assert problems == []
    (suite,) = [one for one in suites if one.table == table]
    return [f"{check.sql} {check.kwargs}" for check in suite.checks if check.severity == "critical"]


@pytest.mark.parametrize(("table", "column"), columns())
def test_a_column_that_leaves_is_looked_at(table, column):
    said = texts(table)
    is_named = any(re.search(rf"\b{column}\b", text) for text in said)
    assert is_named or EXEMPT.get((table, column))


def test_nothing_is_exempt_that_is_not_sent():
    assert EXEMPT.keys() <= set(columns())


def test_every_extract_has_a_suite():
    assert set(EXTRACTS) <= {suite.table for suite in load_suites(SUITES)[0]}


# A row of `explained` is compared with its row of `reasons`, both with all of their columns.
@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("select 1", []),
        ("update reasons set reason_zh = '丁' where uscc = 'A'", [("A", "C01")]),
        ("update reasons set points = null where uscc = 'A'", [("A", "C01")]),
        ("update reasons set points = 2 where uscc = 'B'", [("B", "C01")]),
        ("delete from reasons where uscc = 'A'", [("A", "C01")]),
        ("delete from explained where uscc = 'B'", [("B", "C01")]),
        ("insert into explained values ('A', 'C01', 1.5, '丁')", [("A", "C01")]),
        ("update reasons set indicator_code = 'C02' where uscc = 'A'", [("A", "C01"), ("A", "C02")]),
        ("alter table explained add column more varchar default 'x'", [("A", "C01"), ("B", "C01")]),
    ],
)
def test_reasons_are_compared_as_whole_rows(change, found):
    suite = next(suite for suite in load_suites(SUITES)[0] if suite.table == "reasons")
    check = next(check for check in suite.checks if check.name == "reasons_are_those_of_the_points")
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table reasons (uscc varchar, indicator_code varchar, points decimal(9, 4), reason_zh varchar);
            insert into reasons values ('A', 'C01', 1.5, '甲'), ('B', 'C01', null, '乙');
            create table explained as from reasons;
            """
        )
        connection.execute(change)
        sql = read_names(connection, None).resolve(check.sql, suite.table)
        assert sorted(connection.execute(sql).fetchall()) == found
