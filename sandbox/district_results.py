"""What one enterprise of the district has achieved: software, standards, products, titles, contests, people."""

import hashlib
import random
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from typing import Final

from sandbox.district_feeds import LISTS
from sandbox.district_finance import day_between
from sandbox.district_works import LAST_DAY, several
from sandbox.draft import Topics
from sandbox.model import (
    Application,
    ContestResult,
    Cooperation,
    Enterprise,
    Person,
    Platform,
    Product,
    Registration,
    Repair,
    Standard,
    State,
    Talent,
    Title,
)

_PLATFORM_KINDS: Final = {
    "engineering_centre": 6,
    "enterprise_technology_centre": 5,
    "key_laboratory": 2,
    "new_rd_institution": 1,
    "doctor_station": 2,
    "postdoc_station": 2,
    "academician_station": 1,
}
# How many in a thousand hold it, and for how many years a certificate is good.
_TITLES: Final = {
    "tech_sme": (550, 1),
    "innovative_sme": (260, 3),
    "hnte": (420, 3),
    "specialised_sme": (130, 3),
    "little_giant": (35, 3),
    "champion": (8, 3),
}
_BASES: Final = ("strategic_industry", "overseas_family", "ten_years", "pledge", "award")


_NEWEST: Final = LISTS[-1]
_PROGRAMMES: Final = {
    "national": "国家级人才计划（样例）",
    "provincial": "省级人才计划（样例）",
    "city": "市级人才计划（样例）",
    "zone": "区级人才计划（样例）",
}


def kinds_of_platforms(rng: random.Random, _: int, enterprise: Enterprise) -> Iterator[Platform]:
    """Draw what each platform is."""
    kinds, weights = tuple(_PLATFORM_KINDS), tuple(_PLATFORM_KINDS.values())
    return (platform._replace(kind=rng.choices(kinds, weights)[0]) for platform in enterprise.platforms)


def legal_state(rng: random.Random, application: Application) -> Application:
    """Draw what became of a granted invention: one in 14 has lapsed, two in five are of high value."""
    if application.granted_on is None or application.patent_type != "发明":
        return application
    basis = rng.choice(_BASES) if rng.random() < 0.4 else None
    lapsed_on: date | None = None
    if rng.random() < 0.07 and application.granted_on < LAST_DAY:
        lapsed_on = day_between(rng, application.granted_on + timedelta(days=1), LAST_DAY)
    status = "失效" if lapsed_on else application.legal_status
    return application._replace(high_value_basis=basis, lapsed_on=lapsed_on, legal_status=status)


