"""Which figures of an enterprise contradict each other across agencies: the flags that a right pipeline must raise."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

from sandbox.truth_evidence import Evidence
from sandbox.truth_local import is_active
from sandbox.truth_parts import is_not_yet, latest

_FIFTH: Final = Decimal("0.2")
_PER_CENT: Final = Decimal("0.01")


def _is_far(left: Decimal, right: Decimal, share: Decimal) -> bool:
    return abs(left - right) > share * abs(right)


def _is_reversed(evidence: Evidence) -> bool:
    """Q5: R&D as booked, as the recognition counts it, as deducted: each at least the next that is known."""
    claim = latest(evidence.enterprise.deductions, evidence.year, evidence.as_of)
    reports = [r for r in evidence.enterprise.torch_reports if r.fiscal_year == evidence.year]
    calibers = (
        evidence.this.rd_expense if evidence.this else None,
        reports[0].hnte_rd_expense_cny if reports else None,
        claim.deductible_rd if claim else None,
    )
    known = [amount for amount in calibers if amount is not None]
    return any(later > earlier for earlier, later in pairwise(known))


def _is_wrong_relief(evidence: Evidence) -> bool:
    """Q7: what was deducted on top follows from the R&D it rests on, all of it since 2023, within one percent."""
    claim = latest(evidence.enterprise.deductions, evidence.year, evidence.as_of)
    if claim is None or claim.deductible_rd is None:
        return False
    return _is_far(claim.additional_deduction, claim.deductible_rd, _PER_CENT)


def _is_far_from_vat(evidence: Evidence) -> bool:
    """Q8: a year's revenue and the sales of its VAT returns lie within a fifth of each other."""
    returns = {
        one.period_end: one.sales
        for one in sorted(evidence.enterprise.vat_returns, key=lambda one: one.filed_on)
        if one.period_end.year == evidence.year and one.filed_on <= evidence.as_of
    }
    revenue = evidence.this.revenue if evidence.this else None
    if revenue is None or not returns:
        return False
    return _is_far(sum(returns.values(), Decimal(0)), revenue, _FIFTH)


def _is_far_from_insured(evidence: Evidence) -> bool:
    """Q9: persons insured in December and staff reported for it lie within a fifth of each other."""
    december = date(evidence.year, 12, 31)
    insured = next((one.persons for one in evidence.enterprise.insured if one.month == december), None)
    staff = evidence.people.staff_total if evidence.people else None
    if insured is None or staff is None:
        return False
    return _is_far(Decimal(insured), Decimal(staff), _FIFTH)


def _is_in_doubt(evidence: Evidence) -> bool:
    """Q16: an event is used, and a decision on its repair could not be read."""
    return any(event.event_no in evidence.doubted and is_active(event, evidence) for event in evidence.each("events"))


def _owes_beside_a_good_grade(evidence: Evidence) -> bool:
    """Q23: tax announced by the day and not paid by it, beside a newest grade of A or B."""
    as_of = evidence.as_of
    known = [one for one in evidence.enterprise.tax_grades if one.published_on <= as_of]
    owes = any(
        one.announced_on <= as_of and is_not_yet(as_of, one.cleared_on) and one.balance > 0
        for one in evidence.each("arrears")
    )
    return owes and bool(known) and max(known, key=lambda one: (one.evaluation_year, one.published_on)).grade in "AB"


def flags(evidence: Evidence) -> list[str]:
    """Return the numbers of the rules that an enterprise's figures break, in order."""
    rules = {
        "Q5": _is_reversed,
        "Q7": _is_wrong_relief,
        "Q8": _is_far_from_vat,
        "Q9": _is_far_from_insured,
        "Q16": _is_in_doubt,
        "Q23": _owes_beside_a_good_grade,
    }
    return [rule for rule, breaks in rules.items() if breaks(evidence)]
