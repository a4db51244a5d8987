"""What other agencies hold beside the statements of the district, so that each figure can be compared with another."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from sandbox.district_finance import MONTHS, day_between, yuan
from sandbox.draft import Draft
from sandbox.model import Arrears, Deduction, Enterprise, Filing, Insured, TaxGrade, TorchReport, VatReturn

VAT_YEARS: Final = (2023, 2024)
INSURED_MONTHS: Final = (date(2023, 12, 31), date(2024, 12, 31), date(2025, 6, 30))
_GRADED_YEARS: Final = (2022, 2023, 2024)
_TAXES: Final = ("增值税", "企业所得税", "城镇土地使用税", "房产税")


_Filed = TypeVar("_Filed", Filing, Deduction)


def _latest(filed: Iterable[_Filed], as_of: date) -> dict[int, _Filed]:
    """Return what was filed last for each year, of all that is known on a day and can be read."""
    known = [one for one in filed if one.filed_on <= as_of and one.sending.is_usable]
    return {one.fiscal_year: one for one in sorted(known, key=lambda one: one.filed_on)}


def vat_returns(rng: random.Random, enterprise: Enterprise, filed: Mapping[int, Filing]) -> Iterator[VatReturn]:
    """Draw the months' VAT returns of 33 enterprises in 34; a year's sales are its revenue within some percent."""
    if rng.random() < 0.03:
        return
    any_revenue = next((f.revenue for f in filed.values() if f.revenue is not None), Decimal(0))
    for year in VAT_YEARS:
        months = [m for m in MONTHS if m.year == year and m >= enterprise.founded_on]
        revenue = filed[year].revenue if year in filed else None
        total = int((any_revenue if revenue is None else revenue) * 100) * rng.randint(93, 106) // 100
        weights = [rng.randint(60, 140) for _ in months]
        before, sold = 0, 0
        is_exempt = rng.random() < 0.15
        for month, weight in zip(months, weights, strict=True):
            before += weight
            sales = total * before // sum(weights) - sold
            sold += sales
            exempt = sales * rng.randint(1, 4) // 100 if is_exempt else 0
            filed_on = month + timedelta(days=rng.randint(5, 15))
            tax = (sales - exempt) * rng.randint(15, 45) // 1_000
            yield VatReturn(month, filed_on, yuan(sales), yuan(exempt), yuan(tax))


def insured(rng: random.Random, enterprise: Enterprise) -> Iterator[Insured]:
    """Draw the insured persons of those units that report head counts, within a tenth of these."""
    staff = {row.month: row.staff_total for row in enterprise.headcounts if row.sending.is_usable}
    for month in INSURED_MONTHS:
        # Where a month's row is spoilt, the number of the month before is taken.
        reported = staff.get(month)
        if reported is None:
            reported = staff.get(month.replace(day=1) - timedelta(days=1))
        if reported is not None:
            few = reported < 20
            yield Insured(month, reported if few else reported * rng.randint(92, 103) // 100)


def fuller_torch_reports(
    rng: random.Random, enterprise: Enterprise, filed: Mapping[int, Filing], as_of: date
) -> tuple[TorchReport, ...]:
    """Add staff and R&D expense to the yearly reports: R&D between what was deducted and what was booked."""
    claims = _latest(enterprise.deductions, as_of)
    staff = {row.month: row.staff_total for row in enterprise.headcounts if row.sending.is_usable}
    reports: list[TorchReport] = []
    for report in enterprise.torch_reports:
        year, place = report.fiscal_year, rng.randint(10, 90)
        booked = filed[year].rd_expense if year in filed else None
        counted = claims[year].deductible_rd if year in claims else None
        hnte: Decimal | None = None
        if booked is not None:
            low = int((booked * 3 / 4 if counted is None else min(counted, booked)) * 100)
            hnte = yuan(low + (int(booked * 100) - low) * place // 100)
        elif counted is not None:
            hnte = yuan(int(counted * 100) * 105 // 100)
        people = staff.get(date(year, 12, 31), staff.get(date(year, 11, 30)))
        reported = None if people is None else people if people < 20 else people * rng.randint(97, 103) // 100
        reports.append(report._replace(staff_total=reported, hnte_rd_expense_cny=hnte))
    return tuple(reports)


def tax_grades(rng: random.Random, enterprise: Enterprise) -> Iterator[TaxGrade]:
    """Draw the tax office's grades of 19 enterprises in 20: M while young; one in 25 is reviewed in the summer."""
    if rng.random() < 0.05:
        return
    usual = rng.choices("ABCD", (38, 45, 13, 4))[0]
    for year in _GRADED_YEARS:
        if enterprise.founded_on.year > year:
            continue
        grade = "M" if year - enterprise.founded_on.year < 1 else usual if rng.random() < 0.8 else rng.choice("ABBC")
        yield TaxGrade(year, grade, date(year + 1, 4, rng.randint(10, 25)))
        if grade in "CD" and rng.random() < 0.25:
            yield TaxGrade(year, "B", day_between(rng, date(year + 1, 5, 10), date(year + 1, 6, 20)))


def arrears(rng: random.Random, number: int, enterprise: Enterprise, grades: tuple[TaxGrade, ...]) -> Iterator[Arrears]:
    """Draw announced arrears (one enterprise in 20), two in three of them paid since, and all of the well graded."""
    is_well_graded = bool(grades) and max(grades, key=lambda one: (one.evaluation_year, one.published_on)).grade in "AB"
    if rng.random() > 0.05:
        return
    for k in range(rng.randint(1, 2)):
        announced_on = day_between(rng, max(date(2023, 3, 1), enterprise.founded_on), date(2025, 6, 20))
        cleared_on = announced_on + timedelta(days=rng.randint(20, 300)) if rng.random() < 0.67 else None
        if cleared_on is not None and cleared_on > date(2025, 6, 30):
            cleared_on = None
        if cleared_on is None and is_well_graded:
            cleared_on = announced_on + timedelta(days=9)
        owed = yuan(rng.randint(80_000, 90_000_000))
        yield Arrears(f"QS{announced_on:%Y}-{number:04d}-{k}", rng.choice(_TAXES), owed, announced_on, cleared_on)


def crosschecked(draft: Draft, number: int, enterprise: Enterprise) -> Enterprise:
    """Return the enterprise with all that its statements and head counts are compared with."""
    stream, as_of = draft.stream, draft.as_of
    filed = _latest(enterprise.filings, as_of)
    grades = tuple(tax_grades(stream("tax_grades", number), enterprise))
    return replace(
        enterprise,
        vat_returns=tuple(vat_returns(stream("vat", number), enterprise, filed)),
        tax_grades=grades,
        arrears=tuple(arrears(stream("arrears", number), number, enterprise, grades)),
        insured=tuple(insured(stream("social_security", number), enterprise)),
        torch_reports=fuller_torch_reports(stream("torch_staff", number), enterprise, filed, as_of),
    )
