"""What the models grant is what plain Python grants, to the fen, at every edge and for the whole district."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox.district import generate
from sandbox.district_feeds import feed
from tests.contract.programme_sql import everything_supplied, records, run, seed_rows
from tests.contract.subsidy_reference import Subsidies

A, B = "91440000000000000A", "91440000000000000B"
SEEDS = ("subsidy_programmes", "subsidy_tiers", "subsidy_budgets", "subsidy_conditions")
WHOLE = (date(2024, 1, 1), date(2024, 12, 31))


def seeds(**changed: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The seeds as they ship, but for those that are replaced."""
    return {name: seed_rows(name) for name in SEEDS} | changed


def changed(name: str, **cells: str) -> dict[str, list[dict[str, Any]]]:
    """A seed with these cells in every row."""
    return {name: [row | cells for row in seed_rows(name)]}


def movement(
    no: int, day: str, kind: str, amount: str | None = None, rate: str | None = None, **more: str
) -> dict[str, Any]:
    return {
        "movement_no": f"{no:03d}",
        "bank": "bank_a",
        "loan_receipt_no": "R",
        "uscc": A,
        "moved_on": day,
        "kind": kind,
        "amount_cny": amount,
        "annual_rate_pct": rate,
        **more,
    }


def claim(no: str = "C1", **more: Any) -> dict[str, Any]:
    return {
        "claim_no": no,
        "kind": "loan",
        "lender": "bank_a",
        "contract_no": "R",
        "uscc": A,
        "period_from": "2024-01-01",
        "period_to": "2024-12-31",
        "claimed_on": "2025-01-10",
        "used_for": "production",
        "consented_on": "2023-12-01",
        "published_on": "2025-02-01",
        **more,
    }


def filing(year: int, revenue: str | None, filed_on: str, uscc: str = A) -> dict[str, Any]:
    return {"uscc": uscc, "fiscal_year": year, "filed_on": filed_on, "operating_revenue_cny": revenue}


def declared(amount: str) -> dict[str, Any]:
    """A super-deduction for 2024."""
    return {"uscc": A, "fiscal_year": 2024, "filed_on": "2025-05-01", "additional_deduction_cny": amount}


def one_loan(**more: Any) -> dict[str, Any]:
    """A million yuan at 3.45 % over all of 2024, for an enterprise with 30 million of revenue in 2023."""
    return {
        "ruleset_in_force": [{"as_of": "2025-06-30"}],
        "supply": everything_supplied(),
        "int_enterprises__eligibility": [{"uscc": A, "status": "active", "zone_member_from": "2020-01-01"}],
        "science.titles": [{"uscc": A, "title": "tech_sme", "issued_on": "2023-01-01", "valid_to": "2025-12-31"}],
        "tax.statements": [
            filing(2023, "30000000.00", "2024-05-01"),
            filing(2024, "30000000.00", "2025-05-01"),
        ],
        "finance.loan_movements": [
            movement(1, "2023-12-20", "drawdown", "1000000.00", "3.45"),
            movement(2, "2024-12-21", "interest_paid", "34500.00"),
        ],
        "finance.subsidy_claims": [claim()],
    } | more


