"""Edges of subsidies and guarantees, each planted on an enterprise of its own."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.district_feeds import record_of
from sandbox.district_finance import quarter_days
from sandbox.district_works import LAST_DAY
from sandbox.draft import Draft, is_ordinary
from sandbox.model import (
    Enterprise,
    Guarantee,
    GuaranteeState,
    Lease,
    LeasePayment,
    LoanMovement,
    SubsidyClaim,
    SubsidyPayment,
    Title,
)

_CENT: Final = Decimal("0.01")
_YEAR: Final = (date(2024, 1, 1), date(2024, 12, 31))
# The states of a claim in their order, each so many days after the one before.
_WAY: Final = (("claimed", 0), ("guarantor_paid", 30), ("filed", 20), ("approved", 25), ("compensated", 15))


def plant_money_edges(draft: Draft) -> None:
    """Plant what is at the edge of a rule: lines between tiers, days, exclusions, states of claims on guarantees."""
    _plant_revenues(draft)
    _plant_days(draft)
    _plant_exclusions(draft)
    _plant_guarantees(draft)


def _went_bad(
    guarantee: Guarantee, principal: Decimal, government_pct: int, stages: int, first: date
) -> list[GuaranteeState]:
    """Take a claim so many states along its way; bank and government bear 20 % and `government_pct` % of it."""
    amounts = {
        "claimed": principal,
        "guarantor_paid": principal - (principal * 20 / 100).quantize(_CENT, "ROUND_DOWN"),
        "compensated": (principal * government_pct / 100).quantize(_CENT, "ROUND_DOWN"),
    }
    day, states = first, []
    for place, (state, wait) in enumerate(_WAY[:stages]):
        day += timedelta(days=wait)
        no = f"DC-{guarantee.guarantee_no[3:]}-{place}"
        states.append(GuaranteeState(no, guarantee.guarantee_no, state, amounts.get(state), day))
    return states


def _is_plain(enterprise: Enterprise) -> bool:
    """Tell whether an enterprise takes part and had 20 to 200 million of revenue in 2023."""
    revenue = next((one.revenue for one in enterprise.filings if one.fiscal_year == 2023), None)
    return (
        is_ordinary(enterprise)
        and enterprise.is_eligible(LAST_DAY)
        and revenue is not None
        and 20_000_000 <= revenue <= 200_000_000
    )


def _edge(draft: Draft, place: int, **changes: Any) -> tuple[Enterprise, LoanMovement, SubsidyClaim]:
    """A loan of a million yuan at 3.45 % over all of 2024, with its claim, for an enterprise of its own."""
    enterprise = draft.take(_is_plain)
    receipt = f"BY{place:04d}"
    drawn = LoanMovement(
        f"LS-{receipt}-0", "bank_a", receipt, date(2023, 12, 20), "drawdown", Decimal("1000000.00"), Decimal("3.45")
    )
    paid = [
        LoanMovement(f"LS-{receipt}-{quarter}", "bank_a", receipt, day, "interest_paid", Decimal("8625.00"))
        for quarter, day in enumerate(quarter_days(date(2024, 1, 1), date(2024, 12, 31)), start=1)
    ]
    claim = SubsidyClaim(f"BY-{place:04d}", "loan", "bank_a", receipt, *_YEAR, date(2025, 1, 10))
    claim = claim._replace(consented_on=date(2023, 12, 1), published_on=date(2025, 2, 3), **changes)
    titles = tuple(one for one in enterprise.titles if one.title != "tech_sme" or one.issued_on.year != 2024)
    titles += (Title(f"ZS-KX24-BY{place:02d}", "tech_sme", *_YEAR),)
    put = draft.put(enterprise, loan_movements=(drawn, *paid), subsidy_claims=(claim,), titles=titles)
    return put, drawn, claim


def _filed(enterprise: Enterprise, revenue: Decimal | None) -> Enterprise:
    """Change what was filed as revenue of 2023, which the subsidies of 2024 go by."""
    filings = tuple(f._replace(revenue=revenue) if f.fiscal_year == 2023 else f for f in enterprise.filings)
    return replace(enterprise, filings=filings)


def _note(draft: Draft, kind: str, claim: SubsidyClaim, enterprise: Enterprise, expect: str, reason: str) -> None:
    sent = record_of("finance.subsidy_claims", enterprise, claim)
    draft.plant(kind, "finance.subsidy_claims", sent, expect, reason, enterprise.uscc)


def _plant_revenues(draft: Draft) -> None:
    """Revenue on the lines between tiers, zero, blank, and restated across a line."""
    cases = (
        ("revenue_a_fen_below_20m", Decimal("19999999.99"), "granted", "below_20m"),
        ("revenue_exactly_20m", Decimal("20000000.00"), "granted", "20m_to_200m"),
        ("revenue_exactly_200m", Decimal("200000000.00"), "granted", "20m_to_200m"),
        ("revenue_a_fen_above_200m", Decimal("200000000.01"), "refused", "revenue_in_tier"),
        ("revenue_of_zero", Decimal("0.00"), "granted", "below_20m"),
        ("revenue_left_blank", None, "not_known", "revenue_in_tier"),
    )
    for place, (kind, revenue, expect, reason) in enumerate(cases, start=1):
        enterprise, _, claim = _edge(draft, place)
        _note(draft, kind, claim, draft.put(_filed(enterprise, revenue)), expect, reason)
    enterprise, _, claim = _edge(draft, 7)
    enterprise = _filed(enterprise, Decimal("19500000.00"))
    old = next(f for f in enterprise.filings if f.fiscal_year == 2023)
    again = old._replace(filed_on=date(2025, 6, 10), revenue=Decimal("20500000.00"))
    draft.put(enterprise, filings=(*enterprise.filings, again))
    _note(draft, "revenue_restated_across_a_tier", claim, enterprise, "granted", "20m_to_200m")


def _plant_days(draft: Draft) -> None:
    """A low rate, a repayment on the last day, days overdue, a title that ends, interest that is not reported."""
    enterprise, drawn, claim = _edge(draft, 11)
    movements = (drawn._replace(annual_rate_pct=Decimal("1.2")), *enterprise.loan_movements[1:])
    _note(
        draft, "rate_below_the_cap", claim, draft.put(enterprise, loan_movements=movements), "granted", "interest_share"
    )
    enterprise, drawn, claim = _edge(draft, 12)
    back = drawn._replace(movement_no="LS-BY0012-9", moved_on=_YEAR[1], kind="repayment", annual_rate_pct=None)
    draft.put(enterprise, loan_movements=(*enterprise.loan_movements, back))
    _note(draft, "repaid_on_the_last_day", claim, enterprise, "granted", "365_of_366_days")
    enterprise, drawn, claim = _edge(draft, 13)
    overdue = [
        LoanMovement(f"LS-BY0013-{no}", "bank_a", "BY0013", day, kind)
        for no, day, kind in ((8, date(2024, 3, 1), "overdue_from"), (9, date(2024, 3, 30), "overdue_to"))
    ]
    draft.put(enterprise, loan_movements=(*enterprise.loan_movements, *overdue))
    _note(draft, "thirty_days_overdue", claim, enterprise, "granted", "336_of_366_days")
    enterprise, drawn, claim = _edge(draft, 14)
    titles = tuple(
        one._replace(revoked_on=date(2024, 7, 1)) if one.certificate_no == "ZS-KX24-BY14" else one
        for one in enterprise.titles
    )
    paid = SubsidyPayment("BF-0014", claim.claim_no, "loan-2024", 2024, date(2025, 3, 3), Decimal("20333.33"))
    draft.put(enterprise, titles=titles, subsidy_payments=(paid,))
    _note(draft, "title_revoked_within_the_period", claim, enterprise, "granted", "clawback")
    enterprise, drawn, claim = _edge(draft, 15)
    draft.put(enterprise, loan_movements=(drawn,))
    _note(draft, "interest_not_reported", claim, enterprise, "not_known", "interest_reported")
    enterprise, drawn, claim = _edge(draft, 16)
    draft.put(enterprise, loan_movements=(drawn._replace(amount_cny=None), *enterprise.loan_movements[1:]))
    _note(draft, "principal_not_reported", claim, enterprise, "not_known", "balance_known")


def _plant_exclusions(draft: Draft) -> None:
    """One receipt in two banks, a loan and a lease on one asset, days claimed twice, refinancing, an objection."""
    enterprise, drawn, claim = _edge(draft, 21)
    twin = drawn._replace(movement_no="LS-BY0021-B", bank="bank_b")
    draft.put(enterprise, loan_movements=(*enterprise.loan_movements, twin))
    _note(draft, "one_receipt_in_two_banks", claim, enterprise, "refused", "receipt_in_one_bank")
    enterprise, _, claim = _edge(draft, 22, asset_no="SB-BY22")
    million, rate = Decimal("1000000.00"), Decimal("5.6")
    lease = Lease("ZL-BY22", "lessor_1", "SB-BY22", million, rate, date(2024, 1, 1), date(2026, 12, 31))
    rent = LeasePayment("ZJ-BY22", lease.lease_no, date(2024, 6, 21), Decimal("100000.00"), Decimal("28000.00"))
    other = SubsidyClaim("BY-0022-L", "lease", "lessor_1", lease.lease_no, *_YEAR, date(2025, 1, 20))
    other = other._replace(consented_on=date(2024, 1, 1))
    draft.put(enterprise, leases=(lease,), lease_payments=(rent,), subsidy_claims=(claim, other))
    _note(draft, "lease_and_loan_on_one_asset", other, enterprise, "refused", "asset_once")
    enterprise, _, claim = _edge(draft, 23)
    again = claim._replace(claim_no="BY-0023-2", claimed_on=date(2025, 1, 12), period_from=date(2024, 12, 31))
    draft.put(enterprise, subsidy_claims=(claim, again))
    _note(draft, "days_claimed_twice", again, enterprise, "refused", "claimed_once")
    for place, kind, changes, reason in (
        (24, "refinancing", {"used_for": "refinancing"}, "not_refinancing"),
        (25, "claimed_elsewhere", {"other_programme": "省级贴息（样例）"}, "not_claimed_elsewhere"),
        (26, "objection_upheld", {"objected_on": date(2025, 2, 5), "is_objection_upheld": True}, "no_objection_upheld"),
    ):
        enterprise, _, claim = _edge(draft, place, **changes)
        _note(draft, kind, claim, enterprise, "refused", reason)


def _plant_guarantees(draft: Draft) -> None:
    """Claims at every state, one that may not follow, an amount that is not the share, a recovery beyond the loss."""
    cases = (
        ("claim_compensated_and_recovered", 5, (("recovered", "123456.79", 40), ("recovered", "0.01", 50))),
        ("claim_written_off", 5, (("written_off", None, 60),)),
        ("claim_filed", 3, ()),
        ("state_that_may_not_follow", 1, (("compensated", "400000.00", 10),)),
        ("compensation_is_not_the_share", 4, (("compensated", "400000.01", 20),)),
        ("recovered_more_than_lost", 5, (("recovered", "1000000.01", 40),)),
        ("claim_before_it_was_overdue_long_enough", 1, ()),
    )
    for place, (kind, stages, more) in enumerate(cases, start=31):
        enterprise, drawn, _ = _edge(draft, place)
        guarantee = Guarantee(
            f"DB-BY{place}",
            "zone-bank_a-g1",
            "bank_a",
            "guarantor_1",
            drawn.loan_receipt_no,
            Decimal("1000000.00"),
            Decimal("0.45"),
            None,
            date(2024, 1, 2),
            date(2026, 12, 31),
        )
        claimed_on = date(2025, 1, 6)
        states = _went_bad(guarantee, Decimal("1000000.00"), 40, stages, claimed_on)
        # Both days count: 91 days overdue, and 59 in the last case.
        since = claimed_on - timedelta(days=58 if place == 37 else 90)
        overdue = LoanMovement(f"LS-BY{place:04d}-8", "bank_a", drawn.loan_receipt_no, since, "overdue_from")
        last = states[-1].happened_on
        states += [
            GuaranteeState(
                f"DC-BY{place}-{9 - len(more) + no}",
                guarantee.guarantee_no,
                state,
                Decimal(amount) if amount else None,
                day,
            )
            for no, (state, amount, wait) in enumerate(more)
            for day in [min(LAST_DAY, last + timedelta(days=wait))]
        ]
        moves = (*enterprise.loan_movements, overdue)
        put = draft.put(
            enterprise, loan_movements=moves, guarantees=(guarantee,), guarantee_states=tuple(states), subsidy_claims=()
        )
        sent = record_of("finance.guarantee_claims", put, states[-1])
        expect = "applied" if place < 34 else "flagged"
        draft.plant(kind, "finance.guarantee_claims", sent, expect, kind, put.uscc)
