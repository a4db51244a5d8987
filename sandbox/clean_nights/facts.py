"""What each agency knows on a day: the district's records, cut back to what had happened by then."""

# ruff: noqa: S608  # SQL of our own table over made-up records

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import duckdb

from connectors.changes import kind_of
from connectors.spec import Dataset
from ledger.files import read_csv

SEASONS: Final = Path(__file__).with_name("seasons.csv")
LATE_ONE_IN, CORRECTED_ONE_IN, WITHDRAWN_ONE_IN = 20, 200, 1000
"""One record in so many comes up to six weeks late, has a figure that is corrected later, is withdrawn later."""


@dataclass(frozen=True)
class Season:
    """How the records of a dataset come to be known.

    `known_on` is the day of a record; `not_yet` are columns as they stand on `{day}`; the agency's list is of
    each `day`, of the last Monday (`week`) or of the first of the `month`. `earlier` repeats the first period back in
    time.
    """

    dataset: str
    known_on: str
    not_yet: str
    rhythm: str
    earlier: str


def read_seasons() -> dict[str, Season]:
    """Every season, by dataset; a dataset without one never changes."""
    return {row["dataset"]: Season(**row) for row in read_csv(SEASONS)}


def records_sql(season: Season | None, dataset: Dataset, landed: Path, seed: int) -> str:
    """A query for all records of a dataset, with `_drawn`, a hash of each by which its lot is drawn."""
    landed_rows = f"read_parquet('{landed}', hive_partitioning = false)"
    parts = [f"from {landed_rows} where not _deleted"]
    if season is not None and season.earlier:
        count, _, rest = season.earlier.partition(" of ")
        period, _, sets = rest.partition(": ")
        least = f"select min({period}) from {landed_rows}"
        first = f"from {landed_rows} where not _deleted and {period} = ({least})"
        for k in range(1, int(count) + 1):
            moved = ", ".join(f"{value} as {name}" for name, value in _sets(sets.format(k=k)))
            parts.append(f"select * replace ({moved}) {first}")
    whole = " union all by name ".join(f"({part})" for part in parts)
    return f"select *, hash({seed}, {', '.join(dataset.key)}) as _drawn from ({whole})"


def known_sql(season: Season | None, dataset: Dataset, records: str, day: date) -> str:
    """A query for what the agency's list holds on a day, with the lineage of that day's batch."""
    lineage = f"'{day}-001' as _batch, date '{day}' as _learned_on"
    if season is None:
        return f"select * exclude (_drawn) replace ({lineage}) from {records}"
    today = f"cast(date_trunc('{season.rhythm}', date '{day}') as date)"
    late = f"case when _drawn % {LATE_ONE_IN} = 0 then cast(_drawn // 64 % 42 as integer) else 0 end"
    replaced = dict(_sets(season.not_yet.replace("{day}", today)))
    numbers = (one.name for one in dataset.columns if kind_of(one) == "number" and one.name not in dataset.key)
    number = next((name for name in numbers if name.endswith("_cny")), None)
    if number is not None and number not in replaced:
        put_right = f"_known + 10 + cast(_drawn // 128 % 300 as integer) > {today}"
        replaced[number] = (
            f"case when _drawn % {CORRECTED_ONE_IN} = 1 and {put_right} then cast({number} * 0.93 as decimal(20, 2)) "
            f"else {number} end"
        )
    changed = "".join(f", {value} as {name}" for name, value in replaced.items())
    gone = "false"
    if dataset.load == "snapshot" and dataset.address != "science.enterprises":
        gone = f"_drawn % {WITHDRAWN_ONE_IN} = 2 and _known + 60 + cast(_drawn // 256 % 300 as integer) <= {today}"
    return f"""select * exclude (_drawn, _known) replace ({lineage}{changed})
        from (select *, {season.known_on} + {late} as _known from {records})
        where _known <= {today} and not ({gone})"""


def _sets(text: str) -> Iterator[tuple[str, str]]:
    for one in text.split(";"):
        if one:
            name, _, value = one.partition("=")
            yield name, value


def write_known(db: duckdb.DuckDBPyConnection, query: str, dataset: Dataset, before: Path | None, target: Path) -> None:
    """Write what is known; of a change feed only the records that differ from those of the file `before`."""
    if before is not None and dataset.load == "upsert":
        facts = ", ".join(column.name for column in dataset.columns)
        query = f"from ({query}) where hash({facts}) not in (select hash({facts}) from read_parquet('{before}'))"
    db.execute(f"copy (from ({query}) order by {', '.join(dataset.key)}) to '{target}' (format parquet)")
