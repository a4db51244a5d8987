"""Persons and talents of one enterprise of the district: under a hash, or by the employer's name as printed."""

import hashlib
import random
from datetime import date, timedelta
from typing import Final

from sandbox.district_feeds import LISTS
from sandbox.district_finance import day_between
from sandbox.model import Enterprise, Person, Talent

_NEWEST: Final = LISTS[-1]
_PROGRAMMES: Final = {
    "national": "国家级人才计划（样例）",
    "provincial": "省级人才计划（样例）",
    "city": "市级人才计划（样例）",
    "zone": "区级人才计划（样例）",
}


def person(rng: random.Random, key: str, enterprise: Enterprise, degree: str, title: str, skill: str) -> Person:
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


def persons(rng: random.Random, enterprise: Enterprise) -> tuple[Person, ...]:
    """Draw the doctors, senior titles and senior technicians, more of them where there are more people."""
    staff = max((row.staff_total or 0 for row in enterprise.headcounts), default=20)
    found: list[Person] = []

    def add(count: int, degree: str, title: str, skill: str) -> None:
        for _ in range(count):
            key = f"{enterprise.uscc}:{len(found)}"
            found.append(person(rng, key, enterprise, degree, title, skill))

    doctors = min(9, int(rng.expovariate(0.9) + staff / 400))
    for _ in range(doctors):
        add(1, "doctor", "senior" if rng.random() < 0.4 else "middle", "none")
    add(min(6, int(rng.expovariate(0.8))), rng.choice(("master", "bachelor")), "senior", "none")
    add(min(6, int(rng.expovariate(1.0))), "other", "none", "senior_technician")
    return tuple(found)


def talents(rng: random.Random, number: int, enterprise: Enterprise) -> tuple[Talent, ...]:
    """Draw recognised talents (one enterprise in four), under the name borne on the day of recognition."""
    if rng.random() > 0.26:
        return ()
    found: list[Talent] = []
    for k in range(rng.randint(1, 3)):
        level = rng.choices(tuple(_PROGRAMMES), (1, 3, 5, 6))[0]
        first = max(date(2019, 1, 1), enterprise.founded_on)
        recognised_on = day_between(rng, first, date(2025, 6, 10))
        valid_to = recognised_on + timedelta(days=365 * rng.choice((3, 5))) if rng.random() < 0.8 else None
        left_on = day_between(rng, recognised_on, date(2025, 6, 25)) if rng.random() < 0.06 else None
        found.append(
            Talent(
                f"RC-{number:04d}-{k}",
                level,
                _PROGRAMMES[level],
                enterprise.name_on(recognised_on),
                recognised_on,
                valid_to,
                left_on,
            )
        )
    return tuple(found)
