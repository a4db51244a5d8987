"""Working days of the dated calendar in `seeds/programme`: for deadlines of recipients."""

import csv
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

from ledger.settings import PROJECT_DIR

SEEDS = PROJECT_DIR / "dbt_project" / "seeds" / "programme"


def add_working_days(day: date, count: int, folder: Path = SEEDS) -> date | None:
    """The `count`th working day after `day`; None where that is beyond the published calendar."""
    exceptions, years = read_exceptions(folder), published_years(folder)
    while count:
        day += timedelta(days=1)
        if day.year not in years:
            return None
        count -= is_working(day, exceptions)
    return day


def is_working(day: date, exceptions: Mapping[date, bool]) -> bool:
    """Whether a day is a working day: by the State Council's exceptions, else Monday to Friday."""
    return exceptions.get(day, day.isoweekday() <= 5)


def read_exceptions(folder: Path = SEEDS) -> dict[date, bool]:
    """The published exceptions: whether each of these days is a working day."""
    with (folder / "working_day_exceptions.csv").open(encoding="utf-8-sig", newline="") as handle:
        return {date.fromisoformat(row["day"]): row["is_working"] == "true" for row in csv.DictReader(handle)}


def published_years(folder: Path = SEEDS) -> set[int]:
    """The years whose calendar is published."""
    with (folder / "working_years.csv").open(encoding="utf-8-sig", newline="") as handle:
        return {int(row["year"]) for row in csv.DictReader(handle)}
