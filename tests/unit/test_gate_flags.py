"""The gate's questions about data flags that name whom to ask: each passes where nothing is flagged, and can fail."""

import shutil

import duckdb
import pytest

from expectations.gate import audit
from expectations.suites import SUITES
from tests.unit.small_edition import TABLES


@pytest.fixture
def not_passed(tmp_path):
    """The checks that do not pass after flags of these rules are raised, by name, with their severity."""
    (tmp_path / "suites").mkdir()
    shutil.copy(SUITES / "data_flags.yml", tmp_path / "suites")

    def ask(*rules):
        warehouse = tmp_path / "candidate.duckdb"
        warehouse.unlink(missing_ok=True)
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute(TABLES)
            for rule in rules:
                words = ["91110000600037341L", rule, "warning", "说明", "what is the matter"]
                connection.execute("insert into data_flags values (?, ?, ?, ?, ?)", words)
        checks = audit(warehouse, None, tmp_path / "suites", ()).checks
        return {check.name: check.severity for check in checks if check.outcome not in ("passed", "not_applicable")}

    return ask


def test_a_circle_in_the_register_and_a_repair_that_could_not_be_read_warn_at_the_first(not_passed):
    assert not_passed("Q3") == {"links_of_the_register_come_to_an_end": "warning"}
    assert not_passed("Q16") == {"decisions_on_repair_can_be_read": "warning"}


def test_arrears_beside_good_grades_warn_where_they_are_many(not_passed):
    assert not_passed("Q23") == {"good_tax_grades_owe_no_tax": "warning"}


def test_a_flag_of_no_rule_blocks(not_passed):
    assert not_passed("Q99") == {"flags_are_of_known_rules": "critical"}
