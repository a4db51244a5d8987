"""What moves the district's money: loans and leases day by day, subsidy claims, guarantees and the pool."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from sandbox.district_finance import day_between, quarter_days
from sandbox.district_money_edges import plant_money_edges
from sandbox.district_works import LAST_DAY
from sandbox.draft import Draft
from sandbox.model import Enterprise, Guarantee, Lease, LeasePayment, Loan, LoanMovement, PoolFund, SubsidyClaim, Title

_CENT: Final = Decimal("0.01")
_YEAR: Final = (date(2024, 1, 1), date(2024, 12, 31))
_AGREEMENTS: Final = {
    "bank_a": (("zone-bank_a-g1", "guarantor_1"),),
    "bank_b": (("zone-bank_b-g1", "guarantor_1"), ("zone-bank_b-g2", "guarantor_2")),
}


def _interest(principal: Decimal, rate: Decimal, days: int) -> Decimal:
    return (principal * rate * days / 36_000).quantize(_CENT, ROUND_HALF_UP)


def moved(receipt: Sequence[Loan], *, rate_change: bool) -> tuple[LoanMovement, ...]:
    """Tell a reported loan day by day: drawn down, paid back to each balance reported, interest each quarter."""
    first = receipt[0]
    steps: list[tuple[date, str, Decimal | None, Decimal | None]] = []
    principal, rate, since = first.drawn_amount, first.annual_rate, first.drawn_on
    changes = {date(2024, 10, 21): rate - Decimal("0.25")} if rate_change else {}
    repaid: dict[date, Decimal] = {}
    for one in receipt:
        before = principal - sum(repaid.values())
        if one.balance is not None and one.balance < before:
            repaid[one.reported_on - timedelta(days=10)] = before - one.balance
    steps.append((first.drawn_on, "drawdown", principal, rate))
    owed = Decimal(0)
    for day in sorted({*quarter_days(first.drawn_on, LAST_DAY), *changes, *repaid}):
        if day <= first.drawn_on:
            continue
        owed += _interest(principal, rate, (day - since).days)
        since = day
        if day in changes:
            rate = changes[day]
            steps.append((day, "rate_change", None, rate))
        if day in repaid:
            principal -= repaid[day]
            steps.append((day, "repayment", repaid[day], None))
        if day.day == 21 and day not in changes:
            steps.append((day, "interest_paid", owed, None))
            owed = Decimal(0)
    if first.overdue_days:
        steps.append((date(2025, 4, 25), "overdue_from", None, None))
    return tuple(
        LoanMovement(f"LS-{first.receipt_no}-{place:02d}", first.bank, first.receipt_no, *step)
        for place, step in enumerate(steps)
    )


def _claims(rng: random.Random, number: int, loans: Sequence[Loan], consent: date) -> Iterator[SubsidyClaim]:
    for place, loan in enumerate(loans):
        if loan.drawn_on > date(2024, 11, 30) or rng.random() < 0.3:
            continue
        is_of_year = rng.random() < 0.5
        first, last = _YEAR if is_of_year else (date(2024, 7, 1), date(2025, 3, 31))
        claimed_on = day_between(rng, last + timedelta(days=5), last + timedelta(days=40))
        published_on = claimed_on + timedelta(days=rng.randint(15, 30)) if rng.random() < 0.9 else None
        yield SubsidyClaim(
            f"BT-{number:04d}-{place}",
            "loan",
            loan.bank,
            loan.receipt_no,
            max(first, loan.drawn_on),
            last,
            claimed_on,
            used_for=rng.choices(("production", "rd", "refinancing"), (14, 4, 1))[0],
            other_programme="省级贴息（样例）" if rng.random() < 0.04 else None,
            consented_on=consent if rng.random() < 0.97 else None,
            published_on=published_on,
            reviewed_on=published_on + timedelta(days=20) if published_on and rng.random() < 0.4 else None,
        )


def _lease(rng: random.Random, number: int) -> tuple[Lease, tuple[LeasePayment, ...], SubsidyClaim]:
    financed = Decimal(rng.randint(50, 500) * 10_000)
    rate = Decimal(rng.choice(("4.8", "5.6", "6.5")))
    started_on = day_between(rng, date(2023, 7, 1), date(2024, 10, 31))
    lease = Lease(
        f"ZL-{number:04d}",
        "lessor_1",
        f"SB-{number:04d}",
        financed,
        rate,
        started_on,
        started_on + timedelta(days=1095),
    )
    part = (financed / 12).quantize(_CENT)
    payments, left, since = [], financed, started_on
    for place, day in enumerate(quarter_days(started_on, LAST_DAY)):
        interest = _interest(left, rate, (day - since).days)
        payments.append(LeasePayment(f"ZJ-{number:04d}-{place:02d}", lease.lease_no, day, part, interest))
        left, since = left - part, day
    claim = SubsidyClaim(
        f"ZT-{number:04d}",
        "lease",
        "lessor_1",
        lease.lease_no,
        max(_YEAR[0], started_on),
        date(2025, 3, 31),
        date(2025, 4, 20),
        consented_on=started_on,
        published_on=date(2025, 5, 12),
    )
    return lease, tuple(payments), claim


def _guarantees(rng: random.Random, number: int, loans: Sequence[Loan]) -> Iterator[Guarantee]:
    for place, loan in enumerate(loans):
        if loan.drawn_on < date(2024, 1, 1) or rng.random() < 0.4:
            continue
        agreement, guarantor = rng.choice(_AGREEMENTS[loan.bank])
        yield Guarantee(
            f"DB-{number:04d}-{place}",
            agreement,
            loan.bank,
            guarantor,
            loan.receipt_no,
            loan.drawn_amount,
            Decimal("0.45"),
            rng.choice((None, None, None, "ip_pledge", "ip_pledge;key_firm", "central_bank_tool;key_firm")),
            loan.drawn_on,
            loan.due_on,
            date(2025, 5, 20) if rng.random() < 0.05 else None,
        )


def _with_money(rng: random.Random, number: int, enterprise: Enterprise) -> Enterprise:
    receipts: dict[str, list[Loan]] = {}
    for loan in enterprise.loans:
        if loan.sending.is_usable and not loan.sending.wire:
            receipts.setdefault(loan.receipt_no, []).append(loan)
    loans = [receipt[0] for receipt in receipts.values()]
    movements = [one for receipt in receipts.values() for one in moved(receipt, rate_change=rng.random() < 0.3)]
    consent = min((one.valid_from for one in enterprise.consents), default=date(2024, 1, 1))
    claims = list(_claims(rng, number, loans, consent))
    guarantees = list(_guarantees(rng, number, loans))
    leased = [_lease(rng, number)] if rng.random() < 0.06 else []
    claims += [claim for _, _, claim in leased if rng.random() < 0.8]
    enterprise = replace(
        enterprise,
        loan_movements=tuple(movements),
        leases=tuple(lease for lease, _, _ in leased),
        lease_payments=tuple(one for _, payments, _ in leased for one in payments),
        subsidy_claims=tuple(claims),
        guarantees=tuple(guarantees),
    )
    return _titled(enterprise, number) if claims and rng.random() < 0.8 else enterprise


def _titled(enterprise: Enterprise, number: int) -> Enterprise:
    """Give a claimant the title of 2024, which has ended since, unless it holds one of that year."""
    if any(one.title == "tech_sme" and one.issued_on.year == 2024 for one in enterprise.titles):
        return enterprise
    title = Title(f"ZS-KX24-{number:04d}", "tech_sme", max(date(2024, 1, 1), enterprise.founded_on), date(2024, 12, 31))
    return replace(enterprise, titles=(*enterprise.titles, title))


def add_money(draft: Draft) -> None:
    """Add what loans and leases moved, what is claimed of them, and the pool; last of all, so no other fact changes."""
    plant_money_edges(draft)
    for number, enterprise in enumerate(list(draft.enterprises.values())):
        if enterprise.uscc not in draft.taken and enterprise.is_eligible(draft.as_of):
            draft.put(_with_money(draft.stream("money", number), number, enterprise))
    funds = (
        ("paid_in", "20000000.00", date(2024, 1, 5)),
        ("interest", "213456.78", date(2024, 12, 20)),
        ("paid_in", "10000000.00", date(2025, 1, 8)),
        ("withdrawn", "500000.00", date(2025, 3, 14)),
    )
    draft.pool_funds = [
        PoolFund(f"ZJC-{place:03d}", "zone-pool", kind, Decimal(amount), day)
        for place, (kind, amount, day) in enumerate(funds)
    ]
