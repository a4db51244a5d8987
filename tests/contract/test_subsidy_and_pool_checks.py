"""The parameters of subsidies and pool: as they ship nothing is wrong, and each check finds the fault it is for."""

# SQL over a test's own tables

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.contract.programme_sql import PROJECT, SEED_TYPES, seed_rows

CHECKS = PROJECT / "checks"

# Check → what makes its fault.
FAULTS = {
    "subsidies/programmes__twice": "insert into subsidy_programmes from subsidy_programmes limit 1",
    "subsidies/programmes__days": "update subsidy_programmes set valid_to = valid_from - 1 where kind = 'lease'",
    "subsidies/programmes__same_days": "update subsidy_programmes set valid_to = '2025-01-01'",
    "subsidies/programmes__words": "update subsidy_programmes set day_count = 'act/act'",
    "subsidies/programmes__numbers": "update subsidy_programmes set advance_pct = 100.01",
    "subsidies/programmes__provenance": "update subsidy_programmes set provenance = ''",
    "subsidies/programmes__title": "update subsidy_programmes set title_required = null",
    "subsidies/programmes__cap_group": "update subsidy_programmes set firm_cap_cny = 1 where kind = 'loan'",
    "subsidies/tiers__unknown": "update subsidy_tiers set programme_id = 'x' where programme_id = 'loan-2024'",
    "subsidies/tiers__none": "delete from subsidy_tiers where programme_id = 'loan-2024'",
    "subsidies/tiers__twice": "update subsidy_tiers set tier = 'a'",
    "subsidies/tiers__bounds": "update subsidy_tiers set revenue_high_cny = -1",
    "subsidies/tiers__gap": "update subsidy_tiers set inclusive_low = false",
    "subsidies/tiers__overlap": "update subsidy_tiers set inclusive_high = true",
    "subsidies/tiers__cap": "update subsidy_tiers set rate_cap_pct = null",
    "subsidies/budgets__unknown": "update subsidy_budgets set programme_id = 'x' where programme_id = 'loan-2024'",
    "subsidies/budgets__twice": "insert into subsidy_budgets from subsidy_budgets limit 1",
    "subsidies/budgets__words": "update subsidy_budgets set budget_mode = 'lottery'",
    "subsidies/budgets__none": "delete from subsidy_budgets where programme_id = 'loan-2024'",
    "subsidies/budgets__not_in_force": "update subsidy_budgets set policy_year = 2026 where programme_id = 'loan-2024'",
    "subsidies/conditions__unknown": "update subsidy_conditions set condition = 'luck' where condition = 'not_listed'",
    "subsidies/conditions__twice": "insert into subsidy_conditions from subsidy_conditions limit 1",
    "subsidies/conditions__needed": "delete from subsidy_conditions where condition = 'interest_reported'",
    "subsidies/wordings__twice": "insert into subsidy_wordings from subsidy_wordings limit 1",
    "pool/terms__twice": "insert into pool_terms from pool_terms",
    "pool/terms__days": "update pool_terms set valid_from = null",
    "pool/terms__numbers": "update pool_terms set warn_pct = 3.0001",
    "pool/terms__denominator": "update pool_terms set npl_denominator = 'all'",
    "pool/terms__provenance": "update pool_agreements set provenance = null",
    "pool/agreements__twice": "insert into pool_agreements from pool_agreements limit 1",
    "pool/agreements__unknown": "update pool_agreements set pool_id = 'x'",
    "pool/agreements__days": "update pool_agreements set limit_cny = null",
    "pool/terms__overdue": "update pool_terms set claim_overdue_days = 0",
    "pool/sharing__unknown": "update pool_sharing set agreement_id = 'x' where agreement_id = 'zone-bank_a-g1'",
    "pool/sharing__none": "delete from pool_sharing where agreement_id = 'zone-bank_a-g1'",
    "pool/sharing__twice": "update pool_sharing set band = 'a'",
    "pool/sharing__bounds": "update pool_sharing set principal_high_cny = -1",
    "pool/sharing__gap": "update pool_sharing set inclusive_high = false",
    "pool/sharing__overlap": "update pool_sharing set inclusive_low = true",
    "pool/sharing__whole": "update pool_sharing set bank_pct = 50.0001",
    "pool/uplifts__unknown": "update pool_uplifts set agreement_id = 'x'",
    "pool/uplifts__twice": "insert into pool_uplifts from pool_uplifts limit 1",
    "pool/restarts__what": "update pool_restarts set party = 'bank_z'",
    "pool/restarts__days": "update pool_restarts set valid_to = null",
    "pool/restarts__line": "update pool_restarts set stop_pct = 3",
    "pool/restarts__who": "update pool_restarts set decided_by = ' '",
    "pool/restarts__same_days": "insert into pool_restarts from pool_restarts",
    "pool/transitions__unknown": "update pool_transitions set to_state = 'lost' where to_state = 'filed'",
    "pool/transitions__twice": "insert into pool_transitions from pool_transitions limit 1",
    "pool/transitions__of_one_state": "update pool_transitions set amount_rule = 'none' where from_state like 'c%'",
}
# Further faults of these checks: numbers of another unit, and caps that contradict.
MORE = [
    ("subsidies/programmes__numbers", "update subsidy_programmes set advance_pct = 0.8"),
    ("subsidies/programmes__numbers", "update subsidy_programmes set interest_share_pct = 1"),
    ("subsidies/programmes__numbers", "update subsidy_programmes set publicity_days = 60000"),
    ("subsidies/programmes__numbers", "update subsidy_programmes set contract_cap_cny = 600000"),
    ("subsidies/tiers__cap", "update subsidy_tiers set rate_cap_pct = 0.03"),
    ("subsidies/tiers__cap", "update subsidy_tiers set tier = null where tier = 'below_20m'"),
    ("pool/sharing__whole", "update pool_sharing set bank_pct = 0.2"),
    ("pool/agreements__days", "update pool_agreements set government_ceiling_pct = 0.5"),
    ("pool/terms__numbers", "update pool_terms set warn_pct = 0.02, stop_pct = 0.03"),
    ("pool/uplifts__unknown", "update pool_uplifts set government_pct = 0.15"),
    ("pool/uplifts__unknown", "update pool_uplifts set government_pct = 500"),
    ("pool/transitions__unknown", "update pool_transitions set from_state = null where to_state = 'filed'"),
    ("pool/transitions__unknown", "update pool_transitions set to_state = null where to_state = 'filed'"),
]


