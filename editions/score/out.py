"""Writing the results of scoring: each table as CSV and Parquet, exact and sorted, with the sender's own id column."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from editions.candidate import Candidate
from editions.export import Exported, export, open_warehouse
from editions.manifest import canonical_json
from editions.relations import Relation, sealed_relations
from editions.score.errors import ScoreError
from editions.score.ruleset import Ruleset
from editions.score.values import Loaded
from editions.score.work_folder import work_folder
from editions.sql_text import row_dicts
from ledger.files import file_sha256

TABLES = ("class_totals", "points", "reasons", "verdicts", "peer_medians")
RANKINGS = Relation("rankings", "main", "zone", ("uscc",), "")
# The night's ranking without the columns that only a night has (credit, consents).
RANKINGS_VIEW = """
create or replace view rankings as
select
    totals.uscc, enterprises.enterprise_name, totals.stage, {basis} as stage_basis, enterprises.industry_code,
    totals.* exclude (uscc, stage, exact_score){undated}, ranks.* exclude (uscc)
from totals
inner join int_enterprises__staged as enterprises on totals.uscc = enterprises.uscc
inner join ranks on totals.uscc = ranks.uscc
"""
# No day was stated, so the day that the models used is not shown.
UNDATED = " replace (cast(null as date) as as_of, cast(null as integer) as reporting_year)"
MARK = "scored.json"
"""The file that marks a folder as ours: the rule set and the hash of the values, without times."""
OURS = {MARK, *(f"{table}.{suffix}" for table in (RANKINGS.name, *TABLES) for suffix in ("csv", "parquet"))}
"""Every file that a folder of ours may hold."""
DRAFTS = ".scored-"
KEY = "uscc"
SCHEMA = "scored"
TOP = 10

Row = dict[str, Any]


@dataclass(frozen=True)
class WrittenTables:
    """The tables written, with their numbers of rows; the first of the ranking; how many are not ranked, by reason."""

    rows: dict[str, int]
    top: list[Row]
    ranked: int
    unranked: dict[str, int]
    passed: tuple[int, int] | None = None
    """How many pass the rule set's conditions, and how many were judged; None where it has none."""


@dataclass(frozen=True)
class OutputDraft:
    """A folder to write into, which is then renamed to `out`."""

    folder: Path
    out: Path


@contextmanager
def draft_beside(out: Path) -> Iterator[OutputDraft]:
    """Make the folders needed to write `out`, before anything is scored; nothing of them stays but `out`.

    A symbolic link is followed to the folder that it names. Raises `ScoreError` for a folder with a file that is not
    ours, and for one that cannot be written.
    """
    with ExitStack() as stack:
        with _writing(out):
            out = out.resolve()
            require_ours(out)
            stack.callback(_remove_empty, [folder for folder in out.parents if not folder.exists()])
            out.parent.mkdir(parents=True, exist_ok=True)
            draft = stack.enter_context(work_folder(out.parent, DRAFTS))
        yield OutputDraft(draft, out)


def require_ours(out: Path) -> None:
    """Raise `ScoreError` for what may not be replaced: a file, a mounted disk, a folder with files not ours."""
    if out.exists() and not out.is_dir():
        raise ScoreError(f"{out.name} is a file.", str(out), "--out FOLDER", "usage")
    if os.path.ismount(out):
        raise ScoreError("a disk is mounted there, and stays.", str(out), "--out a folder within it", "usage")
    entries = sorted(out.iterdir()) if out.is_dir() else []
    is_marked = (out / MARK).is_file()
    foreign = [entry.name for entry in entries if not is_marked or entry.name not in OURS or not _is_plain(entry)]
    if foreign:
        raise ScoreError(
            f"{out.name} holds {foreign[0]!r}, which is not ours, and is left as it is.",
            str(out),
            "--out another folder",
            "usage",
        )


def _is_plain(entry: Path) -> bool:
    return entry.is_file() and not entry.is_symlink()


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Turn the system's errors of writing `out` into `ScoreError`."""
    try:
        yield
    # A loop of symbolic links is a RuntimeError.
    except (OSError, RuntimeError, duckdb.IOException) as error:
        fault = (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())
        raise ScoreError(
            f"{out.name} cannot be written: {fault}.", str(out), "--out a folder where you may write", "usage"
        ) from error


def write_out(
    candidate: Candidate, draft: OutputDraft, id_column: str, ruleset: Ruleset, values: Path, loaded: Loaded
) -> WrittenTables:
    """Write the tables of a built candidate as the draft's `out`, all or none; earlier output there is replaced.

    Without a stated day (`loaded.is_dated`) the columns of days are empty.
    """
    relations = {relation.name: relation for relation in sealed_relations(candidate.target)}
    with duckdb.connect(str(candidate.warehouse)) as connection:
        basis = "'only_stage'" if loaded.is_one_stage else "enterprises.stage_basis"
        connection.execute(RANKINGS_VIEW.format(basis=basis, undated="" if loaded.is_dated else UNDATED))
        chosen = [RANKINGS, *(relations[name] for name in TABLES)]
        key = _key_name(connection, chosen, id_column)
        renamed = [_renamed(connection, relation, key) for relation in chosen]
        written = _summary(connection)
    values_sha256 = file_sha256(values)
    tables = draft.folder / "tables"
    with open_warehouse(candidate.warehouse) as connection, _writing(draft.out):
        tables.mkdir()
        exported = [export(connection, relation, draft.folder) for relation in renamed]
        mark = {"ruleset_id": ruleset.name, "values_sha256": values_sha256, "rows": _rows(exported)}
        (tables / MARK).write_bytes(canonical_json(mark))
        # Checked again: another process may have written there meanwhile.
        require_ours(draft.out)
        if draft.out.exists():
            draft.out.rename(draft.folder / "before")
        tables.rename(draft.out)
    return replace(written, rows=_rows(exported))


def _key_name(connection: duckdb.DuckDBPyConnection, relations: list[Relation], id_column: str) -> str:
    """The sender's name for the key if it is a plain name that no other column has, else `uscc`."""
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


def _summary(connection: duckdb.DuckDBPyConnection) -> WrittenTables:
    first = connection.execute("select * from rankings where is_ranked order by rank_overall, uscc limit ?", [TOP])
    top = row_dicts(first)
    counted = connection.execute(
        "select coalesce(unranked_reason, ''), count(*) from rankings group by 1 order by 1"
    ).fetchall()
    by_reason = {str(reason): int(count) for reason, count in counted}
    judged = connection.execute("select count(*) filter (where is_passed), count(is_passed) from rankings").fetchone()
    passed = (int(judged[0]), int(judged[1])) if judged and judged[1] else None
    return WrittenTables({}, top, by_reason.pop("", 0), by_reason, passed)


def _rows(exported: list[Exported]) -> dict[str, int]:
    return {item.relation.name: item.rows for item in exported}
