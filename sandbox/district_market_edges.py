"""Edges of the financial supermarket and of claims on policies, each planted on an enterprise of its own."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sandbox.district_feeds import record_of
from sandbox.district_works import LAST_DAY
from sandbox.draft import Draft
from sandbox.model import BankFeedback, Enterprise, Need, NeedEvent, PolicyClaim

_MATCHED: Final = date(2025, 5, 26)
# Bank A answers in five working days; 31 May to 2 June were the Dragon Boat Festival.
_LAST_WORKING_DAY: Final = date(2025, 6, 3)
Step = tuple[str, date] | tuple[str, date, str | None]


def plant_market_edges(draft: Draft) -> None:
    """Plant what is at the edge of a rule: late answers, an expiry, steps out of order, feedback without a consent."""
    _plant_answers(draft)
    _plant_steps(draft)
    _plant_needs(draft)
    _plant_feedback(draft)
    _plant_policy_claims(draft)


def _consents_to_bank_a(enterprise: Enterprise) -> bool:
    """Tell whether an enterprise takes part, and has let bank A have its scores and report back since last year."""
    return (
        enterprise.is_eligible(LAST_DAY)
        and not enterprise.events
        and any(
            one.recipient == "bank_a" and one.valid_from < date(2025, 1, 1) and "loan_feedback" in one.data_classes
            for one in enterprise.consents
        )
        and all(one.recipient == "bank_a" for one in enterprise.consents)
    )


def _edge(draft: Draft, place: int, steps: Sequence[Step], **changes: Any) -> Enterprise:
    """A need of a million yuan for a year, and its steps with bank A, for an enterprise of its own."""
    enterprise = draft.take(_consents_to_bank_a)
    no = f"XQ-BY{place:02d}"
    need = Need(no, date(2025, 5, 20), Decimal("1000000.00"), 12, Decimal("6.0"), None, "rd", "bank_a", True)
    events = tuple(
        NeedEvent(f"XJ-BY{place:02d}-{number}", no, "bank_a", None, *step) for number, step in enumerate(steps)
    )
    return draft.put(enterprise, needs=(need._replace(**changes),), need_events=events)


def _note(draft: Draft, kind: str, dataset: str, enterprise: Enterprise, fact: Any, expect: str, reason: str) -> None:
    address = f"finance.{dataset}"
    draft.plant(kind, address, record_of(address, enterprise, fact), expect, reason, enterprise.uscc)


def _plant_answers(draft: Draft) -> None:
    """A bank that never answers, one that answers on the last working day, and one that does a day after it."""
    matched: Step = ("matched", _MATCHED)
    cases: tuple[tuple[str, tuple[Step, ...], str], ...] = (
        ("bank_never_answers", (matched,), "late"),
        ("answer_on_the_last_working_day", (matched, ("contacted", _LAST_WORKING_DAY)), "answered"),
        ("answer_a_day_late", (matched, ("contacted", date(2025, 6, 4))), "answered_late"),
    )
    for place, (kind, steps, expect) in enumerate(cases, start=1):
        enterprise = _edge(draft, place, steps)
        _note(draft, kind, "need_events", enterprise, enterprise.need_events[-1], expect, kind)


def _plant_steps(draft: Draft) -> None:
    """Steps that may not follow, a rejection with its reason and without, steps after the end of the need."""
    matched: Step = ("matched", _MATCHED)
    reviewed: tuple[Step, ...] = (matched, ("contacted", date(2025, 5, 28)), ("in_review", date(2025, 6, 5)))
    march = (("matched", date(2025, 3, 10)), ("contacted", date(2025, 3, 12)), ("in_review", date(2025, 6, 10)))
    cases: tuple[tuple[str, tuple[Step, ...], dict[str, Any], str, str], ...] = (
        ("step_out_of_order", (matched, ("approved", date(2025, 6, 3))), {}, "flagged", "not_allowed"),
        ("rejected_without_a_reason", (*reviewed, ("rejected", date(2025, 6, 20))), {}, "flagged", "no_reason"),
        ("rejected_with_a_reason", (*reviewed, ("rejected", date(2025, 6, 20), "现金流不足")), {}, "applied", ""),
        ("step_after_the_expiry", march, {"posted_on": date(2025, 3, 3)}, "flagged", "after_expiry"),
        ("step_before_the_post", (("matched", date(2025, 5, 19)),), {}, "flagged", "before_the_post"),
    )
    for place, (kind, steps, changes, expect, reason) in enumerate(cases, start=11):
        enterprise = _edge(draft, place, steps, **changes)
        _note(draft, kind, "need_events", enterprise, enterprise.need_events[-1], expect, reason)
    enterprise = _edge(draft, 16, (matched, ("contacted", date(2025, 6, 20))))
    closed = NeedEvent("XJ-BY16-9", "XQ-BY16", None, None, "closed", date(2025, 6, 12))
    enterprise = draft.put(enterprise, need_events=(*enterprise.need_events, closed))
    late = enterprise.need_events[1]
    _note(draft, "step_after_the_close", "need_events", enterprise, late, "flagged", "after_the_close")
    enterprise = _edge(draft, 17, (matched,))
    stray = enterprise.need_events[0]._replace(event_no="XJ-BY17-9", need_no="XQ-NONE")
    enterprise = draft.put(enterprise, need_events=(*enterprise.need_events, stray))
    _note(draft, "step_of_no_need", "need_events", enterprise, stray, "flagged", "no_need")
    enterprise = _edge(draft, 18, (matched,))
    events = (enterprise.need_events[0]._replace(product_id="green-channel-loan"),)
    enterprise = draft.put(enterprise, need_events=events)
    _note(draft, "product_of_another_bank", "need_events", enterprise, events[0], "flagged", "product_of_another_bank")


def _plant_needs(draft: Draft) -> None:
    """A need that nothing fits, one that expired, two that are equal, one that names a bank without a consent."""
    enterprise = _edge(draft, 21, (), amount_cny=Decimal("900000000.00"))
    _note(draft, "need_that_nothing_fits", "needs", enterprise, enterprise.needs[0], "no_match", "amount")
    enterprise = _edge(draft, 22, (), posted_on=date(2025, 4, 1))
    _note(draft, "need_on_its_last_day", "needs", enterprise, enterprise.needs[0], "posted", "last_day")
    enterprise = _edge(draft, 23, (), posted_on=date(2025, 3, 31))
    _note(draft, "need_a_day_after_its_last", "needs", enterprise, enterprise.needs[0], "expired", "expired")
    enterprise = _edge(draft, 24, ())
    twin = enterprise.needs[0]._replace(need_no="XQ-BY24-2")
    enterprise = draft.put(enterprise, needs=(*enterprise.needs, twin))
    _note(draft, "two_equal_needs", "needs", enterprise, twin, "equal", "equal")
    enterprise = _edge(draft, 25, (), consented_banks="bank_a;bank_b")
    _note(draft, "bank_named_without_a_consent", "needs", enterprise, enterprise.needs[0], "not_shown", "bank_b")


def _plant_feedback(draft: Draft) -> None:
    """Feedback under a consent, without any, before its first day, under another's, and on a need of another."""
    approved: tuple[Step, ...] = (("in_review", date(2025, 6, 3)), ("approved", date(2025, 6, 10)))
    steps = (("matched", _MATCHED), ("contacted", date(2025, 5, 28)), *approved, ("drawn", date(2025, 6, 12)))
    cases = (
        ("feedback_under_a_consent", "applied", ""),
        ("feedback_without_a_consent", "flagged", "no_consent"),
        ("feedback_before_the_consent", "flagged", "consent_not_in_force"),
        ("feedback_under_anothers_consent", "flagged", "consent_of_another"),
        ("feedback_on_anothers_need", "flagged", "need_of_another"),
    )
    for place, (kind, expect, reason) in enumerate(cases, start=31):
        enterprise = _edge(draft, place, steps)
        consent = next(one for one in enterprise.consents if one.recipient == "bank_a")
        others = next(
            one.consent_id for e in draft.enterprises.values() for one in e.consents if e.uscc != enterprise.uscc
        )
        consents = {"feedback_without_a_consent": None, "feedback_under_anothers_consent": others}
        report = BankFeedback(
            f"FK-BY{place}",
            "bank_a",
            f"SX-BY{place}",
            "XQ-BY01" if kind == "feedback_on_anothers_need" else f"XQ-BY{place}",
            None,
            "approved",
            date(2023, 12, 29) if kind == "feedback_before_the_consent" else LAST_DAY,
            consents.get(kind, consent.consent_id),
            Decimal("1000000.00"),
            Decimal("3.5"),
            date(2025, 6, 12),
            Decimal("1000000.00"),
            "正常",
            0,
        )
        enterprise = draft.put(enterprise, bank_feedback=(report,))
        _note(draft, kind, "bank_feedback", enterprise, report, expect, reason)


def _plant_policy_claims(draft: Draft) -> None:
    """A policy claimed, one refused, one refused and confirmed later, and a claim before the claim period."""
    refused = ("refused", date(2025, 6, 10))
    cases = (
        ("policy_claimed", (("claimed", date(2025, 6, 10)),), "already_claimed"),
        ("policy_refused", (refused,), "refused"),
        ("policy_refused_then_confirmed", (refused, ("confirmed", date(2025, 6, 12))), "confirmed"),
        ("policy_claimed_before_its_period", (("claimed", date(2025, 1, 10)),), "not_counted"),
    )
    for place, (kind, said, expect) in enumerate(cases, start=41):
        enterprise = draft.take(_consents_to_bank_a)
        claims = tuple(
            PolicyClaim(f"ZC-BY{place}-{number}", "invention-support", "2025.1", day, state)
            for number, (state, day) in enumerate(said)
        )
        enterprise = draft.put(enterprise, policy_claims=claims)
        _note(draft, kind, "policy_claims", enterprise, claims[-1], expect, expect)
