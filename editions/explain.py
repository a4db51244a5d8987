"""Why an enterprise has the score it has: its rows out of the sealed tables, put together."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from editions.current import edition_path
from editions.manifest import MANIFEST

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]
COSTLIEST = 4


class EnterpriseUnknownError(LookupError):
    """An edition has no enterprise of that code, or its rule set no indicator of that one."""


@dataclass(frozen=True)
class Previous:
    """The edition that this one followed, and what became of the enterprise since.

    `changes` are the indicators whose points differ, the largest change first; `points_then` or `points_now` is None
    where the indicator was or is not counted, which counts as 0 in `change`. `ranking` is None where it was not scored.
    """

    edition_id: str
    is_same_ruleset: bool
    ranking: Row | None
    changes: tuple[Row, ...]


@dataclass(frozen=True)
class Explanation:
    """One enterprise in one edition. `ranking` is None, and `indicators` empty, where it was not eligible.

    Each indicator's row joins its catalogue entry (names, class), its points (value, unit, supply status, bin, points,
    maximum, weight) and its reason (points lost, Chinese and English, what would change it); under `evidence` the
    records it came from and under `peers` the median of its stage, None where the edition has no such table. So are
    `class_totals`, `verdicts` and `data_flags`. `previous` is None where the edition followed none that is still there.
    """

    edition_id: str
    as_of: str
    enterprise: Row
    ranking: Row | None
    indicators: tuple[Row, ...]
    costliest: tuple[Row, ...]
    class_totals: tuple[Row, ...] | None
    verdicts: tuple[Row, ...] | None
    data_flags: tuple[Row, ...] | None
    previous: Previous | None


class SealedTables:
    """The tables of one edition, read by an equality or two; a table of an older edition may not be there."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection", edition: Path) -> None:
        self._connection, self._edition = connection, edition

    def rows(self, table: str, **where: str) -> list[Row] | None:
        """The rows of a table that hold these texts in these columns, or None where there is no such table."""
        path = self._edition / "tables" / f"{table}.parquet"
        if not path.is_file():
            return None
        # Texts, not parameters: the first parameter of a process has duckdb import pandas, a third of a second.
        tests = " and ".join(f'"{column}" = {_literal(text)}' for column, text in where.items())
        file = f"read_parquet({_literal(str(path))}, hive_partitioning = false)"
        found = self._connection.execute(f"select * from {file}{' where ' + tests if tests else ''}")  # noqa: S608  # quoted
        names = [name for name, *_ in found.description or ()]
        return [dict(zip(names, values, strict=True)) for values in found.fetchall()]

    def needed(self, table: str, **where: str) -> list[Row]:
        """The same of a table that every edition has."""
        found = self.rows(table, **where)
        if found is None:
            raise FileNotFoundError(
                f"{self._edition / 'tables' / table}.parquet is not there. Whose: data (the edition is not whole). "
                f"Next: jifen edition verify {self._edition.name}"
            )
        return found

    def optional(self, table: str, **where: str) -> tuple[Row, ...] | None:
        """The same as a tuple, for what is handed on."""
        found = self.rows(table, **where)
        return None if found is None else tuple(found)


def explain(path: Path, uscc: str, indicator: str | None = None) -> Explanation:
    """Put together all that an edition says of one enterprise, or of one of its indicators, from its sealed Parquet.

    Raises `EnterpriseUnknownError` when the code is not in the register of that edition, or the indicator not in its
    rule set, and `FileNotFoundError` when the edition is not whole.
    """
    import duckdb

    edition = path.resolve()
    manifest: Row = json.loads((edition / MANIFEST).read_bytes())
    code = uscc.strip().upper()
    # One row group is all there is to read of each table: a second thread would only have to be started.
    with duckdb.connect(config={"threads": 1}) as connection:
        tables = SealedTables(connection, edition)
        enterprise = _enterprise(tables, edition, code)
        ranking = next(iter(tables.needed("rankings", uscc=code)), None)
        lines = _indicators(tables, code, ranking)
        return Explanation(
            edition_id=edition.name,
            as_of=str(manifest["as_of"]),
            enterprise=enterprise,
            ranking=ranking,
            indicators=_only(lines, indicator, manifest),
            costliest=_costliest(lines),
            class_totals=tables.optional("class_totals", uscc=code),
            verdicts=tables.optional("verdicts", uscc=code),
            data_flags=tables.optional("data_flags", uscc=code),
            previous=_previous(connection, edition, manifest, code, lines),
        )


