"""Writing what scoring came to: each table as CSV and Parquet, exact and sorted, under the sender's own id column."""

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from editions.candidate import Candidate
from editions.export import Exported, export, open_warehouse
from editions.manifest import canonical_json, file_sha256
from editions.relations import Relation, sealed_relations
from editions.score.errors import ScoreError
from editions.score.ruleset import Ruleset

TABLES = ("class_totals", "points", "reasons", "verdicts", "peer_medians")
RANKINGS = Relation("rankings", "main", "zone", ("uscc",), "", {})
# What the night's ranking says but for what only the night knows (credit, consents).
RANKINGS_VIEW = """
create or replace view rankings as
select
    totals.uscc, enterprises.enterprise_name, totals.stage, enterprises.stage_basis, enterprises.industry_code,
    totals.* exclude (uscc, stage), ranks.* exclude (uscc), passes.is_passed, passes.passed_by
from totals
inner join int_enterprises__staged as enterprises on totals.uscc = enterprises.uscc
left join ranks on totals.uscc = ranks.uscc
left join passes on totals.uscc = passes.uscc
"""
MARK = "scored.json"
"""The file that says a folder is ours: what was scored by what, free of times."""
KEY = "uscc"
SCHEMA = "scored"
TOP = 10

Row = dict[str, Any]


@dataclass(frozen=True)
class Written:
    """The files written, by name with their rows; the head of the ranking; and how many are not ranked, by reason."""

    rows: dict[str, int]
    top: list[Row]
    ranked: int
    unranked: dict[str, int]
    passed: tuple[int, int] | None = None
    """How many pass the rule set's conditions, of how many; None where it has none."""


def require_ours(out: Path) -> None:
    """Raise `ScoreError` for a folder that holds anything and was not written by `jifen score`."""
    if out.exists() and not out.is_dir():
        raise ScoreError(f"{out.name} is a file.", str(out), "--out FOLDER", "usage")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise ScoreError(
            f"{out.name} holds files that are not ours, and is left as it is.",
            str(out),
            "--out another folder",
            "usage",
        )


def write_out(candidate: Candidate, out: Path, id_column: str, ruleset: Ruleset, values: Path) -> Written:
    """Write the tables of a built candidate into `out`, whole or not at all; what stood there of ours goes."""
    relations = {relation.name: relation for relation in sealed_relations(candidate.target)}
    with duckdb.connect(str(candidate.warehouse)) as connection:
        connection.execute(RANKINGS_VIEW)
        chosen = [RANKINGS, *(relations[name] for name in TABLES)]
        key = _key_name(connection, chosen, id_column)
        renamed = [_renamed(connection, relation, key) for relation in chosen]
        written = _summary(connection)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent.resolve(), prefix=".scored-") as folder:
        draft = Path(folder)
        (draft / "tables").mkdir()
        with open_warehouse(candidate.warehouse) as connection:
            exported = [export(connection, relation, draft) for relation in renamed]
        mark = {"ruleset_id": ruleset.name, "values_sha256": file_sha256(values), "rows": _rows(exported)}
        (draft / "tables" / MARK).write_bytes(canonical_json(mark))
        if out.exists():
            shutil.rmtree(out)
        (draft / "tables").rename(out)
    return replace(written, rows=_rows(exported))


def _key_name(connection: duckdb.DuckDBPyConnection, relations: list[Relation], id_column: str) -> str:
    """The sender's name for the key, wherever that is a plain name that no other column has."""
    names = {name.casefold() for relation in relations for name in _columns(connection, relation)}
    return id_column if id_column.isidentifier() and id_column.casefold() not in names - {KEY} else KEY


def _renamed(connection: duckdb.DuckDBPyConnection, relation: Relation, key_name: str) -> Relation:
    """A view of a relation in which the key has this name."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    named = {name: key_name if name == KEY else name for name in _columns(connection, relation)}
    chosen = ", ".join(f'"{name}" as "{given}"' for name, given in named.items())
    source = f'"{relation.schema}"."{relation.name}"'
    connection.execute(f'create view {SCHEMA}."{relation.name}" as select {chosen} from {source}')  # noqa: S608  # ours
    return replace(relation, schema=SCHEMA, key=tuple(named[name] for name in relation.key))


def _columns(connection: duckdb.DuckDBPyConnection, relation: Relation) -> list[str]:
    return [str(name) for name, *_ in connection.execute(f'describe "{relation.schema}"."{relation.name}"').fetchall()]


def _summary(connection: duckdb.DuckDBPyConnection) -> Written:
    found = connection.execute("select * from rankings where is_ranked order by rank_overall, uscc limit ?", [TOP])
    names = [name for name, *_ in found.description or ()]
    top = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    counted = connection.execute(
        "select coalesce(unranked_reason, ''), count(*) from rankings group by 1 order by 1"
    ).fetchall()
    by_reason = {str(reason): int(count) for reason, count in counted}
    judged = connection.execute("select count(*) filter (where is_passed), count(is_passed) from rankings").fetchone()
    passed = (int(judged[0]), int(judged[1])) if judged and judged[1] else None
    return Written({}, top, by_reason.pop("", 0), by_reason, passed)


def _rows(exported: list[Exported]) -> dict[str, int]:
    return {item.relation.name: item.rows for item in exported}
