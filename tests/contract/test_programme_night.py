"""The district's night, as dbt builds it: subsidies and pool are those of plain Python over the records that landed."""

# ruff: noqa: S608  # SQL over a test's own tables

from typing import Any

import duckdb
import pytest

from tests.contract.district_night import DistrictNight
from tests.contract.figures_reference import figures_of
from tests.contract.market_reference import SEEDS as MARKET_SEEDS
from tests.contract.market_reference import Market, agree
from tests.contract.pool_reference import Pool
from tests.contract.programme_sql import UPSTREAM, records, seed_rows
from tests.contract.subsidy_reference import Subsidies

LANDED = (
    *("loan_movements", "leases", "lease_payments", "subsidy_claims", "subsidy_payments"),
    *("guarantees", "guarantee_claims", "pool_funds", "needs", "need_events", "bank_feedback", "policy_claims"),
)
DATASETS = (
    *(f"finance.{name}" for name in LANDED),
    *("tax.statements", "tax.rd_deductions", "science.titles", "science.consents", "pipeline.refusals"),
)
BOOKS = ("bank_a.loans", "bank_b.loans")
SEEDS = (
    *("subsidy_programmes", "subsidy_tiers", "subsidy_budgets", "subsidy_conditions"),
    *("pool_terms", "pool_agreements", "pool_sharing", "pool_uplifts", "pool_transitions", "pool_restarts"),
)


@pytest.fixture(scope="module")
def rows(night: DistrictNight) -> dict[str, list[dict[str, Any]]]:
    """What landed and what the other models made of it, as the reference reads it."""
    found = {}
    with duckdb.connect(str(night.candidate.warehouse), read_only=True) as connection:
        for name in UPSTREAM:
            if "." not in name:
                found[name] = records(connection, f"from {name}")
        for name in (*DATASETS, *BOOKS):
            path = night.candidate.inputs / name.replace(".", "/")
            found[name] = records(connection, f"from read_parquet('{path}/*.parquet', union_by_name = true)")
    return found


def test_every_line_of_the_night_agrees_to_the_fen(night: DistrictNight, rows: dict[str, Any]) -> None:
    wanted = Subsidies(rows, {name: seed_rows(name) for name in SEEDS}).lines
    found = night.rows("select claim_no, programme_id, policy_year, computed_fen, granted_fen from subsidy_lines")
    assert {key: (line.computed, line.granted) for key, line in wanted.items()} == {row[:3]: row[3:] for row in found}
    assert sum(1 for *_, granted in found if granted) > 100


def test_the_pay_list_adds_up_to_the_fen(night: DistrictNight) -> None:
    over = night.rows(
        "select programme_id, policy_year, sum(granted_fen), any_value(budget_fen) from subsidy_lines "
        "group by all having sum(granted_fen) > any_value(budget_fen)"
    )
    ((due, told),) = night.rows(
        "select (select sum(amount_fen) from subsidy_pay_list), (select sum(due_fen) from subsidy_statements)"
    )
    unlike = night.rows(
        "select claim_no from subsidy_pay_list where part <> 'clawback' group by claim_no, programme_id, policy_year "
        "having sum(amount_fen) + any_value(paid_fen) > any_value(granted_fen)"
    )
    assert (over, unlike) == ([], [])
    assert due == told


def test_every_pool_figure_of_the_night_agrees_to_the_fen(night: DistrictNight, rows: dict[str, Any]) -> None:
    wanted = Pool(rows, {name: seed_rows(name) for name in SEEDS})
    with duckdb.connect(str(night.candidate.warehouse), read_only=True) as connection:
        positions = records(connection, "from pool_positions")
    assert len(positions) == 5
    for row in positions:
        figures = wanted.position(row["pool_id"], row["scope"], row["party"])
        assert {name: row[name] for name in figures} == figures


def test_every_need_match_and_answer_of_the_night_agrees(night: DistrictNight, rows: dict[str, Any]) -> None:
    wanted = Market(rows, {name: seed_rows(name) for name in MARKET_SEEDS})
    with duckdb.connect(str(night.candidate.warehouse), read_only=True) as connection:
        agree(connection, wanted)
    (counts,) = night.rows(
        "select (select count(*) from need_offers where fit = 'match'), (select count(*) from bank_prospects), "
        "(select count(*) from bank_answers where state = 'late'), (select count(*) from need_feedback where is_newest)"
    )
    assert all(counts), counts


def test_a_statement_of_whoever_gets_nothing_says_why(night: DistrictNight) -> None:
    silent = night.rows("select uscc from subsidy_statements where trim(statement_zh) = '' or trim(statement_en) = ''")
    unsaid = night.rows(
        "select l.claim_no from subsidy_lines l join subsidy_statements s using (uscc, policy_year) "
        "where not contains(s.statement_zh, l.claim_no)"
    )
    in_chinese = night.rows(
        "select statement_en from subsidy_statements where regexp_matches(statement_en, '[元天]') limit 3"
    )
    assert (silent, unsaid, in_chinese) == ([], [], [])


def test_every_figure_of_every_quarter_agrees_with_plain_python(night: DistrictNight, rows: dict[str, Any]) -> None:
    seeds = {name: seed_rows(name) for name in (*SEEDS, "products")}
    market = Market(rows, {name: seed_rows(name) for name in MARKET_SEEDS})
    with duckdb.connect(str(night.candidate.warehouse), read_only=True) as connection:
        told = records(connection, "from programme_figures")
        lines = records(connection, "from subsidy_lines")
    quarters = {row["quarter"]: (row["starts_on"], row["ends_on"]) for row in told}
    wanted = {
        (figure, quarter): figures
        for quarter, days in quarters.items()
        for figure, figures in figures_of(rows, seeds, lines, market, *days).items()
    }
    assert {(row["figure"], row["quarter"]): (row["value"], row["not_judged"]) for row in told} == wanted
    assert len(quarters) == 12
    assert max(last for _, last in quarters.values()) == night.as_of


def test_the_figures_of_the_last_quarter_are_those_of_the_other_tables(night: DistrictNight) -> None:
    beside = night.rows(
        "select (select sum(balance_fen) from pool_positions where scope = 'pool'), "
        "(select sum(pool_fen) from pool_positions where scope = 'pool'), "
        "(select sum(granted_fen) from subsidy_lines)"
    )
    told = night.rows(
        "select max(value) filter (where figure = 'guaranteed_fen'), max(value) filter (where figure = 'pool_fen'), "
        "max(value) filter (where figure = 'subsidies_granted_fen') from programme_figures "
        "where ends_on = (select max(ends_on) from programme_figures)"
    )
    assert told == beside


def test_a_figure_of_records_that_were_not_supplied_is_not_zero(night: DistrictNight) -> None:
    supply = (
        "select * replace (is_supplied and dataset <> 'pool_funds' as is_supplied) "
        f"from {night.candidate.warehouse.stem}.supply"
    )
    with night.replayed(given={"supply": supply}, only=("programme_figures",)) as connection:
        found = connection.execute(
            "select figure from programme_figures group by figure having count(value) = 0 and count(not_judged) = 0"
        ).fetchall()
    assert sorted(found) == [("pool_fen",), ("pool_leverage_ppm",)]
