"""The terms of public lists: how long they are published, and within how many days an objection is decided."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from editions.programme import read_programme

LEGAL_DECIDE_DAYS = 20
"""Within so many days an objection is verified and answered (征信业管理条例, article 25)."""


class NoListError(LookupError):
    """No public list is in force on a day."""

    state = "not_found"


@dataclass(frozen=True)
class ListTerms:
    """A public list's id and its terms in calendar days; only `publicity_days` counts the first day."""

    list_id: str
    publicity_days: int
    decide_days: int


def decide_days_on(project: Path, day: date) -> int:
    """Within how many days an objection is decided: by the list in force, the strictest of several, or by law."""
    found = _in_force(project, day)
    return min((int(row["decide_days"] or 0) for row in found), default=LEGAL_DECIDE_DAYS)


def terms_on(project: Path, day: date, list_id: str | None = None) -> ListTerms:
    """The list in force on a business date, of this id where there are several. Raises `NoListError` for none."""
    found = [row for row in _in_force(project, day) if list_id in (None, row["list_id"])]
    if len(found) != 1:
        raise NoListError(
            f"{len(found)} public lists {f'of id {list_id} ' if list_id else ''}are in force on {day}, and one is "
            "needed. Whose: config (seeds/programme/public_lists.csv). Next: fix its days, or --list ID"
        )
    (row,) = found
    return ListTerms(str(row["list_id"]), int(row["publicity_days"] or 0), int(row["decide_days"] or 0))


def _in_force(project: Path, day: date) -> list[dict[str, Any]]:
    return [
        row
        for row in read_programme(project).tables["public_lists"]
        if str(row["valid_from"]) <= day.isoformat() <= (row["valid_to"] or "9999-12-31")
    ]
