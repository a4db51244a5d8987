"""The district's financial supermarket: needs, steps with banks, what banks report back; and claims on policies."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from sandbox.district_finance import day_between
from sandbox.district_market_edges import plant_market_edges
from sandbox.district_works import LAST_DAY
from sandbox.draft import Draft
from sandbox.model import BankFeedback, Enterprise, Need, NeedEvent, PolicyClaim

_PRODUCTS: Final = {
    "bank_a": ("high-enterprise-loan", "innovation-points-loan", "average-revenue-loan", None),
    "bank_b": ("points-reserve-loan", "green-channel-loan", "pre-approved-loan", None),
}
_REASONS: Final = ("现金流不足", "担保不足", "资料不全", "用途不符")
_RATES: Final = (None, Decimal("3.5"), Decimal("4.0"), Decimal("4.5"), Decimal("6.0"))
_COLLATERALS: Final = (None, None, "property", "ip_pledge", "ip_pledge;receivables", "equipment")
_PURPOSES: Final = ("working_capital", "working_capital", "equipment", "rd", "expansion", "refinancing")
_MONTHS: Final = (date(2025, 4, 30), date(2025, 5, 31), date(2025, 6, 30))
# The first day to claim, by policy; all are of version 2025.1.
_POLICIES: Final = {
    "tech-sme-voucher": date(2025, 3, 1),
    "hnte-reward": date(2025, 6, 1),
    "invention-support": date(2025, 6, 1),
    "rd-growth-award": date(2025, 6, 1),
}


def _need(rng: random.Random, number: int, enterprise: Enterprise) -> Need:
    banks = [one.recipient for one in enterprise.consents if one.recipient in _PRODUCTS]
    if rng.random() < 0.2:
        banks.append("bank_b")
    return Need(
        f"XQ-{number:04d}",
        day_between(rng, date(2025, 1, 6), date(2025, 6, 27)),
        Decimal(rng.randint(20, 600) * 10_000),
        rng.choice((6, 12, 12, 12, 24, 36, 60)),
        rng.choice(_RATES),
        rng.choice(_COLLATERALS),
        rng.choice(_PURPOSES),
        ";".join(sorted(set(banks))) or None,
        rng.random() < 0.8,
    )


def _steps(rng: random.Random) -> Iterator[str]:
    """Yield the steps of a need with one bank, up to the last one reached."""
    yield "matched"
    for step, luck in (("contacted", 0.85), ("in_review", 0.8)):
        if rng.random() > luck:
            return
        yield step
    if rng.random() < 0.3:
        yield "rejected"
        return
    for step, luck in (("approved", 0.8), ("drawn", 0.8), ("closed", 0.1)):
        if rng.random() > luck:
            return
        yield step


def _events(rng: random.Random, need: Need) -> Iterator[NeedEvent]:
    for bank in (need.consented_banks or "").split(";"):
        if not bank or rng.random() < 0.3:
            continue
        day, product = need.posted_on, rng.choice(_PRODUCTS[bank])
        for place, step in enumerate(_steps(rng)):
            day += timedelta(days=rng.choice((1, 1, 2, 3, 5, 8, 13)))
            if day > LAST_DAY:
                break
            reason = rng.choice(_REASONS) if step == "rejected" else None
            no = f"XJ-{need.need_no[3:]}-{bank[-1].upper()}{place}"
            yield NeedEvent(no, need.need_no, bank, product, step, day, reason)


def _feedback(rng: random.Random, enterprise: Enterprise, need: Need, event: NeedEvent) -> Iterator[BankFeedback]:
    """Report an answer on its day, and a loan that was drawn at each month's end after it."""
    bank = event.bank or ""
    consent = next((one.consent_id for one in enterprise.consents if one.recipient == bank), None)
    first = BankFeedback(
        f"FK-{event.event_no[3:]}",
        bank,
        f"SX-{need.need_no[3:]}-{bank[-1].upper()}",
        need.need_no,
        event.product_id,
        "rejected" if event.event == "rejected" else "approved",
        event.happened_on,
        consent,
        reject_reason=event.reason,
    )
    if event.event == "rejected":
        yield first
        return
    rate = Decimal(rng.choice(("3.2", "3.5", "3.9")))
    first = first._replace(limit_cny=need.amount_cny, annual_rate_pct=rate)
    if event.event == "approved":
        yield first
        return
    drawn = first._replace(drawn_on=event.happened_on)
    is_slow = rng.random() < 0.1
    for month in _MONTHS:
        if month >= event.happened_on:
            late = 12 if is_slow and month == LAST_DAY else 0
            yield drawn._replace(
                feedback_no=f"{first.feedback_no}-{month:%m}",
                reported_on=month,
                balance_cny=need.amount_cny,
                five_class="关注" if late else "正常",
                overdue_days=late,
            )


def _policy_claims(rng: random.Random, number: int) -> Iterator[PolicyClaim]:
    for place, (policy, opens) in enumerate(_POLICIES.items()):
        if rng.random() < 0.12:
            state = rng.choices(("confirmed", "refused", "claimed", "paid"), (4, 2, 3, 3))[0]
            day = day_between(rng, opens, LAST_DAY)
            yield PolicyClaim(f"ZC-{number:04d}-{place}", policy, "2025.1", day, state)


def _with_market(rng: random.Random, number: int, enterprise: Enterprise) -> Enterprise:
    claims = tuple(_policy_claims(rng, number))
    if rng.random() > 0.2:
        return replace(enterprise, policy_claims=claims)
    need = _need(rng, number, enterprise)
    events = tuple(_events(rng, need))
    reported = ("approved", "rejected", "drawn")
    feedback = [one for event in events if event.event in reported for one in _feedback(rng, enterprise, need, event)]
    return replace(enterprise, policy_claims=claims, needs=(need,), need_events=events, bank_feedback=tuple(feedback))


def add_market(draft: Draft) -> None:
    """Add needs, their steps, feedback and claims on policies; last of all, so no other fact changes."""
    plant_market_edges(draft)
    for number, enterprise in enumerate(list(draft.enterprises.values())):
        if enterprise.uscc not in draft.taken and enterprise.is_eligible(draft.as_of):
            draft.put(_with_market(draft.stream("market", number), number, enterprise))
