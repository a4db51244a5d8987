"""Whether the first delivery of a dataset looks like one: of this zone, in this unit, of this period.

The SQL names only columns of the source file (`^[a-z][a-z0-9_]*$`); paths and values never stand in it.
"""

# ruff: noqa: S608  # see above

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic import Field

from connectors.changes import EXAMPLES
from connectors.settle import Db, count_of, database, values_of
from connectors.spec import NUMBERS, Dataset, First, Freshness, Percent
from connectors.strict import Strict
from ledger.yaml_file import read_yaml

LIMITS_FILE = Path(__file__).with_name("first_limits.yml")


class Register(Strict):
    """The list of enterprises by which codes are known: `source.dataset`, and the column of the code."""

    dataset: str
    column: str


class FirstLimits(Strict):
    """The shipped limits."""

    known_by: Register
    least: int = Field(gt=0)
    known_pct: Percent
    refused_pct: Percent
    freshness_times: int = Field(gt=0)


@cache
def first_limits() -> FirstLimits:
    """The limits of `first_limits.yml`."""
    return FirstLimits.model_validate(read_yaml(LIMITS_FILE.read_bytes()))


def first_doubts(
    dataset: Dataset, fresh: Path, register: Path | None, received: int, refused: int, counts: dict[str, int]
) -> tuple[list[str], dict[str, list[str]]]:
    """What a first batch has that it should not, a sentence each, and some codes that the register does not know.

    `register` is the landed list of enterprises, None where there is none yet. `counts` are those of the delivery.
    """
    limits, first = first_limits(), dataset.first or First()
    doubts, examples = [], dict[str, list[str]]()
    if refused >= limits.least and 100 * refused > limits.refused_pct * received:
        doubts.append(f"refused {refused:,} of {received:,}, at most {limits.refused_pct} % allowed")
    if (total := counts.get("over_ceiling")) is not None:
        doubts.append(f"records {total:,}, at most {dataset.volume.ceiling:,} of a healthy one")
    if isinstance(dataset.freshness, Freshness):
        old = counts.get(f"stale:{dataset.freshness.column}", 0)
        most = first.newest_days or limits.freshness_times * dataset.freshness.days
        if old > most:
            doubts.append(f"newest {dataset.freshness.column} {old:,} days ago, at most {most:,} allowed")
    with database(fresh.parent) as db:
        db.from_parquet(str(fresh)).create_view("fresh_file")
        db.execute("create view fresh as from fresh_file where not _deleted")
        doubts += [*_empty(db, dataset, limits.least), *_medians(db, first, limits.least)]
        if register is not None and dataset.codes and dataset.address != limits.known_by.dataset:
            db.from_parquet(str(register)).create_view("register")
            least_known = limits.known_pct if first.known_pct is None else first.known_pct
            unknown, codes = _unknown(db, dataset.codes[0].name, limits)
            if codes >= limits.least and 100 * (codes - len(unknown)) < least_known * codes:
                known = f"{codes - len(unknown):,} of {codes:,}"
                doubts.append(f"codes in {limits.known_by.dataset} {known}, at least {least_known} % expected")
                examples[f"unknown:{dataset.codes[0].name}"] = unknown[:EXAMPLES]
    return doubts, examples


def _empty(db: Db, dataset: Dataset, least: int) -> Iterator[str]:
    """Not one number in any record: they stand elsewhere. That one column of several is empty is an agency's custom."""
    numbers = [column.name for column in dataset.columns if column.kind in NUMBERS]
    there = values_of(db, {name: f'count("{name}")' for name in numbers}, "fresh")
    if there and not any(there.values()) and count_of(db, "select count(*) from fresh") >= least:
        yield f"no value in any of {', '.join(numbers)}"


def _medians(db: Db, first: First, least: int) -> Iterator[str]:
    """The declared medians that lie elsewhere: yuan for ten thousand yuan moves one by a factor of ten thousand."""
    for name, (low, high) in first.medians.items():
        query = f'select count("{name}"), cast(median(abs("{name}")) as double) from fresh where "{name}" <> 0'
        ((count, median),) = db.execute(query).fetchall()
        if count >= least and not float(low) <= median <= float(high):
            yield f"median of {name} {median:,.2f}, from {low:,} to {high:,} expected"


def _unknown(db: Db, column: str, limits: FirstLimits) -> tuple[list[str], int]:
    """The codes that the register does not know, and how many there are in all."""
    rows = db.execute(
        f"""select code, register."{limits.known_by.column}" is null
        from (select distinct "{column}" as code from fresh where "{column}" is not null)
        left join (select distinct "{limits.known_by.column}" from register) as register
            on code = register."{limits.known_by.column}" order by code"""
    ).fetchall()
    return [str(code) for code, is_unknown in rows if is_unknown], len(rows)
