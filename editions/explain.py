"""Why an enterprise has the score it has: its rows out of the sealed tables, put together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Row = dict[str, Any]


class EnterpriseUnknownError(LookupError):
    """An edition has no enterprise of that code."""


@dataclass(frozen=True)
class Explanation:
    """One enterprise in one edition. `ranking` is None, and `indicators` empty, where it was not eligible.

    Each indicator's row joins its catalogue entry (names, class), its points (value, unit, supply status, bin, points,
    maximum, weight) and its reason (points lost, Chinese and English).
    """

    edition_id: str
    enterprise: Row
    ranking: Row | None
    indicators: tuple[Row, ...]


def explain(edition_path: Path, uscc: str) -> Explanation:
    """Put together all that an edition says of one enterprise, from its sealed Parquet.

    Raises `EnterpriseUnknownError` when the code is not in the register of that edition.
    """
    edition = edition_path.resolve()
    code = uscc.strip().upper()
    is_it = ("uscc", "=", code)
    enterprise = next(iter(_rows(edition, "enterprises", is_it)), None)
    if enterprise is None:
        held = pq.read_metadata(edition / "tables" / "enterprises.parquet").num_rows
        raise EnterpriseUnknownError(
            f"{code} is none of the {held} enterprises of edition {edition.name}. Whose: data (mistyped, or not in the "
            "science bureau's register). Look it up by name in tables/enterprises.csv of the edition."
        )
    catalogue = {row["indicator_code"]: row for row in _rows(edition, "indicators")}
    reasons = {row["indicator_code"]: row for row in _rows(edition, "reasons", is_it)}
    points = sorted(_rows(edition, "points", is_it), key=lambda row: str(row["indicator_code"]))
    lines = ({**catalogue[row["indicator_code"]], **reasons[row["indicator_code"]], **row} for row in points)
    ranking = next(iter(_rows(edition, "rankings", is_it)), None)
    return Explanation(edition.name, enterprise, ranking, tuple(lines))


def top(edition_path: Path, n: int) -> list[Row]:
    """The first `n` ranked enterprises of an edition, rows of `rankings` by rank and code."""
    first = _rows(edition_path, "rankings", ("rank_overall", "<=", n))
    return sorted(first, key=lambda row: (row["rank_overall"], row["uscc"]))[:n]


def _rows(edition: Path, table: str, *where: tuple[str, str, Any]) -> list[Row]:
    # No partitioning: a folder of the path that holds a "=" would come out as a column.
    found = pq.read_table(_table(edition, table), filters=list(where) or None, partitioning=None)
    return list(found.to_pylist())


def _table(edition: Path, table: str) -> Path:
    return edition / "tables" / f"{table}.parquet"
