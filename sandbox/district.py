"""The seeded district: 702 invented enterprises over three fiscal years, the same bytes each time."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from sandbox import district_finance as finance
from sandbox import district_works as works
from sandbox.codes import make_code
from sandbox.district_faults import plant_all
from sandbox.district_feeds import FEEDS, feed
from sandbox.district_kin import CALLS
from sandbox.district_local import add_local_facts
from sandbox.district_market import add_market
from sandbox.district_money import add_money
from sandbox.draft import Draft
from sandbox.feeds import Feeds
from sandbox.industries import INDUSTRIES, WEIGHTS, Industry
from sandbox.model import Application, District, Enterprise, Name
from sandbox.names import body_name, company_name

AS_OF: Final = date(2025, 6, 30)
ENTERPRISES: Final = 702
SEED: Final = 20250630

# Department and institution type of the code, where it is not 91 (a company), by place in the register: public
# institutions (12), private non-enterprise bodies (52), co-operatives (93), and departments A, N and Y.
_KINDS: Final = {
    17: "12", 118: "12", 219: "12", 320: "52", 421: "52", 522: "52", 623: "52", 74: "93",
    33: "A1", 134: "A1", 235: "N1", 336: "N1", 437: "N2", 538: "Y1", 639: "Y1",
}  # fmt: skip
# Every 53rd code has the check character "0": 14 of them for sure, beside those that fall so by chance.
_ZERO_CHECK_EVERY: Final = 53


def _founded_on(rng: random.Random) -> date:
    luck = rng.random()
    if luck < 0.1:
        return finance.day_between(rng, date(2023, 1, 1), date(2024, 10, 31))
    if luck < 0.32:
        return finance.day_between(rng, date(2018, 1, 1), date(2022, 12, 31))
    return finance.day_between(rng, date(1996, 1, 1), date(2017, 12, 31))


def _names(rng: random.Random, number: int, kind: str, trade: str, founded_on: date) -> tuple[Name, ...]:
    """Draw the name history: one enterprise in six was renamed, one in 40 twice."""
    make = body_name if kind in ("12", "52") else company_name
    luck = rng.random()
    renames = 2 if luck < 0.025 else 1 if luck < 0.165 else 0
    earliest = max(founded_on + timedelta(days=200), date(2019, 1, 1))
    if earliest > date(2024, 6, 1):
        renames = 0
    turns = sorted({finance.day_between(rng, earliest, date(2025, 3, 31)) for _ in range(renames)})
    starts = [founded_on, *turns]
    ends = [turn - timedelta(days=1) for turn in turns]
    texts = [make(1_000 * (len(turns) - place) + number, trade) for place in range(len(starts))]
    return tuple(Name(text, start, end) for text, start, end in zip(texts, starts, [*ends, None], strict=True))


def _identity(draft: Draft, number: int) -> tuple[Enterprise, Industry]:
    rng = draft.stream("identity", number)
    industry = rng.choices(INDUSTRIES, WEIGHTS)[0]
    founded_on = _founded_on(rng)
    kind = _KINDS.get(number, "91")
    uscc = make_code(rng, kind, is_old=founded_on < date(2015, 10, 1), ends_with_zero=number % _ZERO_CHECK_EVERY == 1)
    declared = rng.random() < 0.9
    scopes = rng.sample(industry.ipc_subclasses, rng.randint(1, min(4, len(industry.ipc_subclasses))))
    enterprise = Enterprise(
        uscc=uscc,
        names=_names(rng, number, kind, industry.trade, founded_on),
        founded_on=founded_on,
        industry_code=industry.code,
        industry_name=industry.name,
        member_from=min(date(2024, 12, 1), max(founded_on, date(2012 + rng.randrange(12), 1, 1))),
        # Leading zeros: a reader that takes it for a number loses them.
        unit_no=f"00752{number * 37 % 100_000:05d}",
        scopes=tuple(sorted(scopes)) if declared else (),
    )
    return enterprise, industry


def _enterprise(draft: Draft, number: int) -> tuple[Enterprise, list[Application], list[Application]]:
    """Make one enterprise whole, with its patent and PCT applications."""
    stream = draft.stream
    identity, industry = _identity(draft, number)
    founded_on = identity.founded_on
    years = finance.business_years(stream("business", number), industry, founded_on)
    # Young firms always file: a missing return of a firm under two years old is a planted edge, never a drawn one.
    may_miss = founded_on < date(2022, 1, 1)
    filed = finance.filings(stream("filings", number), stream("costs", number), years, may_miss=may_miss)
    is_insured = stream("insured", number).random() < 0.97
    people = tuple(finance.headcounts(stream("people", number), years, industry, founded_on))
    enterprise = draft.drawn(identity, number, works.TOPICS)
    enterprise = replace(
        enterprise,
        filings=filed,
        deductions=finance.deductions(stream("deductions", number), filed),
        headcounts=people if is_insured else (),
        torch_reports=tuple(finance.torch_reports(stream("torch", number), years)),
        loans=tuple(works.loans(stream("loans", number), number, enterprise)),
    )
    patents = works.patents(stream("patents", number), number, enterprise, industry, years)
    pcts = works.pcts(stream("pcts", number), number, enterprise, industry, years)
    return enterprise, patents, pcts


def _numbered(applications: Sequence[Application], first: int) -> list[Application]:
    """Give record numbers in the order of filing, three apart: withdrawn records leave gaps."""
    ordered = sorted(applications, key=lambda application: (application.filed_on, application.number))
    return [application._replace(record_no=first + 3 * place) for place, application in enumerate(ordered)]


def generate(seed: int = SEED, enterprises: int = ENTERPRISES) -> District:
    """Make the district: what is true of each enterprise, then the faults and edges planted on purpose.

    The result depends on the seed and the number of enterprises alone. The faults need about 210 ordinary enterprises
    to stand on; too few raise `NoRoomError`.
    """
    draft = Draft(AS_OF, seed)
    for number in range(enterprises):
        enterprise, patents, pcts = _enterprise(draft, number)
        draft.enterprises[enterprise.uscc] = enterprise
        draft.patents.extend(patents)
        draft.pcts.extend(pcts)
    draft.patents = _numbered(draft.patents, 100_001)
    draft.pcts = _numbered(draft.pcts, 900_001)
    plant_all(draft, {**CALLS, "add_local_facts": add_local_facts})
    add_money(draft)
    add_market(draft)
    return draft.finish()


def cut(district: District) -> Feeds:
    """Cut the district into all feeds."""
    return Feeds(district.as_of, {address: feed(address, district) for address in FEEDS})
