"""The 40 indicators and the cross-checks of one enterprise of the district, one row each, from the model alone.

Written apart from the SQL and from the rule set, so that each can be held against the other.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise
from typing import Any, Final, NamedTuple

from sandbox.district_feeds import LISTS
from sandbox.model import Application, Filing
from tests.district_evidence import Evidence, december_of, is_not_yet, latest

SUPPLIED: Final = "supplied"
RECORD_NOT_SUPPLIED: Final = "record_not_supplied"
VALUE_NOT_SUPPLIED: Final = "value_not_supplied"
NOT_DEFINED: Final = "not_defined"

_HIGH_LEVELS: Final = ("national", "provincial")
_PLACES: Final = ("1", "2", "3", "finalist", "other")
_MILLIONTH: Final = Decimal("0.000001")

_Figure = Decimal | int | str
"""A number, or the state that takes its place."""


class IndicatorTruth(NamedTuple):
    """An indicator's value (None unless supplied) and its state."""

    value: Decimal | None
    status: str


def _levels(**levels: str) -> dict[str, Decimal]:
    return {level: Decimal(quantity) for level, quantity in levels.items()}


QUANTITIES: Final[Mapping[str, Mapping[str, Decimal]]] = {
    "L01": _levels(national="3", provincial="2"),
    "L02": _levels(city="1", zone="1"),
    "L14": _levels(international="2", national="1.5", industry="1", group="0.5"),
    "L16": _levels(tech_sme="1", innovative_sme="1.5", hnte="3", specialised_sme="3.5", little_giant="5", champion="5"),
    "L17": {
        **{f"national_{place}": Decimal(6) for place in _PLACES},
        **_levels(provincial_1="5", provincial_2="4", provincial_3="3", provincial_finalist="1", provincial_other="0"),
    },
    "L18": {
        **{f"{level}_{place}": Decimal(2 if place == "1" else 1) for level in ("city", "zone") for place in _PLACES},
        "challenge": Decimal(1),
    },
    "L19": _levels(A="8", B="5", C="2", D="0"),
    "L20": _levels(A="6", B="4", M="3", C="1", D="0"),
    "L22": _levels(minor="1", general="2", serious="6", unstated="2"),
}
"""How much each level counts for, by indicator; a level that is not here is an error of the model."""


def _of(record: Any, line: str) -> _Figure:
    """Return a line of a record: neither a missing record nor a blank line is a zero."""
    if record is None:
        return RECORD_NOT_SUPPLIED
    value: Decimal | int | None = getattr(record, line)
    return VALUE_NOT_SUPPLIED if value is None else value


def _in_ten_thousands(amount: _Figure) -> _Figure:
    return amount if isinstance(amount, str) else Decimal(amount) / 10_000


def _ratio(part: _Figure, whole: _Figure) -> _Figure:
    """Return part over whole in percent: a blank of either comes before a whole that is not positive."""
    if isinstance(part, str) or isinstance(whole, str):
        return part if isinstance(part, str) else whole
    with localcontext() as context:
        context.prec = 50
        return Decimal(part) * 100 / Decimal(whole) if whole > 0 else NOT_DEFINED


def _net_assets(filing: Filing | None) -> _Figure:
    owned = [_of(filing, line) for line in ("current_assets", "noncurrent_assets")]
    owed = [_of(filing, line) for line in ("current_liabilities", "noncurrent_liabilities")]
    states = [one for one in (*owned, *owed) if isinstance(one, str)]
    return states[0] if states else sum(map(Decimal, owned)) - sum(map(Decimal, owed))


def _growth(evidence: Evidence, line: str, now: Any, before: Any, taken_over: Iterable[Any]) -> _Figure:
    """Return growth over a base: its own figure and those of the enterprises that it took over within the year.

    Age comes first, then whether the own records are there, whether the enterprise is new made of others, and whether
    each figure is there.
    """
    is_young = evidence.enterprise.founded_on > date(evidence.year - 2, 12, 31)
    if is_young or (evidence.is_first_year and None not in (now, before)):
        return NOT_DEFINED
    if now is None or before is None:
        return RECORD_NOT_SUPPLIED
    figure, bases = _of(now, line), [_of(record, line) for record in (before, *taken_over)]
    if isinstance(figure, str) or any(isinstance(base, str) for base in bases):
        return VALUE_NOT_SUPPLIED
    base = sum(map(Decimal, bases))
    return _ratio(Decimal(figure) - base, base)