def top(edition: Path, n: int) -> list[Row]:
    """The first `n` ranked enterprises of an edition, rows of `rankings` by rank and code."""
    import duckdb

    with duckdb.connect() as connection:
        rows = SealedTables(connection, edition).needed("rankings")
    first = [row for row in rows if row["rank_overall"] is not None and row["rank_overall"] <= n]
    return sorted(first, key=lambda row: (row["rank_overall"], row["uscc"]))[:n]


def _enterprise(tables: SealedTables, edition: Path, code: str) -> Row:
    found = tables.needed("enterprises", uscc=code) if code.isalnum() and code.isascii() else []
    if found:
        return found[0]
    held = len(tables.needed("enterprises"))
    raise EnterpriseUnknownError(
        f"{code} is none of the {held} enterprises of edition {edition.name}. Whose: data (mistyped, or not in the "
        "science bureau's register). Look it up by name in tables/enterprises.csv of the edition."
    )


def _indicators(tables: SealedTables, code: str, ranking: Row | None) -> list[Row]:
    points = sorted(tables.needed("points", uscc=code), key=lambda row: str(row["indicator_code"]))
    if not points:
        return []
    catalogue = {row["indicator_code"]: row for row in tables.needed("indicators")}
    reasons = {row["indicator_code"]: row for row in tables.needed("reasons", uscc=code)}
    evidence = tables.rows("evidence", uscc=code)
    stage = str(ranking["stage"]) if ranking else ""
    medians = tables.rows("peer_medians", stage=stage)
    peers = {row["indicator_code"]: row for row in medians or ()}
    return [
        {
            **catalogue[row["indicator_code"]],
            **reasons[row["indicator_code"]],
            **row,
            "peers": peers.get(row["indicator_code"]),
            "evidence": None if evidence is None else _of_indicator(evidence, row["indicator_code"]),
        }
        for row in points
    ]


def _of_indicator(rows: list[Row], code: str) -> list[Row]:
    chosen = [row for row in rows if row["indicator_code"] == code]
    return sorted(chosen, key=lambda row: (row["source"], row["dataset"], row["record_ref"]))


def _only(lines: list[Row], wanted: str | None, manifest: Row) -> tuple[Row, ...]:
    if wanted is None:
        return tuple(lines)
    chosen = tuple(row for row in lines if row["indicator_code"].upper() == wanted.strip().upper())
    if not chosen:
        there = ", ".join(row["indicator_code"] for row in lines) or "none, since it was not eligible"
        raise EnterpriseUnknownError(
            f"{wanted} is no indicator that this enterprise was scored by under {manifest['ruleset_id']}; there are: "
            f"{there}. Whose: data (mistyped). Give one of those."
        )
    return chosen


def _costliest(lines: list[Row]) -> tuple[Row, ...]:
    """The indicators that cost most points, as the reasons rank them; of an older edition, as they imply."""
    if lines and "loss_rank" in lines[0]:
        return tuple(sorted((row for row in lines if row["loss_rank"]), key=lambda row: row["loss_rank"])[:COSTLIEST])
    costly = [row for row in lines if row["points_lost"]]
    return tuple(sorted(costly, key=lambda row: (-row["points_lost"], row["indicator_code"]))[:COSTLIEST])


def _previous(
    connection: "duckdb.DuckDBPyConnection", edition: Path, manifest: Row, code: str, lines: list[Row]
) -> Previous | None:
    """The edition that the gate compared this one with is the one it took the place of."""
    followed = manifest.get("compared_with")
    path = edition_path(edition.parent.parent, followed) if followed else None
    if path is None or not (path / MANIFEST).is_file():
        return None
    tables = SealedTables(connection, path)
    then = {row["indicator_code"]: row["points"] for row in tables.needed("points", uscc=code)}
    ranking = next(iter(tables.needed("rankings", uscc=code)), None)
    ruleset: Row = json.loads((path / MANIFEST).read_bytes())
    is_same = ruleset["ruleset_id"] == manifest["ruleset_id"]
    return Previous(path.name, is_same, ranking, _changes(then, lines))


def _changes(then: dict[str, Decimal | None], lines: list[Row]) -> tuple[Row, ...]:
    now = {row["indicator_code"]: row["points"] for row in lines}
    pairs = [(code, then.get(code), now.get(code)) for code in sorted(then.keys() | now.keys())]
    changes: list[Row] = [
        {
            "indicator_code": code,
            "points_then": before,
            "points_now": after,
            "change": (after or Decimal(0)) - (before or Decimal(0)),
        }
        for code, before, after in pairs
        if before != after
    ]
    return tuple(sorted(changes, key=lambda row: (-abs(row["change"]), row["indicator_code"])))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
