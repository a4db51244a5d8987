"""Differences between two rule sets, row by row, and changes of rule sets that editions were published under."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from editions.manifest import canonical_json
from editions.ruleset_problems import Problem
from editions.score.ruleset import BOOLEANS, Row, Ruleset, read_seeds, table_schemas
from ledger.publications import published_rulesets

KEYS: Mapping[str, tuple[str, ...]] = {
    "rulesets": (),
    "ruleset_stages": ("stage",),
    "ruleset_groups": ("group_code",),
    "ruleset_indicators": ("indicator_code",),
    "ruleset_inputs": ("indicator_code", "source", "dataset", "years_back"),
    "ruleset_weights": ("indicator_code", "stage"),
    "ruleset_rules": ("indicator_code", "stage", "lo", "inclusive_lo"),
    "ruleset_levels": ("indicator_code", "level"),
    "ruleset_conditions": ("condition_code",),
    "ruleset_missing": ("indicator_code", "supply_status"),
}
"""The key of each table, in the order in which differences are listed."""
OPEN_ENDED = {"rulesets": ("valid_to", "status", "note")}
"""The columns of a published rule set that may change: a new rule set replaces it from a day on."""
SHOWN_CELLS = 120

Content = dict[str, list[dict[str, str]]]
"""The rows of one rule set by table, each cell in its normal form, an empty cell as an empty text."""


@dataclass(frozen=True)
class RulesetDifference:
    """One row, or one cell of a row, that differs between two rule sets: `kind` is added, removed or changed.

    For a whole row `column` is None, and `then` or `now` has the cells of the row beside its key.
    """

    table: str
    row_key: str
    kind: str
    column: str | None = None
    then: str | None = None
    now: str | None = None


def content_of(ruleset: Ruleset, project: Path) -> Content:
    """The rows of one rule set without its id, numbers in one notation, so that only the content is compared."""
    schemas = table_schemas(project)
    return {
        table: sorted(
            (_plain_row(row, schemas[table].types) for row in ruleset.tables[table]),
            key=lambda row: sorted(row.items()),
        )
        for table in KEYS
    }


def frozen(content: Content) -> Content:
    """The part of a rule set that never changes once an edition was published under it; empty cells are left out."""
    return _kept(content, lambda table, name, cell: bool(cell) and name not in OPEN_ENDED.get(table, ()))


def content_sha256(content: Content) -> str:
    """SHA-256 of the part that is frozen."""
    return hashlib.sha256(canonical_json(frozen(content))).hexdigest()


def differences(then: Content, now: Content) -> list[RulesetDifference]:
    """Every row and cell that differs, by table and key."""
    before, after = (_kept(one, lambda _table, _name, cell: bool(cell)) for one in (then, now))
    return [one for table in KEYS for one in _of_table(table, before.get(table, []), after.get(table, []))]


def moved(ledger: Engine, project: Path) -> list[Problem]:
    """Each row of a published rule set that was changed after an edition was published under it."""
    return [problem for row in published_rulesets(ledger) for problem in _moved_of(row, project)]


def frozen_row(ruleset_id: str, project: Path) -> dict[str, Any]:
    """The row that the ledger keeps of a rule set with its present content."""
    content = _standing(ruleset_id, project)
    return {"content": content, "content_sha256": content_sha256(content)}


def _standing(ruleset_id: str, project: Path) -> Content:
    """The content of a rule set in the project's seeds; without rows where it was removed."""
    seeds = read_seeds(project)
    tables = {name: [row for row in rows if row["ruleset_id"] == ruleset_id] for name, rows in seeds.tables.items()}
    return content_of(Ruleset(ruleset_id, seeds.origin, tables), project)


def _moved_of(published: Mapping[str, Any], project: Path) -> Iterator[Problem]:
    ruleset_id, edition_id, then = (published[name] for name in ("ruleset_id", "edition_id", "content"))
    now = _standing(ruleset_id, project)
    if content_sha256(now) == published["content_sha256"]:
        return
    for one in differences(frozen(then), frozen(_in_columns(now, then))):
        what_zh, what_en = _in_words(one)
        yield Problem(
            ruleset_id,
            f"{one.table}.csv",
            ", ".join(filter(None, (ruleset_id, one.row_key))),
            f"{what_zh}；版次 {edition_id} 已按此规则集发布，请另立新规则集",
            f"{what_en}; edition {edition_id} was published under it: the change belongs in a new rule set",
        )


def _in_columns(now: Content, then: Content) -> Content:
    """The same without columns that the seeds got after the publication."""
    known = {table: {name for row in rows for name in row} for table, rows in then.items()}
    return _kept(now, lambda table, name, _cell: not known.get(table) or name in known[table])


def _kept(content: Content, is_kept: Callable[[str, str, str], bool]) -> Content:
    """The same with those cells alone of which this is true, by their table, column and text."""
    return {
        table: [{name: cell for name, cell in row.items() if is_kept(table, name, cell)} for row in rows]
        for table, rows in content.items()
    }


def _in_words(one: RulesetDifference) -> tuple[str, str]:
    if one.kind == "added":
        return "新增了该行", "the row was added"
    if one.kind == "removed":
        return "删除了该行", "the row was removed"
    then, now = (_short(cell) for cell in (one.then, one.now))
    return f"{one.column} 由 {then} 改为 {now}", f"{one.column} was {then} and is {now}"


def _short(cell: str | None) -> str:
    if cell is None:
        return "-"
    return cell if len(cell) <= SHOWN_CELLS else cell[: SHOWN_CELLS - 1] + "…"


def _of_table(
    table: str, then: Sequence[Mapping[str, str]], now: Sequence[Mapping[str, str]]
) -> Iterator[RulesetDifference]:
    before, after = _by_key(table, then), _by_key(table, now)
    for key in sorted(before.keys() | after.keys()):
        shown = ", ".join(filter(None, key[:-1]))
        if key not in after:
            yield RulesetDifference(table, shown, "removed", None, _cells(table, before[key]), None)
        elif key not in before:
            yield RulesetDifference(table, shown, "added", None, None, _cells(table, after[key]))
        else:
            one, other = before[key], after[key]
            for column in sorted(one.keys() | other.keys()):
                if one.get(column) != other.get(column):
                    yield RulesetDifference(table, shown, "changed", column, one.get(column), other.get(column))


def _cells(table: str, row: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {cell}" for name, cell in row.items() if name not in KEYS[table])


def _by_key(table: str, rows: Sequence[Mapping[str, str]]) -> dict[tuple[str, ...], Mapping[str, str]]:
    """Rows by their key and a number, so that a faulty rule set with a repeated key can be compared too."""
    held: dict[tuple[str, ...], list[Mapping[str, str]]] = defaultdict(list)
    for row in rows:
        held[tuple(row.get(name, "") for name in KEYS[table])].append(row)
    return {(*key, str(number)): row for key, found in held.items() for number, row in enumerate(found)}


def _plain_row(row: Row, types: Mapping[str, str]) -> dict[str, str]:
    return {name: _plain_cell(row.get(name) or "", kind) for name, kind in types.items() if name != "ruleset_id"}


def _plain_cell(text: str, kind: str) -> str:
    if kind == "varchar" or not text:
        return text
    bare = text.strip()
    if kind == "boolean":
        return BOOLEANS.get(bare.lower(), bare)
    if kind.startswith(("decimal", "integer", "bigint")):
        try:
            number = Decimal(bare)
        except InvalidOperation:
            return bare
        return f"{number.normalize():f}" if number else "0"
    return bare
