from dataclasses import replace
from datetime import date

import pytest

from editions.recipe import edition_id_of, recipe_digest, rule_files
from ledger.settings import PROJECT_DIR
from tests.unit.small_edition import AS_OF, input_batch


def checkout(root):
    for name in ("dbt_project/models/a.sql", "connectors/sources/tax.yml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "expectations/suites").mkdir(parents=True)
    (root / "expectations/suites/rankings.yml").write_text("table: rankings")
    return root


def test_the_recipe_does_not_depend_on_the_order_of_inputs(tmp_path):
    project = checkout(tmp_path)
    inputs = [input_batch(), input_batch(dataset="rd_deductions")]
    assert recipe_digest(AS_OF, inputs, project) == recipe_digest(AS_OF, inputs[::-1], project)


@pytest.mark.parametrize(
    "change",
    [
        {"is_supplied": False},
        {"content_sha256": "cd" * 32},
        {"rows_landed": 13},
        {"rows_refused": 1},
        {"learned_on": date(2025, 6, 29)},
        {"is_stale": True},
        {"reason": "the agency is down"},
    ],
)
def test_whatever_an_input_says_makes_another_recipe(tmp_path, change):
    project = checkout(tmp_path)
    batch = input_batch()
    assert recipe_digest(AS_OF, [batch], project) != recipe_digest(AS_OF, [replace(batch, **change)], project)


@pytest.mark.parametrize(
    "name",
    [
        "dbt_project/models/a.sql",
        "connectors/sources/tax.yml",
        "expectations/suites/rankings.yml",
        "dbt_project/seeds/new.csv",
        "editions/export.py",
        "expectations/gate.py",
        "connectors/landing.py",
        "requirements/all.lock",
    ],
)
def test_one_letter_of_a_rule_makes_another_recipe(tmp_path, name):
    project = checkout(tmp_path)
    before = recipe_digest(AS_OF, [input_batch()], project)
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    old = (project / name).read_text() if (project / name).exists() else ""
    (project / name).write_text("Z" + old[1:])
    assert recipe_digest(AS_OF, [input_batch()], project) != before


def test_facts_that_go_back_to_an_earlier_state_are_that_edition_whatever_batch_brought_them(tmp_path):
    project = checkout(tmp_path)
    nights = [
        input_batch(batches=("2025-06-30-001",), content_sha256="aa" * 32),
        input_batch(batches=("2025-06-30-002",), content_sha256="bb" * 32),
        input_batch(batches=("2025-06-30-003",), content_sha256="aa" * 32),
    ]
    first, second, third = (recipe_digest(AS_OF, [night], project) for night in nights)
    assert first == third != second


def test_the_code_and_the_lock_of_this_checkout_are_among_its_rules():
    rules = {path.relative_to(PROJECT_DIR).as_posix() for path in rule_files(PROJECT_DIR)}
    assert {"editions/export.py", "expectations/gate.py", "connectors/landing.py", "requirements/all.lock"} <= rules
    assert not any(name.startswith("connectors/drivers") or "__pycache__" in name for name in rules)


def test_what_is_no_rule_makes_no_other_recipe(tmp_path):
    project = checkout(tmp_path)
    before = recipe_digest(AS_OF, [], project)
    for name in ("target/compiled/a.sql", "logs/x.sql", ".cache/x.sql", "README.md"):
        (project / "dbt_project" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / "dbt_project" / name).write_text("x")
    for name in ("connectors/drivers/rest.py", "editions/__pycache__/seal.py", "flows/show.py", "editions/.#seal.py"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("x")
    assert recipe_digest(AS_OF, [], project) == before


def test_another_day_is_another_edition(tmp_path):
    project = checkout(tmp_path)
    today, tomorrow = (recipe_digest(day, [], project) for day in (AS_OF, date(2025, 7, 1)))
    assert edition_id_of(AS_OF, today) == f"2025-06-30-{today[:10]}"
    assert today != tomorrow
