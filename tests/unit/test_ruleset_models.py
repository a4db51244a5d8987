"""What models and rule sets have to say of each other is named by `jifen ruleset check`, before anything is built."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from editions.ruleset_problems import Problem
from editions.score.ruleset import read_seeds
from editions.score.run import Place, problems_of
from ledger.settings import PROJECT_DIR

LIST = "dbt_project/macros/scoring/measured_columns.sql"
EVIDENCE = "dbt_project/models/marts/evidence.sql"
INDICATORS = "dbt_project/models/indicators"
COUNTED = "dbt_project/models/intermediate"
# The file, a text of it, and what stands there instead; a file that is not there is new.
CHANGES = [
    (LIST, "'ind_talent', ", ""),
    (LIST, "'ind_credit'", "'ind_credits'"),
    (EVIDENCE, "'int_counted__credit'", "'int_counted__loans'"),
    (f"{INDICATORS}/ind_space.sql", "", "select 1 as c01_rd_expense_wan_cny"),
    (f"{COUNTED}/int_counted__leases.sql", "", "{{ landed('land', 'leases') }}"),
    (f"{INDICATORS}/ind_growth.sql", " as c09_", " as d09_"),
]
# The file and the row that are named, and what is said of it first.
NAMED = [
    (f"{INDICATORS}/ind_talent.sql", "ind_talent", f"indicator_models() in {LIST} does not name this model"),
    (f"{INDICATORS}/ind_space.sql", "ind_space", f"indicator_models() in {LIST} does not name this model"),
    (f"{INDICATORS}/ind_credit.sql", "ind_credit", f"indicator_models() in {LIST} does not name this model"),
    (f"{COUNTED}/int_counted__leases.sql", "int_counted__leases", f"counted in {EVIDENCE} does not name this model"),
    (f"{COUNTED}/int_counted__credit.sql", "int_counted__credit", f"counted in {EVIDENCE} does not name this model"),
    (
        f"{COUNTED}/int_counted__leases.sql",
        "land, leases",
        "the model reads a dataset that no file of connectors/sources",
    ),
    (LIST, "indicator_models(), ind_credits", "there is no model ind_credits"),
    (EVIDENCE, "counted, int_counted__loans", "there is no model int_counted__loans"),
    ("ruleset_indicators.csv", "national-2024, C09", "no column of an ind_ model begins with c09_"),
    ("ruleset_indicators.csv", "zhongkai-2024, C09", "no column of an ind_ model begins with c09_"),
    (f"{INDICATORS}/ind_growth.sql", "D09", "a column begins with D09, which is an indicator of no rule set"),
    (f"{INDICATORS}/ind_innovation.sql", "C01", "C01 is a column of several models, ind_innovation.sql, ind_space.sql"),
]


def problems_in(checkout: Path, asked: str | None, tmp_path: Path) -> Sequence[Problem]:
    return problems_of(read_seeds(checkout / "dbt_project", asked), Place(checkout, tmp_path))


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A checkout's models and sources, with every change."""
    checkout = tmp_path / "checkout"
    skipped = shutil.ignore_patterns("target", "logs", "tests")
    for part in ("dbt_project", "connectors/sources"):
        shutil.copytree(PROJECT_DIR / part, checkout / part, ignore=skipped)
    for name, old, new in CHANGES:
        path = checkout / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return checkout


def test_what_models_and_lists_lack_is_named_with_its_file(planted: Path, tmp_path: Path) -> None:
    found = problems_in(planted, None, tmp_path)
    told = [(one.file, one.row_key, one.problem_en[: len(said)]) for one in found for _, _, said in NAMED]
    assert [one for one in NAMED if one not in told] == []
    assert len(found) == len(NAMED), [one for one in found if (one.file, one.row_key) not in {n[:2] for n in NAMED}]


def test_who_asks_about_one_rule_set_hears_nothing_of_columns_of_the_others(tmp_path: Path) -> None:
    assert problems_in(PROJECT_DIR, "national-2024", tmp_path) == []
