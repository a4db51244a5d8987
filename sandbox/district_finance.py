"""Money and people of one enterprise of the district: statements, claims, high-tech revenue, head counts by month."""

import random
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import exp, log
from typing import Final

from sandbox.industries import Industry
from sandbox.model import Deduction, Filing, Headcount, TorchReport

YEARS: Final = (2022, 2023, 2024)
MONTHS: Final = tuple(
    date(year, month, monthrange(year, month)[1])
    for year in (2022, 2023, 2024, 2025)
    for month in range(1, 13)
    if (year, month) <= (2025, 6)
)
# Part of a year's graduates hired by the end of each month, percent: they leave university in July.
_GRADUATES_BY_MONTH: Final = (0, 0, 5, 6, 10, 22, 61, 77, 86, 92, 97, 100)
_YOUNG_FROM: Final = date(2023, 1, 1)


@dataclass(frozen=True, slots=True)
class YearOfBusiness:
    """Revenue and R&D expense of one year, in whole fen."""

    revenue: int
    rd_expense: int


def yuan(fen: int) -> Decimal:
    """Return whole fen as yuan with two decimals."""
    return Decimal(fen).scaleb(-2)


def day_between(rng: random.Random, first: date, last: date) -> date:
    """Draw a day between two, both included."""
    return first + timedelta(days=rng.randrange((last - first).days + 1))


def quarter_days(first: date, last: date) -> Iterator[date]:
    """The 21st of each third month, on which interest is paid."""
    days = (date(year, month, 21) for year in range(first.year, last.year + 1) for month in (3, 6, 9, 12))
    return (day for day in days if first < day <= last)


def business_years(rng: random.Random, industry: Industry, founded_on: date) -> dict[int, YearOfBusiness]:
    """Draw revenue (log-normal, medians 35 M and, for young firms, 2.5 M yuan) and R&D expense, backwards from 2024."""
    is_young = founded_on >= _YOUNG_FROM
    revenue = exp(rng.gauss(log(2.5e6), 1.7) if is_young else rng.gauss(log(35e6), 1.8))
    intensity = industry.rd_intensity * exp(rng.gauss(0, 0.6))
    does_research = industry.rd_intensity > 0.025 or rng.random() < 0.6
    years: dict[int, YearOfBusiness] = {}
    for year in reversed(YEARS):
        if year < founded_on.year:
            break
        # A firm spends on research before it sells, so a part of the expense does not scale with revenue.
        seed_money = exp(rng.gauss(log(2.5e5), 0.9))
        rd_expense = revenue * intensity * exp(rng.gauss(0, 0.2)) + seed_money if does_research else 0.0
        years[year] = YearOfBusiness(round(revenue * 100), round(rd_expense * 100))
        revenue /= 1 + max(-0.7, min(2.5, rng.gauss(0.09, 0.28)))
    return years


def filings(
    rng: random.Random, costs: random.Random, years: Mapping[int, YearOfBusiness], *, may_miss: bool
) -> tuple[Filing, ...]:
    """Draw the annual statements; where `may_miss`, one in 80 is never filed and one in 100 leaves R&D blank."""
    filed: list[Filing] = []
    for year in sorted(years):
        revenue, rd_expense = years[year].revenue, years[year].rd_expense
        current_assets = revenue * rng.randint(40, 110) // 100 + rng.randint(10_000_000, 90_000_000)
        noncurrent_assets = revenue * rng.randint(10, 80) // 100
        filing = Filing(
            fiscal_year=year,
            filed_on=day_between(rng, date(year + 1, 3, 1), date(year + 1, 5, 31)),
            revenue=yuan(revenue),
            rd_expense=yuan(rd_expense),
            net_profit=yuan(round(revenue * rng.gauss(0.06, 0.11))),
            current_assets=yuan(current_assets),
            noncurrent_assets=yuan(noncurrent_assets),
            current_liabilities=yuan(current_assets * rng.randint(15, 90) // 100),
            noncurrent_liabilities=yuan(noncurrent_assets * rng.randint(0, 50) // 100),
            operating_cost=yuan(revenue * costs.randint(55, 92) // 100),
        )
        luck = rng.random()
        if may_miss and luck < 1 / 80:
            continue
        filed.append(filing._replace(rd_expense=None) if may_miss and luck > 0.99 else filing)
    return tuple(filed)


def deductions(rng: random.Random, filed: tuple[Filing, ...]) -> tuple[Deduction, ...]:
    """Draw super-deduction claims for three in four of the firms with R&D expense, filed with the statement."""
    if rng.random() > 0.75:
        return ()
    rate = Decimal(rng.choices(("25", "15", "20"), (3, 5, 2))[0])
    claims: list[Deduction] = []
    for filing in filed:
        if filing.rd_expense:
            share = rng.randint(6_000, 10_000)
            spent = int(filing.rd_expense * 100)
            # 75 % of it were deducted on top in 2022, all of it since.
            amount = yuan(spent * (share * (75 if filing.fiscal_year == 2022 else 100) // 100) // 10_000)
            counted = yuan(spent * share // 10_000)
            claims.append(Deduction(filing.fiscal_year, filing.filed_on, amount, rate, counted))
    return tuple(claims)


def torch_reports(rng: random.Random, years: Mapping[int, YearOfBusiness]) -> Iterator[TorchReport]:
    """Draw the high-tech product revenue of those that report it (four in five), always within revenue."""
    if rng.random() > 0.8:
        return
    for year in sorted(years):
        amount = yuan(years[year].revenue * rng.randint(25, 98) // 100)
        yield TorchReport(year, amount, day_between(rng, date(year + 1, 2, 1), date(year + 1, 5, 20)))


def headcounts(
    rng: random.Random, years: Mapping[int, YearOfBusiness], industry: Industry, founded_on: date
) -> Iterator[Headcount]:
    """Draw people by month; every part lies within the whole."""
    latest = years[max(years)].revenue / 100
    staff_2024 = max(2, round(latest / (7e5 * exp(rng.gauss(0, 0.4))) + rng.randint(1, 9)))
    slope = rng.gauss(0.05, 0.12)
    sci_tech_share = min(0.9, industry.rd_intensity * 2.2 + rng.random() * 0.25)
    master_share = min(0.6, industry.rd_intensity * rng.random() * 1.5)
    graduate_share = rng.random() * 0.09
    for place, month in enumerate(MONTHS):
        if month < founded_on:
            continue
        staff = max(1, round(staff_2024 * (1 + slope * (place - 35) / 12)))
        masters = int(staff * master_share)
        graduates = int(staff * graduate_share) * _GRADUATES_BY_MONTH[month.month - 1] // 100
        yield Headcount(
            month=month,
            staff_total=staff,
            sci_tech_staff=round(staff * sci_tech_share),
            master_or_above=masters,
            doctors=masters // 9,
            new_graduates=graduates,
            technicians=round(staff * min(0.95, sci_tech_share + 0.03)),
        )