def registrations(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[Registration]:
    """Draw software copyrights and layouts, most of all of software firms; record numbers are given later."""
    is_software = enterprise.industry_code in ("I65", "I64")
    for k in several(rng, 0.85, 12) if is_software else several(rng, 0.3, 5):
        registered_on = day_between(rng, max(date(2017, 1, 1), enterprise.founded_on), LAST_DAY)
        is_layout = enterprise.industry_code == "C39" and rng.random() < 0.3
        yield Registration(
            record_no=0,
            registration_no=f"{registered_on.year}{'BS' if is_layout else 'SR'}{number:04d}{k:03d}",
            kind="ic_layout" if is_layout else "software",
            title=f"{'布图设计' if is_layout else '管理软件'}V{k + 1}.0",
            owner_name=enterprise.name_on(registered_on),
            owners=(enterprise.uscc,),
            registered_on=registered_on,
        )


def standards(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[Standard]:
    """Draw standards drafted (one enterprise in seven); one in 15 has been withdrawn since."""
    for k in several(rng, 0.15, 4):
        level = rng.choices(("international", "national", "industry", "group"), (1, 5, 6, 8))[0]
        published_on = day_between(rng, max(date(2015, 1, 1), enterprise.founded_on), date(2025, 6, 1))
        withdrawn_on = day_between(rng, published_on, LAST_DAY) if rng.random() < 0.07 else None
        prefix = {"international": "ISO", "national": "GB/T", "industry": "SJ/T", "group": "T/YL"}[level]
        name = enterprise.name_on(published_on)
        role = rng.choice(("lead", "join"))
        standard_no = f"{prefix} 9{number:04d}{k}-{published_on.year}"
        yield Standard(standard_no, name, level, role, published_on, withdrawn_on)


def products(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[Product]:
    """Draw recognised products (one enterprise in six), good for three years."""
    for k in several(rng, 0.17, 4):
        recognised_on = day_between(rng, max(date(2021, 1, 1), enterprise.founded_on), date(2025, 6, 15))
        kind = "first_set" if rng.random() < 0.2 else "famous_high_tech_product"
        yield Product(f"CP-{number:04d}-{k}", kind, recognised_on, recognised_on + timedelta(days=1_095))


def titles(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[Title]:
    """Draw certificates: some run out before the business date, one in 50 is revoked."""
    for title, (in_thousand, years) in _TITLES.items():
        if rng.randrange(1_000) >= in_thousand:
            continue
        first = date(2025 - years, 3, 1)
        issued_on = day_between(rng, max(first, enterprise.founded_on), date(2025, 6, 20))
        ends_on = date(issued_on.year, 12, 31) if years == 1 else issued_on + timedelta(days=365 * years)
        revoked_on = day_between(rng, issued_on, LAST_DAY) if rng.random() < 0.02 else None
        yield Title(f"ZS-{title[:2].upper()}-{number:04d}", title, issued_on, ends_on, revoked_on)


def results(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[ContestResult]:
    """Draw places in contests and challenge projects (one enterprise in five) under the name of the day."""
    for k in several(rng, 0.2, 3):
        level = rng.choices(("national", "provincial", "city", "zone"), (1, 4, 6, 6))[0]
        is_challenge = level != "national" and rng.random() < 0.2
        place = rng.choices(("1", "2", "3", "finalist", "other"), (2, 3, 4, 5, 3))[0]
        held_on = day_between(rng, max(date(2022, 6, 1), enterprise.founded_on), date(2025, 6, 15))
        contest = "揭榜挂帅（样例）" if is_challenge else f"创新创业大赛（样例）{held_on.year}"
        kind = "challenge" if is_challenge else "contest"
        name = enterprise.name_on(held_on)
        yield ContestResult(f"DS-{number:04d}-{k}", contest, level, kind, place, name, held_on)


def cooperations(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[Cooperation]:
    """Draw joint projects and science envoys (one enterprise in five); half of them have an end."""
    for k in several(rng, 0.22, 3):
        started_on = day_between(rng, max(date(2021, 1, 1), enterprise.founded_on), date(2025, 6, 10))
        ended_on = started_on + timedelta(days=rng.choice((365, 730, 1_095))) if rng.random() < 0.5 else None
        kind = rng.choices(("joint_project", "science_envoy"), (3, 1))[0]
        yield Cooperation(f"HZ-{number:04d}-{k}", kind, "外地样例大学", started_on, ended_on)


def repairs(rng: random.Random, _: int, enterprise: Enterprise) -> Iterator[Repair]:
    """Draw decisions on repair: granted for two removed events in three, refused for one of the others in six."""
    for event in enterprise.events:
        if event.removed_on is None:
            if rng.random() > 0.17:
                continue
            decided_on, result = event.decided_on + timedelta(days=20), "refused"
        elif rng.random() < 0.67:
            decided_on, result = event.removed_on, "granted"
        else:
            continue
        number = f"XF-{event.event_no[3:]}"
        updated_at = f"{decided_on}T15:{rng.randrange(60):02d}:00+08:00"
        yield Repair(number, event.event_no, decided_on - timedelta(days=10), decided_on, result, updated_at)


def addresses(rng: random.Random, number: int, enterprise: Enterprise) -> tuple[State, ...]:
    """Draw one move of domicile (one enterprise in 25): an address is dated and decides nothing."""
    earliest = max(enterprise.founded_on + timedelta(days=100), date(2018, 1, 1))
    if rng.random() > 0.04 or earliest > date(2025, 1, 1):
        return ()
    moved_on = day_between(rng, earliest, date(2025, 6, 1))
    before, after = f"样例路{number % 90 + 1}号", f"样例园{number % 30 + 1}栋"
    return (
        State("address", before, enterprise.founded_on, moved_on - timedelta(days=1)),
        State("address", after, moved_on),
    )


def _person(rng: random.Random, key: str, enterprise: Enterprise, degree: str, title: str, skill: str) -> Person:
    """Draw one person's dates; one in 12 has left, one in 40 is on the earlier list alone."""
    first = max(enterprise.founded_on, date(2008, 1, 1))
    joined_on = day_between(rng, first, date(2025, 5, 20))
    left_on = day_between(rng, joined_on, _NEWEST) if rng.random() < 0.08 else None
    return Person(
        person_hash=hashlib.sha256(key.encode()).hexdigest(),
        degree=degree,
        is_postdoc=degree == "doctor" and rng.random() < 0.12,
        title_level=title,
        skill_level=skill,
        joined_on=joined_on,
        left_on=left_on,
        last_listed=LISTS[0] if rng.random() < 0.025 else _NEWEST,
    )


def persons(rng: random.Random, _: int, enterprise: Enterprise) -> Iterator[Person]:
    """Draw the doctors, senior titles and senior technicians, more of them where there are more people."""
    staff = max((row.staff_total or 0 for row in enterprise.headcounts), default=20)
    keys = (f"{enterprise.uscc}:{place}" for place in count())
    for _ in range(min(9, int(rng.expovariate(0.9) + staff / 400))):
        title = "senior" if rng.random() < 0.4 else "middle"
        yield _person(rng, next(keys), enterprise, "doctor", title, "none")
    seniors, degree = min(6, int(rng.expovariate(0.8))), rng.choice(("master", "bachelor"))
    for _ in range(seniors):
        yield _person(rng, next(keys), enterprise, degree, "senior", "none")
    for _ in range(min(6, int(rng.expovariate(1.0)))):
        yield _person(rng, next(keys), enterprise, "other", "none", "senior_technician")


def talents(rng: random.Random, number: int, enterprise: Enterprise) -> Iterator[Talent]:
    """Draw recognised talents (one enterprise in four), under the name borne on the day of recognition."""
    for k in several(rng, 0.26, 3):
        level = rng.choices(tuple(_PROGRAMMES), (1, 3, 5, 6))[0]
        recognised_on = day_between(rng, max(date(2019, 1, 1), enterprise.founded_on), date(2025, 6, 10))
        valid_to = recognised_on + timedelta(days=365 * rng.choice((3, 5))) if rng.random() < 0.8 else None
        left_on = day_between(rng, recognised_on, date(2025, 6, 25)) if rng.random() < 0.06 else None
        employer = enterprise.name_on(recognised_on)
        yield Talent(f"RC-{number:04d}-{k}", level, _PROGRAMMES[level], employer, recognised_on, valid_to, left_on)


NAMED: Final[Topics] = {
    "talents": ("talents", talents),
    "standards": ("standards", standards),
    "contests": ("results", results),
}
"""What stands in its record by the name of the enterprise alone."""
CODED: Final[Topics] = {
    "cooperations": ("cooperations", cooperations),
    "products": ("products", products),
    "titles": ("titles", titles),
    "repairs": ("repairs", repairs),
    "addresses": ("states", addresses),
    "platform_kinds": ("platforms", kinds_of_platforms),
}
"""What stands in its record by the code of the enterprise."""