def _growth_of_line(evidence: Evidence, line: str) -> _Figure:
    before = [latest(e.filings, evidence.year - 1, evidence.as_of) for e in evidence.predecessors]
    return _growth(evidence, line, evidence.filing(), evidence.filing(1), before)


def _growth_of_scientists(evidence: Evidence) -> _Figure:
    if evidence.is_first_year:
        return NOT_DEFINED
    before = [december_of(e, evidence.year - 1) for e in evidence.predecessors]
    return _growth(evidence, "sci_tech_staff", evidence.december(), evidence.december(1), before)


def _related(evidence: Evidence, applications: Iterable[Application], patent_type: str) -> _Figure:
    """Count applications of the year within the declared business."""
    scopes = evidence.enterprise.scopes
    if not scopes:
        return RECORD_NOT_SUPPLIED
    of_year = (one for one in applications if one.filed_on.year == evidence.year and one.patent_type == patent_type)
    return sum(one.ipc is not None and one.ipc[:4] in scopes for one in of_year)


def _two_years_before(day: date) -> date:
    """Return the same day two years earlier; 29 February becomes the 28th."""
    return day.replace(year=day.year - 2, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _new_high_platforms(evidence: Evidence) -> int:
    first = _two_years_before(evidence.as_of)
    return sum(one.level in _HIGH_LEVELS and first < one.recognised_on for one in evidence.valid("platforms"))


def _turnover(evidence: Evidence) -> Decimal:
    of_year = (one for one in evidence.each("contracts") if one.registered_on.year == evidence.year)
    return sum((one.turnover_cny for one in of_year if one.status == "registered"), Decimal(0))


def _relief(evidence: Evidence) -> _Figure:
    """An enterprise without a claim has a relief of zero, since the list of claims is complete."""
    claim = evidence.claim()
    return 0 if claim is None else claim.additional_deduction * claim.income_tax_rate / 100


def _high(evidence: Evidence, facts: str, year_of: Callable[[Any], int]) -> int:
    """Count facts of the country and province of the reporting year and the one before."""
    years = (evidence.year - 1, evidence.year)
    return sum(one.level in _HIGH_LEVELS and year_of(one) in years for one in evidence.each(facts))


def _sum(code: str, levels: Iterable[str]) -> Decimal:
    return sum((QUANTITIES[code][level] for level in levels), Decimal(0))


def _best(code: str, levels: Iterable[str]) -> Decimal:
    return max((QUANTITIES[code][level] for level in levels), default=Decimal(0))


def _talents(evidence: Evidence, code: str) -> Decimal:
    return _sum(code, (one.level for one in evidence.valid("talents") if one.level in QUANTITIES[code]))


def _persons(evidence: Evidence, fits: Callable[[Any], bool]) -> int:
    """Count persons on the newest list: a person is one, however many units name it."""
    as_of = evidence.as_of
    newest = max(month for month in LISTS if month <= as_of)
    here = (one for one in evidence.each("persons") if one.last_listed >= newest and one.joined_on <= as_of)
    return len({one.person_hash for one in here if is_not_yet(as_of, one.left_on) and fits(one)})


def _platforms(evidence: Evidence, level: str) -> int:
    """Count platforms of a level; stations stand apart."""
    valid = evidence.valid("platforms")
    return sum(one.level == level and not one.kind.endswith("_station") for one in valid)


def _contests(evidence: Evidence) -> list[Any]:
    first = _two_years_before(evidence.as_of)
    return [one for one in evidence.each("results") if first < one.held_on <= evidence.as_of]


def _high_contests(evidence: Evidence) -> Iterable[str]:
    high = (one for one in _contests(evidence) if one.level in _HIGH_LEVELS and one.kind == "contest")
    return (f"{one.level}_{one.place}" for one in high)


def _local_contests(evidence: Evidence) -> Iterable[str]:
    local = (one for one in _contests(evidence) if one.level in ("city", "zone"))
    return ("challenge" if one.kind == "challenge" else f"{one.level}_{one.place}" for one in local)


def _public_grade(evidence: Evidence) -> _Figure:
    known = [g for g in evidence.enterprise.evaluations if g.batch_month <= evidence.as_of and g.sending.is_usable]
    newest = max(known, key=lambda one: one.batch_month, default=None)
    return RECORD_NOT_SUPPLIED if newest is None else QUANTITIES["L19"][newest.grade]


def _tax_grade(evidence: Evidence) -> _Figure:
    """An enterprise without a grade has no value, not the worst grade."""
    grade = evidence.tax_grade()
    return RECORD_NOT_SUPPLIED if grade is None else QUANTITIES["L20"][grade]


def _events(evidence: Evidence, kinds: tuple[str, ...], counted: Callable[[list[Any]], _Figure]) -> _Figure:
    """Count the events that are used on the day; one that may be repaired leaves them unknown."""
    found = [one for one in evidence.each("events") if one.event_type in kinds and evidence.is_active(one)]
    return VALUE_NOT_SUPPLIED if any(one.event_no in evidence.doubted for one in found) else counted(found)


_DISHONESTY: Final = ("serious_dishonesty", "judgment_defaulter")
_PENALTY: Final = ("administrative_penalty",)
INDICATORS: Final[Mapping[str, Callable[[Evidence], _Figure]]] = {
    "C01": lambda e: _in_ten_thousands(_of(e.filing(), "rd_expense")),
    "C02": lambda e: _growth_of_line(e, "rd_expense"),
    "C03": lambda e: _ratio(_of(e.filing(), "rd_expense"), _of(e.filing(), "revenue")),
    "C04": lambda e: _ratio(_of(e.december(), "sci_tech_staff"), _of(e.december(), "staff_total")),
    "C05": lambda e: _related(e, e.patents, "发明"),
    "C06": lambda e: _related(e, e.pcts, "PCT"),
    "C07": lambda e: _in_ten_thousands(_turnover(e)),
    "C08": lambda e: _in_ten_thousands(_of(e.report(), "high_tech_product_revenue_cny")),
    "C09": lambda e: _in_ten_thousands(_of(e.filing(), "revenue")),
    "C10": lambda e: _growth_of_line(e, "revenue"),
    "C11": lambda e: _ratio(_of(e.december(), "master_or_above"), _of(e.december(), "staff_total")),
    "C12": lambda e: _in_ten_thousands(_relief(e)),
    "C13": lambda e: _ratio(_of(e.filing(), "net_profit"), _net_assets(e.filing())),
    "C14": lambda e: _of(e.december(), "new_graduates"),
    "C15": _new_high_platforms,
    "C16": lambda e: _high(e, "awards", lambda one: one.award_year),
    "C17": lambda e: _high(e, "projects", lambda one: one.approved_on.year),
    "C18": lambda e: _in_ten_thousands(
        sum((one.paid_in_cny for one in e.each("investments") if one.paid_in_on.year == e.year), Decimal(0))
    ),
    "L01": lambda e: _talents(e, "L01"),
    "L02": lambda e: _talents(e, "L02"),
    "L03": lambda e: _persons(e, lambda one: one.degree == "doctor" or one.is_postdoc),
    "L04": lambda e: _persons(e, lambda one: one.title_level == "senior" or one.skill_level == "senior_technician"),
    "L05": _growth_of_scientists,
    "L06": lambda e: _platforms(e, "national"),
    "L07": lambda e: _platforms(e, "provincial"),
    "L08": lambda e: _platforms(e, "municipal"),
    "L09": lambda e: sum(one.kind.endswith("_station") for one in e.valid("platforms")),
    "L10": lambda e: len(e.valid("cooperations")),
    "L11": lambda e: len(e.held),
    "L12": lambda e: sum(one.high_value_basis is not None for one in e.held),
    "L13": lambda e: sum(one.registered_on <= e.as_of for one in e.registrations),
    # A standard that names an enterprise twice is one standard.
    "L14": lambda e: _sum("L14", {one.standard_no: one.level for one in e.valid("standards")}.values()),
    "L15": lambda e: len(e.valid("products")),
    "L16": lambda e: _best("L16", (one.title for one in e.valid("titles"))),
    "L17": lambda e: _best("L17", _high_contests(e)),
    "L18": lambda e: _sum("L18", _local_contests(e)),
    "L19": _public_grade,
    "L20": _tax_grade,
    "L21": lambda e: _events(e, _DISHONESTY, len),
    "L22": lambda e: _events(e, _PENALTY, lambda found: _sum("L22", (one.severity or "unstated" for one in found))),
}


def findings(evidence: Evidence) -> dict[str, IndicatorTruth]:
    """Return the indicators of one enterprise by code: to the millionth, rounded half up, or why there is none."""
    figures = {code: formula(evidence) for code, formula in INDICATORS.items()}
    with localcontext() as context:
        context.prec = 50
        return {
            code: IndicatorTruth(None, figure)
            if isinstance(figure, str)
            else IndicatorTruth(Decimal(figure).quantize(_MILLIONTH, ROUND_HALF_UP), SUPPLIED)
            for code, figure in figures.items()
        }


def _is_far(left: Any, right: Any, share: str) -> bool:
    """Tell whether two known figures lie further apart than a share of the second."""
    is_known = left is not None and right is not None
    return is_known and abs(Decimal(left) - Decimal(right)) > Decimal(share) * abs(Decimal(right))


def _is_reversed(evidence: Evidence) -> bool:
    """R&D as booked, as the recognition counts it, as deducted: each at least the next that is known."""
    filing, report, claim = evidence.filing(), evidence.report(), evidence.claim()
    calibers = (filing and filing.rd_expense, report and report.hnte_rd_expense_cny, claim and claim.deductible_rd)
    known = [amount for amount in calibers if amount is not None]
    return any(later > earlier for earlier, later in pairwise(known))


def _is_far_from_vat(evidence: Evidence) -> bool:
    """A year's revenue and the sales of its VAT returns lie within a fifth of each other."""
    known = sorted(
        (r for r in evidence.enterprise.vat_returns if r.filed_on <= evidence.as_of), key=lambda r: r.filed_on
    )
    sales = {one.period_end: one.sales for one in known if one.period_end.year == evidence.year}
    filing = evidence.filing()
    return bool(sales) and _is_far(sum(sales.values()), filing and filing.revenue, "0.2")


def _is_far_from_insured(evidence: Evidence) -> bool:
    """Persons insured in December and staff reported for it lie within a fifth of each other."""
    december = date(evidence.year, 12, 31)
    insured = next((one.persons for one in evidence.enterprise.insured if one.month == december), None)
    row = evidence.december()
    return _is_far(insured, row and row.staff_total, "0.2")


def _owes_beside_a_good_grade(evidence: Evidence) -> bool:
    """Tax announced by the day and not paid by it, beside a newest grade of A or B."""
    as_of = evidence.as_of
    announced = (one for one in evidence.each("arrears") if one.announced_on <= as_of and one.balance > 0)
    return evidence.tax_grade() in ("A", "B") and any(is_not_yet(as_of, one.cleared_on) for one in announced)


CROSS_CHECKS: Final[Mapping[str, Callable[[Evidence], bool]]] = {
    "Q5": _is_reversed,
    # What was deducted on top follows from the R&D it rests on, all of it since 2023.
    "Q7": lambda e: (c := e.claim()) is not None and _is_far(c.additional_deduction, c.deductible_rd, "0.01"),
    "Q8": _is_far_from_vat,
    "Q9": _is_far_from_insured,
    # An event is used, and a decision on its repair could not be read.
    "Q16": lambda e: any(one.event_no in e.doubted and e.is_active(one) for one in e.each("events")),
    "Q23": _owes_beside_a_good_grade,
}
