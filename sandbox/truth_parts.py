"""What every reckoning of the truth is made of: a value with its state, years, ratios to the millionth."""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final, NamedTuple, TypeVar

from sandbox.model import Deduction, Filing

SUPPLIED: Final = "supplied"
RECORD_NOT_SUPPLIED: Final = "record_not_supplied"
VALUE_NOT_SUPPLIED: Final = "value_not_supplied"
NOT_DEFINED: Final = "not_defined"

_MILLIONTH: Final = Decimal("0.000001")
_TEN_THOUSAND: Final = Decimal(10_000)

_Filed = TypeVar("_Filed", Filing, Deduction)


class Finding(NamedTuple):
    """An indicator's value (None unless supplied) and its state."""

    value: Decimal | None
    status: str


def reporting_year(as_of: date) -> int:
    """Return the last full year that is settled: returns of a year are due on 31 May of the next."""
    return as_of.year - 1 if as_of > date(as_of.year, 5, 31) else as_of.year - 2


def years_before(day: date, years: int) -> date:
    """Return the same day of an earlier year; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def supplied(value: Decimal | int) -> Finding:
    """Return a value to the millionth, rounded half up."""
    with localcontext() as context:
        context.prec = 50
        return Finding(Decimal(value).quantize(_MILLIONTH, ROUND_HALF_UP), SUPPLIED)


def ratio(part: Decimal | int | None, whole: Decimal | int | None) -> Finding:
    """Return part over whole in percent: a blank of either comes before a whole that is not positive."""
    if part is None or whole is None:
        return Finding(None, VALUE_NOT_SUPPLIED)
    if whole <= 0:
        return Finding(None, NOT_DEFINED)
    with localcontext() as context:
        context.prec = 50
        return supplied(Decimal(part) * 100 / Decimal(whole))


def in_ten_thousands(amount: Decimal | None) -> Finding:
    """Return yuan as 万元; a blank is not supplied."""
    return Finding(None, VALUE_NOT_SUPPLIED) if amount is None else supplied(amount / _TEN_THOUSAND)


def latest(filed: Iterable[_Filed], year: int, as_of: date) -> _Filed | None:
    """Return what was filed last for a year by a day, of all that can be read."""
    known = [f for f in filed if f.fiscal_year == year and f.filed_on <= as_of and f.sending.is_usable]
    return max(known, key=lambda f: f.filed_on, default=None)


def is_valid(as_of: date, begun: date, ended: date | None) -> bool:
    """Tell whether a term holds on a day, its first and its last day included."""
    return begun <= as_of and (ended is None or ended >= as_of)


def is_not_yet(as_of: date, ended: date | None) -> bool:
    """Tell whether an end still lies ahead: on the day itself it has come."""
    return ended is None or ended > as_of
