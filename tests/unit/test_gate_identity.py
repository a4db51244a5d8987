"""The gate's questions about who is who: each passes where it should, and can fail."""

import shutil

import duckdb
import pytest

from expectations.gate import audit
from expectations.suites import SUITES
from tests.unit.small_edition import TABLES

NAMES, REVIEW = "identity_names", "identity_review"


@pytest.fixture
def failed(tmp_path):
    """The checks of the two suites that did not pass, by name, after a change to a sound candidate."""
    suites = tmp_path / "suites"
    suites.mkdir()
    for table in (NAMES, REVIEW):
        shutil.copy(SUITES / f"{table}.yml", suites)

    before = tmp_path / "before"
    (before / "tables").mkdir(parents=True)

    def ask(change="", previously=None):
        warehouse = tmp_path / "candidate.duckdb"
        warehouse.unlink(missing_ok=True)
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute(TABLES)
            if previously is not None:
                sealed = before / "tables" / f"{REVIEW}.parquet"
                connection.execute("update identity_review set settled_pct = ?", [previously])
                connection.table(REVIEW).write_parquet(str(sealed))
                connection.execute("update identity_review set settled_pct = 99")
            connection.execute(change)
        checks = audit(warehouse, before if previously is not None else None, suites, ()).checks
        return {check.name: check.severity for check in checks if check.outcome not in ("passed", "not_applicable")}

    return ask


def test_a_sound_candidate_passes(failed):
    assert failed() == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            "update identity_review set settled_pct = 97.9, settled_count = 979, unresolved_count = 21;",
            {"nearly_all_are_settled": "warning"},
        ),
        (
            "update identity_review set settled_pct = 79.9, settled_count = 799, unresolved_count = 201;",
            {"nearly_all_are_settled": "warning"},
        ),
        (
            "update identity_review set settled_pct = 0, settled_count = 0, unresolved_count = 50;",
            {"nearly_all_are_settled": "warning", "somebody_is_found": "critical"},
        ),
        ("update identity_review set settled_pct = 50, settled_count = 20, unresolved_count = 20;", {}),
        ("update identity_review set unlisted_count = 1;", {"what_is_open_is_listed": "critical"}),
        ("update identity_review set ambiguous_count = 1;", {}),
    ],
)
def test_names_that_find_nobody_are_warned_of_and_a_feed_that_finds_nobody_at_all_blocks(failed, change, expected):
    assert failed(change) == expected


def test_a_feed_that_falls_below_four_in_five_blocks_and_one_that_always_lay_there_does_not(failed):
    fallen = "update identity_review set settled_pct = 79.9, settled_count = 799, unresolved_count = 201;"
    warned = {"nearly_all_are_settled": "warning"}
    assert failed(fallen, previously=80) == {**warned, "no_feed_falls_below_four_in_five": "critical"}
    assert failed(fallen, previously=79.8) == warned
    assert failed(previously=80) == {}


def test_a_code_that_is_none_blocks_and_one_issued_with_a_wrong_check_does_not(failed):
    assert failed("update identity_names set borne_by = '91350203M0001QAY9B';") == {}
    assert failed("update identity_names set borne_by = '91350203MOOO1QAY9B';")["codes_are_codes"] == "critical"
    wrong = "insert into {0} select uscc, replace(borne_by, '6', '7'), enterprise_name, valid_from, valid_to from {0};"
    assert failed(wrong.format(NAMES) * 2)["codes_fit_their_check_character"] == "critical"
    assert "names_are_names" in failed("update identity_names set enterprise_name = ' ';")
