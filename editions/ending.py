"""What ends soon: parameters, rule sets and calendars in the seeds, and consents that an edition's extracts rest on."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from editions.sql_text import exactly, literal
from editions.working_days import SEEDS, published_years
from ledger.files import read_csv

WITHIN_DAYS = 90
NEEDED = ("reference_rates", "rulesets")
"""Seeds that a night needs: they are also reported after they have ended."""
RULESETS = SEEDS.parent / "rulesets" / "rulesets.csv"
_ITEMS = {
    "reference_rates": "rate",
    "products": "product_id",
    "policies": "policy_id",
    "rewards": "reward_id",
    "public_lists": "list_id",
    "restriction_measures": "measure_id",
    "market_parameters": "parameter",
    "subsidy_programmes": "kind",
    "pool_terms": "pool_id",
    "pool_agreements": "agreement_id",
}
"""Seeds of the programme whose rows have a last day, and the column in which a later row has the same value."""

_CONSENTS = """
with newest as (
    select recipient, uscc, max(coalesce(consent_valid_to, date '9999-12-31')) as last_day
    from read_parquet({files}, union_by_name = true)
    where consent_id is not null and (consent_withdrawn_on is null or consent_withdrawn_on > date {day})
    group by all
)
select recipient, count(*), min(last_day)
from newest
where last_day between date {day} and date {until}
group by recipient
order by recipient"""


Ending = tuple[date, str]
"""A last day, and the line that says of what, with the next command."""


def ending(day: date, edition: Path | None, seeds: Path = SEEDS, rulesets: Path = RULESETS) -> list[Ending]:
    """What ends within 90 days of this day and has no later row; of what a night needs also what has ended."""
    return [*_of_seeds(day, seeds, rulesets), *(_of_consents(day, edition) if edition else ())]


def _of_seeds(day: date, seeds: Path, rulesets: Path) -> Iterator[Ending]:
    until = day + timedelta(days=WITHIN_DAYS)
    named = [(seeds / f"{name}.csv", column, "jifen programme check") for name, column in _ITEMS.items()]
    for path, column, check in (*named, (rulesets, "scheme", "jifen ruleset check")):
        ends: dict[date, list[str]] = {}
        for item, last in _last_days(path, column).items():
            if last <= until and (last >= day or path.stem in NEEDED):
                ends.setdefault(last, []).append(item)
        for last, items in sorted(ends.items()):
            what = f"{path.stem}: {', '.join(items)}{_ends(last, day)}"
            yield last, f"{what}. Next: add a later row to {path.name}, {check}"
    last = date(max(published_years(seeds), default=day.year - 1), 12, 31)
    if last <= until:
        added = "working_years.csv and working_day_exceptions.csv"
        text = f"calendar of working days{_ends(last, day)}. Next: add the next year to {added}, jifen programme check"
        yield last, text


def _ends(last: date, day: date) -> str:
    return f": the last day {'was' if last < day else 'is'} {last}"


def _last_days(path: Path, column: str) -> dict[str, date]:
    """The last day of each item of a seed; an item of which a row is open has none."""
    found: dict[str, date] = {}
    for row in read_csv(path):
        last = date.fromisoformat(row["valid_to"]) if row["valid_to"] else date.max
        found[row[column]] = max(last, found.get(row[column], date.min))
    return found


def _of_consents(day: date, edition: Path) -> Iterator[Ending]:
    import duckdb

    files = ", ".join(exactly(path) for path in sorted((edition / "extracts").glob("*.parquet")))
    if not files:
        return
    until = day + timedelta(days=WITHIN_DAYS)
    # Literals in place of parameters: at its first parameter duckdb imports pandas, which takes a third of a second.
    query = _CONSENTS.format(files=f"[{files}]", day=literal(day), until=literal(until))
    with duckdb.connect() as connection:
        for recipient, count, first in connection.execute(query).fetchall():
            plural = "" if count == 1 else "s"
            yield (
                first,
                f"consents to {recipient}: those of {count:,} enterprise{plural}, the first until {first}. "
                "Next: have them renewed; rows of an ended one are not sent any more",
            )
