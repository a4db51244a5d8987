"""Working days of the dated calendar in `seeds/programme`: for deadlines of recipients."""

from datetime import date, timedelta
from pathlib import Path

from ledger.files import read_csv
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
    # A sheet writes TRUE, and the programme's check accepts what the night reads as true.
    is_true = ("true", "t", "1")
    rows = read_csv(SEEDS / "working_day_exceptions.csv")
    return {date.fromisoformat(row["day"]): row["is_working"].lower() in is_true for row in rows}


def published_years(folder: Path) -> set[int]:
    """The years whose calendar is published."""
    return {int(row["year"]) for row in read_csv(folder / "working_years.csv")}
