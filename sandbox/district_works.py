"""What one enterprise of the district has to show: patents, contracts, platforms, awards, projects, money, grades."""

import random
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from sandbox.district_finance import YearOfBusiness, day_between, yuan
from sandbox.draft import Topics
from sandbox.industries import INDUSTRIES, Industry
from sandbox.model import (
    Application,
    Award,
    Consent,
    Contract,
    CreditEvent,
    Enterprise,
    Evaluation,
    Investment,
    Loan,
    Platform,
    Project,
)

LAST_DAY: Final = date(2025, 6, 30)
FIRST_DAY: Final = date(2022, 1, 1)
_LEVELS: Final = ("national", "provincial", "municipal")
_BATCHES: Final = (date(2024, 12, 1), date(2025, 3, 1), date(2025, 6, 1))
_MONTH_ENDS: Final = (date(2025, 4, 30), date(2025, 5, 31), date(2025, 6, 30))


def several(rng: random.Random, share: float, most: int) -> range:
    """Draw how many there are: none for all beyond a share of the enterprises, else one to so many."""
    return range(0) if rng.random() > share else range(rng.randint(1, most))


def contracts(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[Contract]:
    """Draw the technology contracts of the three enterprises in ten that sell any."""
    for k in several(rng, 0.3, 6):
        turnover = yuan(round(rng.lognormvariate(17.5, 1.3)))
        yield Contract(f"JSHT-{number:04d}-{k:02d}", turnover, _day_since(rng, enterprise))


def _day_since(rng: random.Random, enterprise: Enterprise) -> date:
    return day_between(rng, max(FIRST_DAY, enterprise.founded_on), LAST_DAY)


def platforms(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[Platform]:
    """Draw recognised platforms (one enterprise in five); a third have an end, always after the business date."""
    for k in several(rng, 0.2, 3) if enterprise.founded_on.year <= 2021 else ():
        level = rng.choices(_LEVELS, (1, 5, 6))[0]
        recognised_on = day_between(rng, date(2021, 1, 1), date(2025, 6, 20))
        valid_to = date(2026 + rng.randrange(3), 12, 31) if rng.random() < 0.35 else None
        yield Platform(f"PT-{number:04d}-{k}", f"{enterprise.name}研发平台{k + 1}", level, recognised_on, valid_to)


def awards(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[Award]:
    """Draw awards (one enterprise in 12), announced in the autumn to the name borne on that day."""
    for k in several(rng, 0.085, 2):
        year = rng.choice((2021, 2022, 2023, 2024))
        announced_on = day_between(rng, date(year, 9, 1), date(year, 12, 20))
        winner = next((one.name for one in enterprise.names if one.holds_on(announced_on)), None)
        if winner is not None:
            yield Award(f"JL-{number:04d}-{k}", winner, rng.choices(_LEVELS, (1, 5, 4))[0], year, announced_on)


def projects(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[Project]:
    """Draw science plan projects (one enterprise in six)."""
    for k in several(rng, 0.16, 3):
        level = rng.choices(_LEVELS, (1, 4, 4))[0]
        yield Project(f"XM-{number:04d}-{k}", level, _day_since(rng, enterprise))


def investments(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[Investment]:
    """Draw venture money: one in five of the firms founded from 2016 on."""
    for k in several(rng, 0.2, 2) if enterprise.founded_on.year >= 2016 else ():
        paid_in = yuan(rng.randint(5, 400) * 100_000_00)
        yield Investment(f"FT-{number:04d}-{k}", paid_in, _day_since(rng, enterprise))


def consents(rng: random.Random, number: int, _: Enterprise) -> Iterator[Consent]:
    """Draw consents, open-ended from 2024 or 2025 on: 60 % of enterprises to bank_a, 30 % to bank_b."""
    for recipient, share in (("bank_a", 0.6), ("bank_b", 0.3)):
        if rng.random() < share:
            classes = "score,rank,revenue_band,loan_feedback" if rng.random() < 0.8 else "score,rank"
            valid_from = day_between(rng, date(2024, 1, 1), date(2025, 5, 31))
            yield Consent(f"SQ-{number:04d}-{recipient[-1].upper()}", recipient, classes, valid_from)


def evaluations(rng: random.Random, number: int, _: Enterprise) -> Iterator[Evaluation]:
    """Draw the credit grades of three batches for 19 enterprises in 20; the rest are not graded."""
    if rng.random() > 0.95:
        return
    usual = rng.choices("ABCD", (35, 45, 16, 4))[0]
    for batch in _BATCHES:
        grade = usual if rng.random() < 0.85 else rng.choice("ABC")
        published = f"{batch:%Y-%m}-{rng.randint(18, 24)}T{rng.randint(8, 17):02d}:{rng.randrange(60):02d}:00+08:00"
        yield Evaluation(f"PJ{batch:%Y%m}-{number:04d}", batch, grade, published)


def events(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[CreditEvent]:
    """Draw a penalty or list entry for one enterprise in 20; some are past their publicity, some repaired."""
    if rng.random() > 0.05 or enterprise.founded_on.year > 2021:
        return
    kind = rng.choices(("administrative_penalty", "judgment_defaulter", "serious_dishonesty"), (8, 3, 1))[0]
    is_penalty = kind == "administrative_penalty"
    decided_on = day_between(rng, date(2022, 6, 1), date(2025, 6, 1))
    removed_on = decided_on + timedelta(days=rng.randint(95, 300)) if rng.random() < 0.4 else None
    if removed_on is not None and removed_on > LAST_DAY:
        removed_on = None
    yield CreditEvent(
        event_no=f"SJ-{decided_on.year}-{number:04d}",
        uscc=enterprise.uscc,
        name=enterprise.name,
        event_type=kind,
        severity=rng.choices(("minor", "general", "serious"), (3, 5, 1))[0] if is_penalty else None,
        decided_on=decided_on,
        publicity_end_on=decided_on + timedelta(days=365) if is_penalty else None,
        removed_on=removed_on,
        updated_at=f"{removed_on or decided_on + timedelta(days=3)}T10:{rng.randrange(60):02d}:00+08:00",
    )


def loans(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[Loan]:
    """Draw one or two loans from each bank the enterprise consented to (one in two), reported at three month ends."""
    for consent in enterprise.consents:
        if rng.random() < 0.5:
            continue
        for k in range(rng.randint(1, 2)):
            amount = Decimal(rng.randint(20, 1_000) * 10_000)
            if rng.random() < 0.1:
                amount += yuan(rng.randrange(1, 1_000_000))
            drawn_on = day_between(rng, date(2023, 7, 1), date(2025, 3, 31))
            is_late = rng.random() < 0.04
            for place, month_end in enumerate(_MONTH_ENDS):
                yield Loan(
                    bank=consent.recipient,
                    receipt_no=f"{'JA' if consent.recipient == 'bank_a' else 'B'}{number:06d}{k:02d}",
                    reported_on=month_end,
                    drawn_amount=amount,
                    balance=round(amount * (90 - 5 * place) / 100, 2) if drawn_on.year < 2025 else amount,
                    annual_rate=Decimal(rng.choice(("3.1", "3.45", "3.85", "4.2"))),
                    drawn_on=drawn_on,
                    due_on=drawn_on + timedelta(days=1_095),
                    five_class="关注" if is_late else "正常",
                    overdue_days=30 * place + 5 if is_late else 0,
                )


TOPICS: Final[Topics] = {
    "contracts": ("contracts", contracts),
    "platforms": ("platforms", platforms),
    "awards": ("awards", awards),
    "projects": ("projects", projects),
    "investments": ("investments", investments),
    "consents": ("consents", consents),
    "events": ("events", events),
    "evaluations": ("evaluations", evaluations),
}


def _ipc(rng: random.Random, industry: Industry, scopes: tuple[str, ...]) -> str:
    """Draw a classification: three in four within the declared business, the rest from any industry."""
    own = scopes or industry.ipc_subclasses
    pool = own if rng.random() < 0.75 else rng.choice(INDUSTRIES).ipc_subclasses
    return f"{rng.choice(pool)} {rng.randint(1, 99)}/{rng.randrange(100):02d}"


def _granted_on(rng: random.Random, patent_type: str, filed_on: date) -> date | None:
    wait = rng.randint(500, 900) if patent_type == "发明" else rng.randint(150, 320)
    granted_on = filed_on + timedelta(days=wait)
    return granted_on if granted_on <= LAST_DAY and rng.random() < 0.7 else None


def patents(
    rng: random.Random, number: int, enterprise: Enterprise, industry: Industry, years: Mapping[int, YearOfBusiness]
) -> list[Application]:
    """Draw national applications of 2022 to mid-2025, more with more R&D; record numbers are given later."""
    found: list[Application] = []
    for year in (2022, 2023, 2024, 2025):
        first, last = max(date(year, 1, 1), enterprise.founded_on), min(date(year, 12, 31), LAST_DAY)
        budget = years.get(min(year, 2024))
        if budget is None or first > last:
            continue
        count = min(40, int((budget.rd_expense / 1e8) ** 0.5 * rng.random() * 2.2 * ((last - first).days + 1) / 365))
        for _ in range(count):
            patent_type = rng.choices(("发明", "实用新型", "外观设计"), (50, 40, 10))[0]
            filed_on = day_between(rng, first, last)
            granted_on = _granted_on(rng, patent_type, filed_on)
            found.append(
                Application(
                    record_no=0,
                    number=f"CN{year}{'1' if patent_type == '发明' else '2'}9{number:04d}{len(found):03d}",
                    applicants=enterprise.name_on(filed_on),
                    owners=(enterprise.uscc,),
                    patent_type=patent_type,
                    ipc=None if patent_type == "外观设计" else _ipc(rng, industry, enterprise.scopes),
                    filed_on=filed_on,
                    granted_on=granted_on,
                    legal_status="授权" if granted_on else "审中",
                )
            )
    return found


def pcts(
    rng: random.Random, number: int, enterprise: Enterprise, industry: Industry, years: Mapping[int, YearOfBusiness]
) -> list[Application]:
    """Draw PCT applications of the firms that spend more than 5 M yuan a year on R&D, one in five of them."""
    if max(year.rd_expense for year in years.values()) < 500_000_000 or rng.random() > 0.25:
        return []
    found: list[Application] = []
    for k in range(rng.randint(1, 5)):
        filed_on = day_between(rng, max(FIRST_DAY, enterprise.founded_on), LAST_DAY)
        ipc = _ipc(rng, industry, enterprise.scopes)
        name = enterprise.name_on(filed_on)
        international_no = f"PCT/CN{filed_on.year}/9{number:04d}{k}"
        found.append(Application(0, international_no, name, (enterprise.uscc,), "PCT", ipc, filed_on))
    return found
