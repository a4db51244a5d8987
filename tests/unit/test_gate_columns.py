"""Every column that leaves the installation is looked at by a check that can block, or it is said here why not."""

import re

import pytest

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


def test_reasons_are_compared_as_whole_rows():
    assert any("r is distinct from e" in text for text in texts("reasons"))