@pytest.fixture(scope="module")
def seeds() -> Iterator[duckdb.DuckDBPyConnection]:
    """The seeds as they ship."""
    with duckdb.connect() as connection:
        for name, columns in SEED_TYPES.items():
            connection.execute(f"create table {name} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
            path = PROJECT / "seeds" / "programme" / f"{name}.csv"
            connection.execute(f"insert into {name} from read_csv('{path}', all_varchar = true, header = true)")
        yield connection


def found(connection: duckdb.DuckDBPyConnection, check: str) -> list[tuple[object, ...]]:
    """What a check finds in the seeds."""
    text = (CHECKS / f"{check}.sql").read_text(encoding="utf-8")
    connection.execute((CHECKS / f"{check}.sql").with_name("_shared.sql").read_text(encoding="utf-8"))
    rows = connection.execute(text)
    names = [name for name, *_ in rows.description or ()]
    about, zh, en = (line.removeprefix("-- ") for line in text.splitlines()[:3])
    table, _, keys = about.partition(": ")
    assert table in SEED_TYPES
    assert {"ruleset_id", *keys.split(", ")} <= set(names), check
    assert zh
    assert en
    return rows.fetchall()


def checks_of(folder: str) -> list[Path]:
    return sorted(path for path in (CHECKS / folder).glob("*.sql") if path.stem != "_shared")


def test_nothing_is_wrong_with_the_parameters_that_ship(seeds: duckdb.DuckDBPyConnection) -> None:
    assert {check: rows for check in FAULTS if (rows := found(seeds, check))} == {}


def test_each_check_has_a_fault_to_find() -> None:
    assert FAULTS.keys() == {f"{folder}/{path.stem}" for folder in ("subsidies", "pool") for path in checks_of(folder)}


@pytest.mark.parametrize(("check", "fault"), [*FAULTS.items(), *MORE])
def test_a_check_finds_its_fault(seeds: duckdb.DuckDBPyConnection, check: str, fault: str) -> None:
    seeds.execute(f"begin; {fault}")
    try:
        assert found(seeds, check) != []
    finally:
        seeds.execute("rollback")


def test_what_is_not_official_says_so() -> None:
    for name in ("subsidy_programmes", "pool_terms", "pool_agreements"):
        assert {row["provenance"] for row in seed_rows(name)} == {"project default, not official"}
