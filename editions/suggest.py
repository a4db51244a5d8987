"""Whom an open name may mean: names of the register ranked by likeness, for a person to decide. Nothing is applied."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from editions.likeness import score_pairs
from editions.name_pairs import keep_candidates, load_names

LEAST_SCORE = Decimal("0.05")
"""Below it nothing is suggested: a name that shares a city and a trade with ours is not like it."""
CONTRADICTING = "contradicting_decisions"
"""The reason for which a code is open of which people decided one thing here and another there."""
REASONS = ("ambiguous", "not_yet_borne", "no_longer_borne", "unknown", CONTRADICTING)
"""Why something stands on the review list: what its model accepts."""
# One with no letter but A-Z is a number or a code: likeness says nothing about those.
_NUMBER = re.compile(r"[0-9A-Z-]+", re.ASCII)


@dataclass(frozen=True)
class OpenItem:
    """One line of the review list; the days are those of its first and last record, None where the record has none.

    `claimed_by` are the codes of those to whom the register gives one number or code, where they are several, or whom
    decisions that contradict each other name.
    """

    source: str
    dataset: str
    identifier: str
    reason: str
    count: int
    record_ref: str | None
    first_mentioned_on: date | None
    last_mentioned_on: date | None
    claimed_by: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """`source.dataset`."""
        return f"{self.source}.{self.dataset}"

    @property
    def is_name(self) -> bool:
        """Whether it is a name, and not an agency's number or a code."""
        return not _NUMBER.fullmatch(self.identifier)


@dataclass(frozen=True)
class Suggestion:
    """One enterprise that an open name may mean: which of its names is alike, when it bore that name, and how alike.

    `score` is a probability between 0 and 1 by the weights of `editions.likeness`; it ranks, and decides nothing. It is
    None where likeness has no part: the register gives them the very number, or a decision does.
    """

    uscc: str
    enterprise_name: str
    borne_by: str
    valid_from: date | None
    valid_to: date | None
    score: Decimal | None
    is_borne_then: bool | None


def business_date(edition: Path) -> date:
    """The business date of an edition: its id begins with it."""
    return date.fromisoformat(edition.name[:10])


def open_items(edition: Path) -> list[OpenItem]:
    """The review list of an edition, what most records hang on first."""
    table = (edition / "tables" / "unmatched_records.parquet").as_posix()
    columns = "source, dataset, identifier, reason, count, record_ref, first_mentioned_on, last_mentioned_on"
    with duckdb.connect(":memory:") as db:
        # An edition that was sealed before claimants were told has no such column.
        rows = db.execute(
            f"""select {columns}, coalesce(claimed_by, '') as claimed_by from (
                select ''::varchar as claimed_by where false
                union all by name
                select * from read_parquet($table, hive_partitioning = false)
            )
            order by count desc, source, dataset, identifier, reason""",  # noqa: S608
            {"table": table},
        ).fetchall()
    return [replace(OpenItem(*row), claimed_by=tuple(filter(None, row[-1].split(";")))) for row in rows]


def codes_held(edition: Path, codes: Iterable[str]) -> dict[str, str]:
    """Those of these codes that the register of an edition has, branches too, and the legal person each counts for."""
    table = (edition / "tables" / "identity_names.parquet").as_posix()
    with duckdb.connect(":memory:") as db:
        rows = db.execute(
            """select distinct borne_by, uscc from read_parquet($table, hive_partitioning = false)
            where list_contains($codes, borne_by)""",
            {"table": table, "codes": sorted(set(codes))},
        ).fetchall()
    return dict(rows)


def suggest(edition: Path, items: Sequence[OpenItem], most: int = 3) -> list[tuple[Suggestion, ...]]:
    """For each item the enterprises it may mean, likeliest first, at most `most`; for a number all who claim it.

    An enterprise stands once, with the name that is most alike. Equal editions and items give equal answers.
    """
    named = [place for place, item in enumerate(items) if item.is_name]
    found = [_claimants(edition, item.claimed_by) for item in items]
    if not named:
        return found
    with duckdb.connect(":memory:", config={"threads": 2}) as db:
        asked = [(place, *_asked(items[place])) for place in named]
        load_names(db, edition / "tables" / "identity_names.parquet", asked)
        keep_candidates(db)
        score_pairs(db)
        for place, best in _best(db, most):
            found[place] = best
    return found


def _claimants(edition: Path, claimed_by: Sequence[str]) -> tuple[Suggestion, ...]:
    if not claimed_by:
        return ()
    table = (edition / "tables" / "identity_names.parquet").as_posix()
    with duckdb.connect(":memory:") as db:
        rows = db.execute(
            """select uscc, enterprise_name, borne_by, valid_from, valid_to, null, null
            from read_parquet($table, hive_partitioning = false)
            where list_contains($codes, uscc) and borne_by = uscc
            qualify row_number() over (
                partition by uscc order by valid_to is null desc, valid_to desc, valid_from desc, enterprise_name
            ) = 1
            order by uscc""",
            {"table": table, "codes": list(claimed_by)},
        ).fetchall()
    return tuple(map(_suggestion, rows))


def _asked(item: OpenItem) -> tuple[str, date | None, date | None]:
    return item.identifier, item.first_mentioned_on, item.last_mentioned_on


def _best(db: duckdb.DuckDBPyConnection, most: int) -> Iterator[tuple[int, tuple[Suggestion, ...]]]:
    rows = db.execute(
        """with by_enterprise as (
            select scored.asked_id, borne.*, scored.score,
                case when asked.from_day is not null
                    then asked.from_day >= borne.from_day and (borne.to_day is null or asked.to_day <= borne.to_day) end
                    as is_borne_then
            from scored
            join borne on scored.borne_id = borne.unique_id
            join asked on scored.asked_id = asked.unique_id
            qualify row_number() over (
                partition by scored.asked_id, borne.uscc order by scored.score desc, is_borne_then desc, borne.unique_id
            ) = 1
        )
        select asked_id, uscc, shown, borne_by, from_day, to_day, score, is_borne_then from by_enterprise
        where score >= $least
        qualify row_number() over (partition by asked_id order by score desc, uscc) <= $most
        order by asked_id, score desc, uscc""",
        {"most": most, "least": LEAST_SCORE},
    ).fetchall()
    grouped: dict[int, list[Suggestion]] = {}
    for place, *facts in rows:
        grouped.setdefault(place, []).append(_suggestion(facts))
    yield from ((place, tuple(some)) for place, some in grouped.items())


def _suggestion(facts: Sequence[Any]) -> Suggestion:
    uscc, name, borne_by, valid_from, valid_to, score, is_borne_then = facts
    return Suggestion(uscc, name, borne_by, valid_from, valid_to, score, is_borne_then)
