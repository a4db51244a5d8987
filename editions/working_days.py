"""Working days of the dated calendar in `seeds/programme`: for deadlines of recipients."""

import csv
from datetime import date, timedelta
from pathlib import Path

from ledger.settings import PROJECT_DIR

SEEDS = PROJECT_DIR / "dbt_project" / "seeds" / "programme"


def add_working_days(day: date, count: int) -> date | None:
    """The `count`th working day after `day`; None where that is beyond the published calendar."""
    exceptions, years = _exceptions(), published_years(SEEDS)
    while count:
        day += timedelta(days=1)
        if day.year not in years:
            return None
        # By the State Council's exceptions, else Monday to Friday.
        count -= exceptions.get(day, day.isoweekday() <= 5)
    return day


def _exceptions() -> dict[date, bool]:
    """The published exceptions: whether each of these days is a working day."""
    with (SEEDS / "working_day_exceptions.csv").open(encoding="utf-8-sig", newline="") as handle:
        # A sheet writes TRUE, and the programme's check accepts what the night reads as true.
        is_true = ("true", "t", "1")
        return {date.fromisoformat(row["day"]): row["is_working"].lower() in is_true for row in csv.DictReader(handle)}


def published_years(folder: Path) -> set[int]:
    """The years whose calendar is published."""
    with (folder / "working_years.csv").open(encoding="utf-8-sig", newline="") as handle:
        return {int(row["year"]) for row in csv.DictReader(handle)}
