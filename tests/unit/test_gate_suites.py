"""The gate's questions about who is who and about flags: each passes where it should, and can fail."""

import shutil

import duckdb
import pytest

from expectations.gate import audit
from expectations.suites import SUITES
from tests.unit.small_edition import TABLES

FLAG = "insert into data_flags values ('91110000600037341L', '{}', 'warning', '说明', 'what is the matter');"
REVIEW = "update identity_review set settled_pct = {}, settled_count = {}, unresolved_count = {};"
WRONG = """
insert into identity_names
select uscc, replace(borne_by, '6', '7'), enterprise_name, valid_from, valid_to from identity_names;"""
FEW = {"nearly_all_are_settled": "warning"}
FALLEN = {**FEW, "no_feed_falls_below_four_in_five": "critical"}
NOBODY = {**FEW, "somebody_is_found": "critical"}


@pytest.mark.parametrize(
    ("changes", "before", "not_passed"),
    [
        ("", None, {}),
        (FLAG.format("Q3"), None, {"links_of_the_register_come_to_an_end": "warning"}),
        (FLAG.format("Q16"), None, {"decisions_on_repair_can_be_read": "warning"}),
        (FLAG.format("Q17"), None, {"entries_on_lists_name_their_basis": "warning"}),
        (FLAG.format("Q23"), None, {"good_tax_grades_owe_no_tax": "warning"}),
        (FLAG.format("Q99"), None, {"flags_are_of_known_rules": "critical"}),
        (REVIEW.format(97.9, 979, 21), None, FEW),
        (REVIEW.format(79.9, 799, 201), None, FEW),
        (REVIEW.format(0, 0, 50), None, NOBODY),
        (REVIEW.format(50, 20, 20), None, {}),
        ("update identity_review set unlisted_count = 1;", None, {"what_is_open_is_listed": "critical"}),
        ("update identity_review set ambiguous_count = 1;", None, {}),
        # A feed that falls below four in five blocks, and one that always lay there does not.
        (REVIEW.format(79.9, 799, 201), 80, FALLEN),
        (REVIEW.format(79.9, 799, 201), 79.8, FEW),
        ("", 80, {}),
        # A code that is none blocks, and one issued with a wrong check character does not.
        ("update identity_names set borne_by = '91350203M0001QAY9B';", None, {}),
        ("update identity_names set borne_by = '91350203MOOO1QAY9B';", None, {"codes_are_codes": "critical"}),
        (WRONG * 2, None, {"codes_fit_their_check_character": "critical"}),
        ("update identity_names set enterprise_name = ' ';", None, {"names_are_names": "critical"}),
    ],
)
def test_a_question_fails_on_what_it_is_there_for(tmp_path, changes, before, not_passed):
    suites, edition, warehouse = tmp_path / "suites", tmp_path / "before", tmp_path / "candidate.duckdb"
    suites.mkdir()
    (edition / "tables").mkdir(parents=True)
    for table in ("data_flags", "identity_names", "identity_review"):
        shutil.copy(SUITES / f"{table}.yml", suites)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(TABLES)
        if before is not None:
            connection.execute("update identity_review set settled_pct = ?", [before])
            connection.table("identity_review").write_parquet(str(edition / "tables" / "identity_review.parquet"))
            connection.execute("update identity_review set settled_pct = 99")
        connection.execute(changes or "select 1")
    checks = audit(warehouse, edition if before is not None else None, suites, ()).checks
    found = {check.name: check.severity for check in checks if check.outcome not in ("passed", "not_applicable")}
    # A code that is none fails more than one question.
    assert (not_passed.items() <= found.items()) if "MOOO" in changes else (found == not_passed)
