"""The parameters of the supermarket: as they ship nothing is wrong, and each check finds the fault it is for."""

from collections.abc import Iterator

import duckdb
import pytest

from editions.programme import SEEDS, load_programme, read_programme
from editions.ruleset_problems import found_by_checks
from tests.contract.programme_sql import PROJECT

# Check → what makes its fault.
FAULTS = {
    "years__twice": "insert into working_years from working_years limit 1",
    "years__gap": "update working_years set year = 2028 where year = 2026",
    "years__provenance": "update working_years set provenance = null",
    "years__sum": "delete from working_day_exceptions where day = '2025-01-26'",
    "days__twice": "insert into working_day_exceptions from working_day_exceptions limit 1",
    "days__year": "delete from working_years where year = 2026",
    "days__no_exception": "update working_day_exceptions set is_working = not is_working where day = '2026-02-14'",
    "states__words": "update market_states set is_open = null where state = 'drawn'",
    "states__place": "update market_states set place = 4 where state = 'drawn'",
    "states__needed": "delete from market_states where state = 'expired'",
    "transitions__unknown": "update market_transitions set to_state = 'lost' where to_state = 'contacted'",
    "transitions__twice": "insert into market_transitions from market_transitions limit 1",
    "transitions__again": "insert into market_transitions values ('bank', 'rejected', 'matched', false)",
    "parameters__unknown": "update market_parameters set bank = 'bank_a' where parameter = 'expiry_days'",
    "parameters__value": "update market_parameters set value = 0.5 where parameter = 'answer_days'",
    "parameters__days": "update market_parameters set valid_to = '2023-12-31'",
    "parameters__same_days": "insert into market_parameters from market_parameters limit 1",
    "parameters__product": "update market_parameters set bank = 'bank_a' where product_id is not null",
    "parameters__provenance": "update market_parameters set unit = ''",
    "parameters__needed": "delete from market_parameters where parameter = 'near_rate_pct'",
    "consents__words": "update market_consents set purpose = null where used_for = 'need_feedback'",
    "orders__field": "update market_orders set field = 'uscc' where place = 1",
    "orders__places": "update market_orders set place = 4 where place = 3",
    "products__unknown": "update market_products set version = '1999.1'",
    "products__words": "update market_products set collaterals = 'gold'",
    "pauses__days": "update market_pauses set paused_to = '2024-01-01'",
    "pauses__product": "update market_pauses set bank = 'bank_a'",
    "pauses__words": "update market_pauses set decided_by = null",
}
# Further faults of these checks: cells that are empty or hold the number of another column.
MORE = [
    ("years__gap", "update working_years set year = 20250000 where year = 2026"),
    ("orders__field", "update market_orders set place = null where place = 3"),
    ("parameters__unknown", "update market_parameters set parameter = null where bank = 'bank_b'"),
    ("transitions__unknown", "update market_transitions set from_state = null where to_state = 'contacted'"),
    ("transitions__unknown", "update market_transitions set to_state = null where to_state = 'contacted'"),
]


@pytest.fixture(scope="module")
def seeds() -> Iterator[duckdb.DuckDBPyConnection]:
    """The seeds as they ship."""
    with duckdb.connect() as connection:
        load_programme(connection, read_programme(PROJECT), PROJECT)
        yield connection


def found(connection: duckdb.DuckDBPyConnection, fault: str = "select 1") -> set[tuple[str, str, str]]:
    """The checks that find something in the seeds after a fault: those of their texts. The seeds stay as they were."""
    connection.execute(f"begin; {fault}")
    try:
        return {(one.file, one.problem_zh, one.problem_en) for one in found_by_checks(connection, PROJECT, "market")}
    finally:
        connection.execute("rollback")


def texts(check: str) -> tuple[str, str, str]:
    about, zh, en = (PROJECT / "checks" / "market" / f"{check}.sql").read_text(encoding="utf-8").splitlines()[:3]
    return about.removeprefix("-- ").partition(":")[0], zh.removeprefix("-- "), en.removeprefix("-- ")


def test_nothing_is_wrong_with_the_parameters_that_ship(seeds: duckdb.DuckDBPyConnection) -> None:
    assert found(seeds) == set()


def test_each_check_has_a_fault_to_find() -> None:
    named = {path.stem for path in (PROJECT / "checks" / "market").glob("*.sql")} - {"_shared"}
    assert FAULTS.keys() == named


@pytest.mark.parametrize(("check", "fault"), [*FAULTS.items(), *MORE])
def test_a_check_finds_its_fault(seeds: duckdb.DuckDBPyConnection, check: str, fault: str) -> None:
    file, zh, en = texts(check)
    assert any(
        one[0] == file and one[1].startswith(zh.partition("{")[0]) and one[2].startswith(en.partition("{")[0])
        for one in found(seeds, fault)
    )


def test_what_is_not_official_says_so() -> None:
    rows = read_programme(PROJECT).tables
    assert {row["provenance"] for row in rows["market_parameters"]} == {"project default, not official"}
    assert all("国办发明电" in row["provenance"] for row in rows["working_years"])
    assert (PROJECT / SEEDS / "market_parameters.csv").is_file()
