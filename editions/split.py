"""What moved each enterprise between two editions, split by cause: the differences of neighbouring replays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from editions.sql_text import sealed_table
from ledger.files import PART

OTHERS = "others"
"""The cause of places that moved without the enterprise's own score: others passed it, or fell behind."""
SPLIT_SCHEMA = pa.schema(
    {
        "uscc": pa.string(),
        "place": pa.int32(),
        "cause": pa.string(),
        "points": pa.decimal128(18, 6),
        "score": pa.decimal128(9, 4),
        "places": pa.int64(),
    }
)
"""One row for each enterprise and cause, in the order of the replay; `places` is null where it was or is not ranked.

`places` is by how many places the enterprise rose; points, score and places add up to its whole change.
"""

Standing = Mapping[str, tuple[Decimal, Decimal, int | None]]
"""The result of one replay: points, score and place of each enterprise; no place where it is not ranked."""
NOTHING = (Decimal(0), Decimal(0), None)


class SplitError(AssertionError):
    """The parts of a split do not add up: a fault of jifen."""


@dataclass(frozen=True)
class Step:
    """A state of the replay, and the cause that led to it from the state before; None of the first."""

    cause: str | None
    standing: Standing


def read_standing(relation: str, connection: duckdb.DuckDBPyConnection) -> Standing:
    """The standing in a table of rankings; `relation` is a part of a query, never a text from outside."""
    query = f"select uscc, points_total, score, rank_overall from {relation}"  # noqa: S608  # names from this module
    zero = Decimal(0)
    return {
        str(uscc): (zero if points is None else points, zero if score is None else score, rank)
        for uscc, points, score, rank in connection.execute(query).fetchall()
    }


def sealed_standing(edition: Path) -> Standing:
    """The standing in a sealed edition."""
    with duckdb.connect() as connection:
        return read_standing(sealed_table(edition, "rankings"), connection)


def built_standing(warehouse: Path) -> Standing:
    """The standing in a candidate's warehouse."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return read_standing("rankings", connection)


def split(steps: Sequence[Step]) -> pa.Table:
    """What each cause did to each enterprise, in the columns of `SPLIT_SCHEMA`.

    An enterprise that a state does not have counts as 0 points there. The places of a cause are those by which the
    enterprise's own new score would have moved it among the scores before; the rest of all steps is `others`. Raises
    `SplitError` where the parts of one enterprise do not add up.
    """
    codes = sorted({code for step in steps for code in step.standing})
    rows: list[dict[str, Any]] = []
    own = [_own_places(before.standing, after.standing) for before, after in pairwise(steps)]
    for code in codes:
        rows += _of_one(code, steps, own)
    _require_sums(rows, steps[0].standing, steps[-1].standing)
    return pa.Table.from_pylist(rows, SPLIT_SCHEMA)


def _of_one(code: str, steps: Sequence[Step], own: Sequence[Mapping[str, int]]) -> list[dict[str, Any]]:
    states = [step.standing.get(code, NOTHING) for step in steps]
    is_ranked = states[0][2] is not None and states[-1][2] is not None
    found, moved = [], 0
    for number, (before, after) in enumerate(pairwise(states)):
        places = own[number].get(code, 0) if is_ranked else None
        moved += places or 0
        points, score = after[0] - before[0], after[1] - before[1]
        # An enterprise that entered or left the ranking has a row, whatever its points did.
        if points or score or places or (before[2] is None) != (after[2] is None):
            change = {"cause": steps[number + 1].cause, "points": points, "score": score, "places": places}
            found.append({"uscc": code, "place": number, **change})
    whole = (states[0][2] or 0) - (states[-1][2] or 0)
    if is_ranked and whole != moved:
        zero = Decimal(0)
        others: dict[str, Any] = {"cause": OTHERS, "points": zero, "score": zero, "places": whole - moved}
        found.append({"uscc": code, "place": len(steps), **others})
    return found


def _own_places(before: Standing, after: Standing) -> dict[str, int]:
    """By how many places each enterprise would have risen if it alone had got its new score."""
    ranked = {code: score for code, (_, score, rank) in before.items() if rank is not None}
    scores = np.sort(np.array([int(score.scaleb(4)) for score in ranked.values()], dtype=np.int64))
    found = {}
    for code, old in ranked.items():
        _, new, place = after.get(code, NOTHING)
        if place is not None and new != old:
            # Those with a higher score than its new one, without itself: its old score may be among them.
            above = len(scores) - int(np.searchsorted(scores, int(new.scaleb(4)), side="right"))
            above -= int(old > new)
            found[code] = (len(scores) - int(np.searchsorted(scores, int(old.scaleb(4)), side="right"))) - above
    return found


def _require_sums(rows: Sequence[Mapping[str, Any]], then: Standing, now: Standing) -> None:
    sums: dict[str, list[Any]] = {}
    for row in rows:
        one = sums.setdefault(row["uscc"], [Decimal(0), Decimal(0), 0])
        one[0] += row["points"]
        one[1] += row["score"]
        one[2] += row["places"] or 0
    for code in then.keys() | now.keys():
        before, after, parts = then.get(code, NOTHING), now.get(code, NOTHING), sums.get(code, [0, 0, 0])
        places = parts[2] if before[2] is None or after[2] is None else before[2] - after[2]
        if [after[0] - before[0], after[1] - before[1], places] != parts:
            raise SplitError(f"the parts of {code} do not add up: {parts}. Whose: jifen. Next: report it")


def write_split(table: pa.Table, path: Path) -> None:
    """Write a split beside the editions in one step: readers see all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}{PART}")
    pq.write_table(table, draft, compression="zstd")
    draft.replace(path)
