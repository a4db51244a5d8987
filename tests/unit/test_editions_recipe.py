from dataclasses import replace
from datetime import date

import pytest

from editions.recipe import CODE_FILES, edition_id_of, recipe_digest, rule_files, rules_sha256
from ledger.settings import PROJECT_DIR
from tests.unit.small_edition import AS_OF, input_batch


def checkout(root):
    for name in ("dbt_project/models/a.sql", "connectors/sources/tax.yml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "expectations/suites").mkdir(parents=True)
    (root / "expectations/suites/rankings.yml").write_text("table: rankings")
    return root


def test_the_recipe_does_not_depend_on_the_order_of_inputs():
    inputs = [input_batch(), input_batch(dataset="rd_deductions")]
    assert recipe_digest(AS_OF, inputs, "rules") == recipe_digest(AS_OF, inputs[::-1], "rules")


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
def test_whatever_an_input_says_makes_another_recipe(change):
    batch = input_batch()
    assert recipe_digest(AS_OF, [batch], "rules") != recipe_digest(AS_OF, [replace(batch, **change)], "rules")


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
    before = rules_sha256(project)
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    old = (project / name).read_text() if (project / name).exists() else ""
    (project / name).write_text("Z" + old[1:])
    assert rules_sha256(project) != before


def test_facts_that_go_back_to_an_earlier_state_are_that_edition_whatever_batch_brought_them():
    nights = [
        input_batch(batches=("2025-06-30-001",), content_sha256="aa" * 32),
        input_batch(batches=("2025-06-30-002",), content_sha256="bb" * 32),
        input_batch(batches=("2025-06-30-003",), content_sha256="aa" * 32),
    ]
    first, second, third = (recipe_digest(AS_OF, [night], "rules") for night in nights)
    assert first == third != second


def test_the_code_and_the_lock_of_this_checkout_are_among_its_rules():
    rules = {path.relative_to(PROJECT_DIR).as_posix() for path in rule_files(PROJECT_DIR)}
    assert {"editions/export.py", "expectations/gate.py", "connectors/landing.py", "requirements/all.lock"} <= rules
    # What is no record, and how much a delivery may change, decides what lands.
    assert {"ledger/hand_made.py", "connectors/change_limits.yml"} <= rules
    assert [pattern for pattern in CODE_FILES if not any(PROJECT_DIR.glob(pattern))] == []
    assert not any(name.startswith("connectors/drivers") or "__pycache__" in name for name in rules)


def test_what_is_no_rule_makes_no_other_recipe(tmp_path):
    project = checkout(tmp_path)
    before = rules_sha256(project)
    for name in ("target/compiled/a.sql", "logs/x.sql", ".cache/x.sql", "README.md"):
        (project / "dbt_project" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / "dbt_project" / name).write_text("x")
    for name in ("connectors/drivers/rest.py", "editions/__pycache__/seal.py", "cli/show.py", "editions/.#seal.py"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("x")
    assert rules_sha256(project) == before


MODEL = """
version: 2
models:
  - name: a
    description: The a.
    config: {tags: [edition], meta: {key: [uscc]}}
    columns: [{name: uscc, description: the code}]
"""


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        (MODEL, MODEL + "unit_tests: [{name: t, model: a, expect: {rows: []}}]", True),
        (MODEL, MODEL + "# a comment", True),
        (MODEL, MODEL.replace("the code}", "the code, data_tests: [not_null]}, {name: b, data_tests: [unique]}"), True),
        (MODEL, MODEL.replace("    config", "    data_tests: [x]\n\n    config"), True),
        (MODEL, MODEL + "  - {name: b, data_tests: [{has_rows: {arguments: {rows: 1}}}]}", True),
        (MODEL, MODEL.replace("[uscc]", "[uscc, b]"), False),
        (MODEL, MODEL.replace("The a.", "The b."), False),
        (MODEL, MODEL.replace("edition", "extract"), False),
        ("a: 012", "a: 10", False),
        ("a: [", "a: [[", False),
    ],
)
def test_a_test_beside_a_model_is_no_rule(tmp_path, before, after, is_same):
    project = checkout(tmp_path)
    path = project / "dbt_project" / "models" / "_a__models.yml"
    path.write_text(before)
    first = rules_sha256(project)
    path.write_text(after)
    assert (rules_sha256(project) == first) is is_same


def test_a_file_of_tests_alone_is_no_rule(tmp_path):
    project = checkout(tmp_path)
    before = rules_sha256(project)
    (project / "dbt_project" / "models" / "_a__unit_tests.yml").write_text("version: 2\nunit_tests: [{name: t}]")
    (project / "dbt_project" / "tests").mkdir()
    (project / "dbt_project" / "tests" / "no_rows.sql").write_text("select 1")
    assert rules_sha256(project) == before


def test_another_day_and_other_rules_are_another_edition():
    assert recipe_digest(AS_OF, [], "rules") != recipe_digest(AS_OF, [], "others")
    today, tomorrow = (recipe_digest(day, [], "rules") for day in (AS_OF, date(2025, 7, 1)))
    assert edition_id_of(AS_OF, today) == f"2025-06-30-{today[:10]}"
    assert today != tomorrow