def both(given_rows: dict[str, Any], with_seeds: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The lines of the models, which are those of the reference."""
    with_seeds = with_seeds or seeds()
    connection = run("subsidies", given_rows, with_seeds)
    lines = records(connection, "from subsidy_lines order by claimed_on, claim_no, policy_year, programme_id")
    wanted = Subsidies(given_rows, with_seeds).lines
    reasons: dict[Any, tuple[set[str], set[str]]] = {key: (set(), set()) for key in wanted}
    for row in records(connection, "from subsidy_checks where not coalesce(is_met, false)"):
        key = (row["claim_no"], row["programme_id"], row["policy_year"])
        reasons[key][row["is_met"] is None].add(row["condition"])
    found = {(row["claim_no"], row["programme_id"], row["policy_year"]): row for row in lines}
    assert found.keys() == wanted.keys()
    assert reasons == {key: (line.failed, line.unknown) for key, line in wanted.items()}
    assert {key: (row["computed_fen"], row["granted_fen"]) for key, row in found.items()} == {
        key: (line.computed, line.granted) for key, line in wanted.items()
    }
    return lines


def granted(given_rows: dict[str, Any], with_seeds: dict[str, Any] | None = None) -> list[int | None]:
    return [row["granted_fen"] for row in both(given_rows, with_seeds)]


def test_a_leap_year_has_366_days() -> None:
    assert granted(one_loan()) == [1_000_000_00 * 366 * 2 // 36_000]


def test_the_day_of_repayment_does_not_count_and_that_of_the_drawdown_does() -> None:
    repaid = movement(3, "2024-12-31", "repayment", "1000000.00")
    moved = one_loan()["finance.loan_movements"]
    assert granted(one_loan(**{"finance.loan_movements": [*moved, repaid]})) == [1_000_000_00 * 365 * 2 // 36_000]
    late = [moved[0] | {"moved_on": "2024-12-31"}, moved[1] | {"moved_on": "2024-12-31"}]
    assert granted(one_loan(**{"finance.loan_movements": late})) == [1_000_000_00 * 1 * 2 // 36_000]


@pytest.mark.parametrize(
    ("revenue", "points"),
    [
        ("19999999.99", 3),
        ("20000000.00", 2),
        ("200000000.00", 2),
        ("200000000.01", 0),
        ("0.00", 3),
        ("-0.01", 0),
    ],
)
def test_a_tier_begins_and_ends_to_the_fen(revenue: str, points: int) -> None:
    rows = one_loan(**{"tax.statements": [filing(2023, revenue, "2024-05-01")]})
    assert granted(rows) == [1_000_000_00 * 366 * points // 36_000]


def test_revenue_that_is_left_blank_or_not_filed_gives_no_amount() -> None:
    for statements in ([filing(2023, None, "2024-05-01")], [filing(2022, "30000000.00", "2023-05-01")], []):
        assert granted(one_loan(**{"tax.statements": statements})) == [None]


def test_revenue_as_last_restated_decides_the_tier() -> None:
    first, again = filing(2023, "19000000.00", "2024-05-01"), filing(2023, "21000000.00", "2025-06-10")
    later = filing(2023, "1.00", "2025-07-01")
    assert granted(one_loan(**{"tax.statements": [again, first, later]})) == [1_000_000_00 * 366 * 2 // 36_000]


def test_a_rate_below_the_cap_is_subsidised_up_to_the_interest() -> None:
    moved = one_loan()["finance.loan_movements"]
    low = [moved[0] | {"annual_rate_pct": "1.2"}, moved[1] | {"amount_cny": "12200.00"}]
    assert granted(one_loan(**{"finance.loan_movements": low})) == [12_200_00]
    half = changed("subsidy_programmes", interest_share_pct="50.0000")
    assert granted(one_loan(), seeds(**half)) == [1_000_000_00 * 366 * 1725 // 36_000_000]


def test_no_line_is_above_the_interest_paid_and_none_is_paid_without_a_report_of_it() -> None:
    moved = one_loan()["finance.loan_movements"]
    assert granted(one_loan(**{"finance.loan_movements": [moved[0], moved[1] | {"amount_cny": "100.01"}]})) == [100_01]
    assert granted(one_loan(**{"finance.loan_movements": [moved[0], moved[1] | {"amount_cny": None}]})) == [None]
    assert granted(one_loan(**{"finance.loan_movements": moved[:1]})) == [None]


def test_a_loan_across_two_policy_years_is_two_lines() -> None:
    moved = [*one_loan()["finance.loan_movements"], movement(3, "2025-03-21", "interest_paid", "8625.00")]
    rows = one_loan(
        **{
            "finance.loan_movements": moved,
            "finance.subsidy_claims": [
                claim(period_from="2024-07-01", period_to="2025-03-31", claimed_on="2025-04-01")
            ],
            "tax.statements": [filing(2023, "30000000.00", "2024-05-01"), filing(2024, "10000000.00", "2025-05-01")],
        }
    )
    assert [(row["policy_year"], row["days"], row["tier"]) for row in both(rows)] == [
        (2024, 184, "20m_to_200m"),
        (2025, 90, "below_20m"),
    ]


def test_days_overdue_and_days_without_the_title_do_not_count() -> None:
    moved = one_loan()["finance.loan_movements"]
    late = [movement(8, "2024-03-01", "overdue_from"), movement(9, "2024-03-30", "overdue_to")]
    assert [row["counted_days"] for row in both(one_loan(**{"finance.loan_movements": [*moved, *late]}))] == [336]
    title = {"uscc": A, "title": "tech_sme", "issued_on": "2024-02-01", "valid_to": "2024-06-30"}
    assert [row["counted_days"] for row in both(one_loan(**{"science.titles": [title]}))] == [151]
    revoked = title | {"revoked_on": "2024-06-30"}
    assert [row["counted_days"] for row in both(one_loan(**{"science.titles": [revoked]}))] == [150]
    assert granted(one_loan(**{"science.titles": []})) == [0]


@pytest.mark.parametrize("day_count", ["act/360", "act/365", "30/360"])
@pytest.mark.parametrize("balance_mode", ["segments", "yearly_average"])
def test_days_are_counted_as_the_programme_says(day_count: str, balance_mode: str) -> None:
    with_seeds = seeds(**changed("subsidy_programmes", day_count=day_count, balance_mode=balance_mode))
    moved = [*one_loan()["finance.loan_movements"], movement(3, "2024-05-31", "repayment", "333333.33")]
    (line,) = both(one_loan(**{"finance.loan_movements": moved}), with_seeds)
    assert line["counted_days"] == (360 if (day_count, balance_mode) == ("30/360", "segments") else 366)


def test_excluded_claims_are_told_why() -> None:
    other_bank = movement(5, "2023-12-20", "drawdown", "1000000.00", "3.45", bank="bank_b")
    moved = [*one_loan()["finance.loan_movements"], other_bank]
    lease = {
        "lease_no": "L",
        "lessor": "lessor_1",
        "uscc": A,
        "asset_no": "S",
        "financed_amount_cny": "500000.00",
        "annual_rate_pct": "6",
        "started_on": "2024-01-01",
    }
    rent = {
        "payment_no": "P",
        "lease_no": "L",
        "paid_on": "2024-06-21",
        "principal_cny": "100000.00",
        "interest_cny": "9000",
    }
    of_lease = claim("C2", kind="lease", lender="lessor_1", contract_no="L", claimed_on="2025-01-11")
    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({"finance.loan_movements": moved}, {"receipt_in_one_bank"}),
        ({"finance.subsidy_claims": [claim(used_for="refinancing")]}, {"not_refinancing"}),
        ({"finance.subsidy_claims": [claim(other_programme="X")]}, {"not_claimed_elsewhere"}),
        ({"finance.subsidy_claims": [claim(is_objection_upheld=True)]}, {"no_objection_upheld"}),
        ({"finance.subsidy_claims": [claim(period_to="2025-01-11")]}, {"period_over"}),
        ({"finance.subsidy_claims": [claim(), claim("C2", claimed_on="2025-01-11")]}, {"claimed_once"}),
        (
            {
                "finance.subsidy_claims": [claim(asset_no="S"), of_lease],
                "finance.leases": [lease],
                "finance.lease_payments": [rent],
            },
            {"asset_once"},
        ),
        ({"int_enterprises__eligibility": []}, {"zone_member"}),
        ({"int_grades__latest": [{"uscc": A, "grade": "D"}]}, {"tax_grade_not_d"}),
        ({"int_evaluations__latest": [{"uscc": A, "grade": "D"}]}, {"credit_grade_not_d"}),
    ]
    entry = {"uscc": A, "event_type": "serious_dishonesty", "has_basis": True}
    entry |= {"may_be_repaired": False}
    cases.append(({"credit_events": [entry]}, {"not_listed"}))
    for more, wanted in cases:
        rows = one_loan(**more)
        both(rows)
        failed = records(
            run("subsidies", rows, seeds()), "select distinct condition from subsidy_checks where not is_met"
        )
        assert {row["condition"] for row in failed} == wanted
    assert granted(one_loan(credit_events=[entry | {"has_basis": False}])) != [0]
    assert granted(one_loan(credit_events=[entry | {"may_be_repaired": True}])) == [None]


def state(aspect: str, value: str, valid_from: str, valid_to: str | None = None) -> dict[str, Any]:
    return {"uscc": A, "aspect": aspect, "value": value, "valid_from": valid_from, "valid_to": valid_to}


@pytest.mark.parametrize(
    ("states", "is_paid", "stands"),
    [
        # The claim was filed on 2025-01-10; the undated column says a member since 2020.
        ([state("zone_member", "yes", "2020-01-01")], False, "granted"),
        ([state("zone_member", "yes", "2025-01-11")], False, "refused"),
        # Who left later, or left and came back, was a member when the claim was filed.
        ([state("zone_member", "yes", "2020-01-01", "2025-02-01")], True, "granted"),
        (
            [state("zone_member", "yes", "2020-01-01", "2025-02-01"), state("zone_member", "yes", "2025-05-01")],
            True,
            "granted",
        ),
        ([state("zone_member", "yes", "2020-01-01"), state("zone_member", "no", "2025-02-01")], True, "granted"),
        ([state("zone_member", "yes", "2020-01-01"), state("zone_member", "no", "2025-01-10")], False, "refused"),
        (
            [state("zone_member", "yes", "2020-01-01", "2025-02-01"), state("status", "moved_out", "2025-02-01")],
            False,
            "granted",
        ),
        ([state("status", "moved_out", "2025-02-01")], False, "refused"),
        ([state("status", "moved_out", "2025-02-01")], True, "not known"),
        # Dissolved after it was paid, on 2025-03-01, it pays nothing back and gets no more.
        ([state("status", "active", "2020-01-01"), state("status", "cancelled", "2025-03-02")], True, "not known"),
        ([state("status", "cancelled", "2025-03-02")], True, "not known"),
        ([state("status", "active", "2020-01-01"), state("status", "cancelled", "2025-03-01")], True, "refused"),
        ([state("status", "active", "2020-01-01"), state("status", "cancelled", "2025-03-02")], False, "refused"),
        # Suspended on the day of the payment, and in business again.
        ([state("status", "revoked", "2025-02-20"), state("status", "active", "2025-03-20")], True, "granted"),
    ],
)
def test_membership_counts_on_the_day_of_the_claim_and_the_status_until_it_was_paid(
    states: list[dict[str, Any]], is_paid: bool, stands: str
) -> None:
    was = [one["value"] for one in states if one["aspect"] == "status"]
    register = {"uscc": A, "status": was[-1] if was else "active", "zone_member_from": "2020-01-01"}
    rows = one_loan(**{"science.enterprise_states": states, "int_enterprises__eligibility": [register]})
    if is_paid:
        rows["finance.subsidy_payments"] = [payment("C1", "1000.00", paid_on="2025-03-01")]
    (amount,) = granted(rows)
    assert {None: "not known", 0: "refused"}.get(amount, "granted") == stands


@pytest.mark.parametrize(("is_paid", "stands"), [(False, "refused"), (True, "not known")])
@pytest.mark.parametrize("register", [[], [{"uscc": A, "status": "cancelled", "zone_member_from": "2020-01-01"}]])
def test_an_enterprise_that_is_gone_without_a_date_gets_nothing_and_pays_nothing_back(
    register: list[dict[str, Any]], is_paid: bool, stands: str
) -> None:
    rows = one_loan(int_enterprises__eligibility=register)
    if is_paid:
        rows["finance.subsidy_payments"] = [payment("C1", "1000.00")]
    (amount,) = granted(rows)
    assert {None: "not known", 0: "refused"}.get(amount, "granted") == stands


def test_what_landing_refused_leaves_the_balance_unknown() -> None:
    refused = [{"uscc": A, "source": "finance", "dataset": "loan_movements"}]
    assert granted(one_loan(int_refusals__resolved=refused)) == [None]


def test_a_claim_outside_every_programme_is_told_so() -> None:
    rows = one_loan(**{"finance.subsidy_claims": [claim(period_from="2023-12-21", period_to="2023-12-31")]})
    (line,) = both(rows)
    assert (line["programme_id"], line["granted_fen"]) == ("none", 0)
    (told,) = records(run("subsidies", rows), "from subsidy_statements")
    assert "no programme is in force" in told["statement_en"]


def test_research_loans_share_the_super_deduction_declared() -> None:
    second = [
        row | {"loan_receipt_no": "R2", "movement_no": "x" + row["movement_no"]}
        for row in one_loan()["finance.loan_movements"]
    ]
    claims = [claim(used_for="rd"), claim("C2", contract_no="R2", used_for="rd")]
    rows = one_loan(**{"finance.loan_movements": [*one_loan()["finance.loan_movements"], *second]})
    rows["finance.subsidy_claims"] = claims
    assert granted(rows) == [None, None]
    for amount, left in (("1500000.00", 500_000_00), ("1000000.00", 0), ("0.00", None)):
        rows["tax.rd_deductions"] = [declared(amount)]
        first = 1_000_000_00 * 366 * 2 // 36_000 if left is not None else 0
        assert granted(rows) == [first, (left or 0) * 366 * 2 // 36_000]


def test_a_research_loan_that_is_claimed_half_by_half_takes_its_share_once() -> None:
    rows = one_loan()
    rows["finance.loan_movements"].append(movement(3, "2024-06-21", "interest_paid", "17000.00"))
    rows["finance.subsidy_claims"] = [
        claim(used_for="rd", period_to="2024-06-30"),
        claim("C2", used_for="rd", period_from="2024-07-01"),
    ]
    rows["tax.rd_deductions"] = [declared("1000000.00")]
    assert granted(rows) == [1_000_000_00 * 182 * 2 // 36_000, 1_000_000_00 * 184 * 2 // 36_000]


def test_what_is_left_after_a_research_loan_of_unknown_principal_is_not_known() -> None:
    rows = one_loan()
    first, paid_on = rows["finance.loan_movements"]
    second = [row | {"loan_receipt_no": "R2", "movement_no": "x" + row["movement_no"]} for row in (first, paid_on)]
    rows["finance.loan_movements"] = [first | {"amount_cny": None}, paid_on, *second]
    rows["finance.subsidy_claims"] = [claim(used_for="rd"), claim("C2", contract_no="R2", used_for="rd")]
    rows["tax.rd_deductions"] = [declared("1000000.00")]
    assert granted(rows) == [None, None]


def test_nobody_is_granted_anything_for_a_contract_of_somebody_else() -> None:
    rows = one_loan(**{"finance.subsidy_claims": [claim(uscc=B)]})
    rows["int_enterprises__eligibility"] = [row | {"uscc": B} for row in rows["int_enterprises__eligibility"]]
    rows["science.titles"] = [row | {"uscc": B} for row in rows["science.titles"]]
    rows["tax.statements"] = [row | {"uscc": B} for row in rows["tax.statements"]]
    assert granted(rows) == [0]
    failed = records(run("subsidies", rows), "select condition, fact from subsidy_checks where not is_met")
    assert failed == [{"condition": "own_contract", "fact": None}], "whose it is is not told"
    rows["int_codes__redirected"] = [{"code": A, "uscc": B, "is_of_branch": False}]
    assert granted(rows) == [1_000_000_00 * 366 * 2 // 36_000], "a predecessor's contract is one's own"


def test_one_receipt_in_two_banks_books_is_seen_under_a_former_code_too() -> None:
    moved = [row | {"uscc": B} for row in one_loan()["finance.loan_movements"]]
    rows = one_loan(int_codes__redirected=[{"code": B, "uscc": A, "is_of_branch": False}])
    rows["finance.loan_movements"] = moved
    assert granted(rows) == [1_000_000_00 * 366 * 2 // 36_000]
    rows["finance.loan_movements"] = [*moved, movement(9, "2023-12-20", "drawdown", "1.00", "3.45", bank="bank_b")]
    assert granted(rows) == [0]
    rows |= {"finance.loan_movements": moved, "bank_b.loans": [{"loan_receipt_no": "R", "uscc": A}]}
    assert granted(rows) == [0]


def many(count: int, **more: Any) -> dict[str, Any]:
    """So many enterprises with one loan each, of a million yuan and some."""
    rows = one_loan(**more)
    codes = [f"91440000000000{n:03d}X" for n in range(count)]
    amounts = {code: Decimal(1_000_000 + 1_111 * n) for n, code in enumerate(codes)}
    rows["int_enterprises__eligibility"] = [
        {"uscc": code, "status": "active", "zone_member_from": "2020-01-01"} for code in codes
    ]
    rows["science.titles"] = [row | {"uscc": code} for code in codes for row in rows["science.titles"]]
    rows["tax.statements"] = [row | {"uscc": code} for code in codes for row in rows["tax.statements"]]
    rows["finance.loan_movements"] = [
        row
        | {
            "uscc": code,
            "loan_receipt_no": code[-4:],
            "movement_no": code[-4:] + row["movement_no"],
            "amount_cny": amounts[code] if row["kind"] == "drawdown" else row["amount_cny"],
        }
        for code in codes
        for row in one_loan()["finance.loan_movements"]
    ]
    rows["finance.subsidy_claims"] = [claim(f"C{code[-4:]}", contract_no=code[-4:], uscc=code) for code in codes]
    return rows


@pytest.mark.parametrize("mode", ["common_factor", "first_come", "rate_from_budget"])
def test_a_budget_that_is_too_small_is_shared_out_to_the_fen(mode: str) -> None:
    with_seeds = seeds(**changed("subsidy_budgets", budget_mode=mode, budget_cny="54321.07"))
    amounts = granted(many(7), with_seeds)
    if mode == "rate_from_budget":
        assert 54321_07 - 7 * 100 < sum(amounts) <= 54321_07
    else:
        assert sum(amounts) == 54321_07
    assert (mode == "first_come") == (0 in amounts)


def test_caps_are_used_up_in_the_order_of_the_claims() -> None:
    rows = one_loan()
    moved = rows["finance.loan_movements"]
    rows["finance.loan_movements"] = [
        row | {"loan_receipt_no": no, "movement_no": no + row["movement_no"]}
        for no in ("R1", "R2", "R3")
        for row in moved
    ]
    rows["finance.subsidy_claims"] = [claim(f"C{no[1]}", contract_no=no) for no in ("R1", "R2", "R3")]
    capped = changed("subsidy_programmes", contract_cap_cny="20000.00", firm_cap_cny="45000.50")
    assert granted(rows, seeds(**capped)) == [20_000_00, 20_000_00, 5_000_50]
    uncapped = changed("subsidy_programmes", contract_cap_cny="", firm_cap_cny="")
    assert granted(rows, seeds(**uncapped)) == [20_333_33] * 3


def test_no_more_financing_counts_than_the_cap_of_an_enterprise_and_year() -> None:
    rows = one_loan()
    moved = rows["finance.loan_movements"]
    rows["finance.loan_movements"] = [
        *(
            row | {"loan_receipt_no": no, "movement_no": no + row["movement_no"]}
            for no in ("R1", "R2")
            for row in moved
        ),
        movement(9, "2024-06-21", "interest_paid", "17000.00", loan_receipt_no="R1"),
    ]
    rows["finance.subsidy_claims"] = [
        claim("C1", contract_no="R1", period_to="2024-06-30"),
        claim("C2", contract_no="R1", period_from="2024-07-01"),
        claim("C3", contract_no="R2"),
    ]
    halves = [1_000_000_00 * 182 * 2 // 36_000, 1_000_000_00 * 184 * 2 // 36_000]
    for cap, second in (("1300000.01", 300_000_01), ("1000000.00", 0), ("", 1_000_000_00)):
        with_seeds = seeds(**changed("subsidy_programmes", financing_cap_cny=cap))
        assert granted(rows, with_seeds) == [*halves, second * 366 * 2 // 36_000], cap
    rows["finance.subsidy_claims"][0]["used_for"] = rows["finance.subsidy_claims"][1]["used_for"] = "refinancing"
    with_seeds = seeds(**changed("subsidy_programmes", financing_cap_cny="1000000.00"))
    assert granted(rows, with_seeds) == [0, 0, 1_000_000_00 * 366 * 2 // 36_000], "what is refused takes up nothing"


def payment(claim_no: str, amount: str, **more: Any) -> dict[str, Any]:
    row = {"payment_no": f"P{claim_no}", "claim_no": claim_no, "programme_id": "loan-2024", "policy_year": 2024}
    return row | {"paid_on": "2025-03-01", "amount_cny": amount} | more


@pytest.mark.parametrize("mode", ["common_factor", "first_come", "rate_from_budget"])
def test_what_was_paid_on_a_line_of_which_something_is_not_known_is_granted_to_nobody_else(mode: str) -> None:
    rows = many(3)
    first = rows["finance.subsidy_claims"][0]
    rows["tax.statements"] = [row for row in rows["tax.statements"] if row["uscc"] != first["uscc"]]
    rows["finance.subsidy_payments"] = [payment(first["claim_no"], "10000.00")]
    with_seeds = seeds(**changed("subsidy_budgets", budget_mode=mode, budget_cny="40000.00"))
    unknown, *others = granted(rows, with_seeds)
    assert unknown is None
    assert 29_990_00 < sum(others) <= 30_000_00


def test_a_claim_with_a_payment_of_no_line_is_paid_nothing_more() -> None:
    rows = one_loan(**{"finance.subsidy_payments": [payment("C1", "100.00", policy_year=2023)]})
    assert paid(rows) == []
    rows["finance.subsidy_payments"].append(payment("C1", "-100.00", policy_year=2023, payment_no="Q"))
    assert paid(rows) == [("advance", 16_266_66)]


def paid(rows: dict[str, Any]) -> list[tuple[str, int]]:
    found = records(run("subsidies", rows, seeds()), "select part, amount_fen from subsidy_pay_list order by all")
    return [(row["part"], row["amount_fen"]) for row in found]


def test_eighty_percent_are_paid_after_publicity_and_the_rest_after_review() -> None:
    def of(**more: Any) -> list[tuple[str, int]]:
        return paid(one_loan(**{"finance.subsidy_claims": [claim(**more)]}))

    payment = {
        "payment_no": "P",
        "claim_no": "C1",
        "programme_id": "loan-2024",
        "policy_year": 2024,
        "paid_on": "2025-03-01",
    }
    assert of(published_on=None) == []
    assert of(published_on="2025-06-24") == []
    assert of(published_on="2025-06-23") == [("advance", 16_266_66)]
    assert of(objected_on="2025-02-03") == []
    assert of(objected_on="2025-02-03", is_objection_upheld=False) == [("advance", 16_266_66)]
    assert of(reviewed_on="2025-06-01") == [("advance", 16_266_66), ("settlement", 4_066_67)]
    rows = one_loan(**{"finance.subsidy_claims": [claim(reviewed_on="2025-06-01")]})
    rows["finance.subsidy_payments"] = [payment | {"amount_cny": "16266.66"}]
    assert paid(rows) == [("settlement", 4_066_67)]
    rows["finance.subsidy_payments"] = [payment | {"amount_cny": "20333.33"}]
    assert paid(rows) == []
    rows["science.titles"] = [{"uscc": A, "title": "tech_sme", "issued_on": "2024-01-01", "revoked_on": "2024-07-01"}]
    assert paid(rows) == [("clawback", 1_000_000_00 * 182 * 2 // 36_000 - 20_333_33)]
    rows["tax.statements"] = []
    assert paid(rows) == [], "what is not known is neither paid nor asked back"


@pytest.mark.parametrize(
    ("day", "amounts"), [("2025-03-01", [("clawback", -16_266_66)]), ("2025-03-02", [])], ids=["before", "after"]
)
@pytest.mark.parametrize("relation", ["credit_events", "int_grades__latest", "int_evaluations__latest"])
def test_what_befalls_an_enterprise_after_the_first_payment_does_not_undo_it_and_stops_the_rest(
    relation: str, day: str, amounts: list[tuple[str, int]]
) -> None:
    found = {
        "credit_events": {
            "event_type": "serious_dishonesty",
            "has_basis": True,
            "may_be_repaired": False,
            "decided_on": day,
        },
        "int_grades__latest": {"grade": "D", "published_on": day},
        "int_evaluations__latest": {"grade": "D", "batch_month": day},
    }
    rows = one_loan(**{"finance.subsidy_claims": [claim(reviewed_on="2025-06-01")]})
    rows["finance.subsidy_payments"] = [
        {
            "payment_no": "P",
            "claim_no": "C1",
            "programme_id": "loan-2024",
            "policy_year": 2024,
            "paid_on": "2025-03-01",
            "amount_cny": "16266.66",
        }
    ]
    assert paid(rows) == [("settlement", 4_066_67)]
    rows[relation] = [{"uscc": A} | found[relation]]
    assert paid(rows) == amounts


@pytest.mark.parametrize(
    "earlier",
    [{"consented_on": "2025-01-11"}, {"uscc": B}, {"used_for": "refinancing"}],
    ids=["consent_came_late", "of_another_enterprise", "for_old_debt"],
)
def test_a_claim_that_is_refused_is_in_no_later_ones_way(earlier: dict[str, Any]) -> None:
    rows = one_loan(**{"finance.subsidy_claims": [claim(**earlier), claim("C2", claimed_on="2025-01-12")]})
    assert [(row["claim_no"], row["is_eligible"]) for row in both(rows)] == [("C1", False), ("C2", True)]


def test_a_tier_is_added_by_rows_alone() -> None:
    tiers = [row for row in seed_rows("subsidy_tiers") if row["programme_id"] != "loan-2024"]
    tiers += [
        {
            "programme_id": "loan-2024",
            "tier": tier,
            "rate_cap_pct": cap,
            "inclusive_low": "true",
            "inclusive_high": "false",
        }
        | {"revenue_low_cny": low, "revenue_high_cny": high}
        for tier, low, high, cap in (
            ("below_5m", "0.00", "5000000.00", "3.3000"),
            ("5m_to_20m", "5000000.00", "20000000.00", "3.0000"),
            ("from_20m", "20000000.00", "", "2.0000"),
        )
    ]
    rows = one_loan(**{"tax.statements": [filing(2023, "4999999.99", "2024-05-01")]})
    (line,) = both(rows, seeds(subsidy_tiers=tiers))
    assert (line["tier"], line["granted_fen"]) == ("below_5m", 1_000_000_00 * 366 * 33 // 360_000)


def drawn(chance: random.Random) -> dict[str, Any]:
    """Some enterprises with loans, rates, repayments and days overdue wherever they fall."""
    rows = many(4)
    moved = []
    for place, base in enumerate(rows["finance.subsidy_claims"]):
        first = date(2023, 11, 1) + timedelta(days=chance.randrange(300))
        days = sorted(first + timedelta(days=chance.randrange(600)) for _ in range(8))
        left = chance.randrange(1, 9_000_000_00)
        common = {"bank": "bank_a", "loan_receipt_no": base["contract_no"], "uscc": base["uscc"]}
        moved.append(
            common
            | {"moved_on": first, "kind": "drawdown", "amount_cny": Decimal(left) / 100, "annual_rate_pct": "3.45"}
        )
        for day in days:
            kind = chance.choice(
                ("repayment", "rate_change", "interest_paid", "interest_paid", "overdue_from", "overdue_to")
            )
            amount = chance.randrange(0, left + 1) if kind == "repayment" else chance.randrange(0, 90_000_00)
            left -= amount if kind == "repayment" else 0
            has_amount = kind in ("repayment", "interest_paid")
            moved.append(
                common
                | {"moved_on": day, "kind": kind}
                | {"amount_cny": Decimal(amount) / 100 if has_amount and chance.random() > 0.05 else None}
                | {"annual_rate_pct": Decimal(chance.randrange(0, 60_000)) / 10_000 if kind == "rate_change" else None}
            )
        span = sorted(date(2023, 12, 1) + timedelta(days=chance.randrange(520)) for _ in range(2))
        base |= {
            "period_from": span[0],
            "period_to": span[1],
            "claimed_on": date(2025, 5, 20) + timedelta(days=place % 2),
        }
        base["used_for"] = chance.choice(("production", "production", "rd"))
        revenue = chance.choice(("0.00", "19999999.99", "20000000.00", "200000000.00", "200000000.01", None))
        rows["tax.statements"].append(filing(2023, revenue, "2024-06-01", base["uscc"]))
        deduction = {
            "uscc": base["uscc"],
            "fiscal_year": 2024,
            "filed_on": "2025-05-01",
            "additional_deduction_cny": "1234567.89",
        }
        rows.setdefault("tax.rd_deductions", []).append(deduction)
    rows["finance.loan_movements"] = [row | {"movement_no": f"{place:05d}"} for place, row in enumerate(moved)]
    return rows


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 10**6),
    budget=st.integers(0, 200_000_00),
    mode=st.sampled_from(["common_factor", "first_come", "rate_from_budget"]),
    day_count=st.sampled_from(["act/360", "act/365", "30/360"]),
    balance_mode=st.sampled_from(["segments", "yearly_average"]),
)
def test_no_budget_and_no_interest_is_ever_exceeded(
    seed: int, budget: int, mode: str, day_count: str, balance_mode: str
) -> None:
    with_seeds = seeds(
        **changed("subsidy_budgets", budget_mode=mode, budget_cny=str(Decimal(budget) / 100)),
        **changed("subsidy_programmes", day_count=day_count, balance_mode=balance_mode, firm_cap_cny="90000.00"),
    )
    lines = both(drawn(random.Random(seed)), with_seeds)
    for programme, year in {(line["programme_id"], line["policy_year"]) for line in lines}:
        pot = [line for line in lines if (line["programme_id"], line["policy_year"]) == (programme, year)]
        assert sum(line["granted_fen"] or 0 for line in pot) <= (pot[0]["budget_fen"] or 0)
    for line in lines:
        assert (line["granted_fen"] or 0) <= (line["interest_fen"] or 0)


@pytest.fixture(scope="module")
def district() -> Any:
    return generate()


def rows_of(district: Any) -> dict[str, Any]:
    """What the district's agencies tell of subsidies, with nobody under another code."""
    feeds = {
        name: feed(name, district) for name in ("finance.subsidy_claims", "finance.loan_movements", "finance.leases")
    }
    feeds |= {
        name: feed(name, district) for name in ("finance.lease_payments", "finance.subsidy_payments", "science.titles")
    }
    statements = [
        filing(one.fiscal_year, one.revenue, one.filed_on, enterprise.uscc)
        for enterprise in district.enterprises
        for one in enterprise.filings
    ]
    deductions = [
        {"uscc": e.uscc, "fiscal_year": one.fiscal_year, "filed_on": one.filed_on}
        | {"additional_deduction_cny": one.additional_deduction}
        for e in district.enterprises
        for one in e.deductions
    ]
    return {
        "ruleset_in_force": [{"as_of": district.as_of}],
        "supply": everything_supplied(),
        "int_enterprises__eligibility": [
            {"uscc": e.uscc, "status": e.status, "zone_member_from": e.member_from, "zone_member_to": e.member_to}
            for e in district.enterprises
        ],
        "tax.statements": statements,
        "tax.rd_deductions": deductions,
        **feeds,
    }


def test_every_line_of_the_district_agrees_to_the_fen(district: Any) -> None:
    rows = rows_of(district)
    lines = both(rows)
    assert len(lines) > 250
    by_mode = {line["budget_mode"] for line in lines}
    assert {"common_factor", "first_come", "rate_from_budget"} <= by_mode
    short = [line for line in lines if line["granted_fen"] not in (None, line["within_caps_fen"])]
    assert short, "no budget of the district is too small"
    pay_list = records(run("subsidies", rows), "from subsidy_pay_list")
    parts = {row["part"] for row in pay_list}
    assert parts == {"advance", "settlement", "clawback"}


def test_every_planted_edge_is_granted_refused_or_left_open_as_planted(district: Any) -> None:
    connection = run("subsidies", rows_of(district))
    lines = {row["claim_no"]: row for row in records(connection, "from subsidy_lines where claim_no like 'BY-%'")}
    unmet = {
        (row["claim_no"], row["condition"])
        for row in records(connection, "from subsidy_checks where not coalesce(is_met, false)")
    }
    planted = [one for one in district.planted if one.dataset == "subsidy_claims"]
    assert len(planted) == 19
    for one in planted:
        line = lines[one.record["claim_no"]]
        stands = {None: "not_known", True: "granted", False: "refused"}[line["is_eligible"]]
        assert (stands, one.kind) == (one.expect, one.kind)
        if one.expect != "granted":
            assert (one.record["claim_no"], one.reason) in unmet
        elif one.reason in ("below_20m", "20m_to_200m"):
            assert line["tier"] == one.reason


def test_of_one_day_the_movement_numbered_9_comes_before_the_one_numbered_10() -> None:
    """Two changes of the rate on one day: the later one holds, whatever the order of their texts."""
    moved = one_loan()["finance.loan_movements"]
    two = [
        movement(9, "2024-03-01", "rate_change", rate="3.00", movement_no="9"),
        movement(10, "2024-03-01", "rate_change", rate="0.01", movement_no="10"),
    ]
    late_first = granted(one_loan(**{"finance.loan_movements": [*moved, two[1] | {"movement_no": "8"}, two[0]]}))
    assert granted(one_loan(**{"finance.loan_movements": [*moved, *two]})) < late_first


def test_of_one_day_the_claim_numbered_9_was_filed_before_the_one_numbered_10() -> None:
    rows = one_loan(**{"finance.subsidy_claims": [claim("10"), claim("9")]})
    assert {row["claim_no"]: row["is_eligible"] for row in both(rows)} == {"9": True, "10": False}


def test_a_change_to_a_rate_that_is_not_told_makes_the_rate_unknown() -> None:
    moved = one_loan()["finance.loan_movements"]
    unknown = [*moved, movement(3, "2024-06-01", "rate_change")]
    assert granted(one_loan(**{"finance.loan_movements": unknown})) == [None]
    told = [*unknown, movement(4, "2024-06-01", "rate_change", rate="3.45")]
    assert granted(one_loan(**{"finance.loan_movements": told})) == granted(one_loan())
    more = [*moved, movement(3, "2024-06-01", "drawdown", "1.00")]
    assert granted(one_loan(**{"finance.loan_movements": more}))[0] >= granted(one_loan())[0]
