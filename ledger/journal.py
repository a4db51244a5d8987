"""The journal: what may never be changed afterwards, each entry chained to the one before it by hash.

An entry is written in the transaction of what it records. Whoever changes, removes or moves one breaks the chain;
whoever cuts its end, or writes all of it anew, is shown by the manifests of sealed editions, each of which holds the
head that the journal had when it was sealed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, desc, func, insert, select

from ledger.store import Row, now, rows
from ledger.tables import (
    batches,
    deliveries,
    edition_acts,
    editions,
    held_decisions,
    journal,
    objections,
    publications,
    publicities,
    published_rulesets,
    quarantine_decisions,
)

BEGINNING = "0" * 64
"""What the first entry names as the one before it."""
DROPPED = "dropped"
"""The kind of what a policy of retention dropped: `kind` of it, and `what`."""
_APPENDING = 0x6A6F75726E616C
"""The advisory lock of PostgreSQL under which entries are added: `journal` in ASCII."""


@dataclass(frozen=True)
class Head:
    """The last entry of a journal: its number (0 before the first) and its hash."""

    sequence: int
    sha256: str


_KEPT: tuple[tuple[str, Table, str, ColumnElement[bool] | None], ...] = (
    (
        "batch",
        batches,
        "as_of state origin same_as content_sha256 rows_landed rows_refused landed_sha256 quarantine_sha256 "
        "quarantine_lines",
        batches.c.state.in_(("landed", "unchanged")),
    ),
    ("edition", editions, "as_of recipe_sha256 manifest_sha256 ruleset_id kind signed_by", None),
    ("publication", publications, "edition_id sequence supersedes run_id published_at", None),
    ("ruleset", published_rulesets, "content_sha256 edition_id", None),
    ("decision", quarantine_decisions, "source dataset action why decided_by decided_at as_of batch", None),
    (
        "delivery",
        deliveries,
        "edition_id recipient number send_date file_name sha256 manifest_sha256 rows denied",
        deliveries.c.state == "sent",
    ),
    ("held_decision", held_decisions, "content_sha256 action why decided_by as_of", None),
    ("edition_act", edition_acts, "act edition_id stands note why decided_by", None),
    (
        "objection",
        objections,
        "edition_id uscc what opened_on due_on opened_by decision why decided_on decided_by closed_on closed_by "
        "corrected_by",
        None,
    ),
    ("publicity", publicities, "opened_on until opened_by closed_on closed_by", None),
)
"""Kind of entry, the table whose rows it keeps, the columns beside the key, and which rows.

What a build reads, what was published and by which rules, what people decided, and what left: each of it somebody may
want to have been otherwise. Not runs, messages and attempts: they decide nothing.
"""


def keep(connection: Connection, table: Table, *which: ColumnElement[bool], why: str | None = None) -> None:
    """Add an entry for each of these rows of a table, within the transaction that wrote them."""
    kind, columns = next((kind, columns) for kind, one, columns, _ in _KEPT if one is table)
    for row in connection.execute(select(table).where(*which)).mappings().all():
        append(connection, kind, {**_facts(table, columns, row), **({"because": why} if why else {})})


def adopt(connection: Connection) -> None:
    """Begin the journal of a ledger that was kept before there was one: what it holds now."""
    for _, table, _, which in _KEPT:
        keep(connection, table, *(() if which is None else (which,)), why="held before there was a journal")


def _facts(table: Table, columns: str, row: Mapping[Any, Any]) -> Row:
    return {name: row[name] for name in (*(key.name for key in table.primary_key), *columns.split())}


def differences(ledger: Engine) -> Iterator[str]:
    """Each row of a kept table that is not what the journal says of it, or of which one of the two says nothing."""
    told = _rows_told(entries(ledger))
    for kind, table, columns, which in _KEPT:
        found = {}
        for row in rows(ledger, select(table) if which is None else select(table).where(which)):
            facts = _facts(table, columns, row)
            found[tuple(facts[column.name] for column in table.primary_key)] = facts
        for key in sorted(told[kind].keys() | found.keys(), key=str):
            if what := _told(told[kind].get(key), found.get(key)):
                yield f"{kind} {'.'.join(map(str, key))}: {what}"


def _rows_told(found: Sequence[Row]) -> dict[str, dict[tuple[Any, ...], Row]]:
    """What the entries say of each row of a kept table together, by kind and key."""
    told: dict[str, dict[tuple[Any, ...], Row]] = {kind: {} for kind, *_ in _KEPT}
    tables = {kind: table for kind, table, *_ in _KEPT}
    for entry in found:
        kind, content = entry["kind"], entry["content"]
        if kind in told:
            # Acts are numbered in the order of their entries.
            content = {"act_no": len(told[kind]) + 1, **content} if kind == "edition_act" else content
            key = tuple(content[column.name] for column in tables[kind].primary_key)
            # The first step of an objection or a publicity says that the others were not taken yet.
            later = {} if "step" not in content else {one.name: None for one in tables[kind].c if one.nullable}
            said = {name: value for name, value in content.items() if name not in ("because", "step")}
            told[kind][key] = {**told[kind].get(key, later), **said}
    return told


def _told(kept: Row | None, found: Row | None) -> str:
    if kept is None:
        return "stands in the ledger, and the journal knows nothing of it"
    if found is None:
        return "is in the journal, and not in the ledger any more"
    # An entry of before a column was kept says nothing of it.
    other = [name for name in found if name in kept and found[name] != kept[name]]
    return "; ".join(f"{name} is {found[name]!r}, the journal says {kept[name]!r}" for name in other)


def append(connection: Connection, kind: str, content: Mapping[str, Any]) -> None:
    """Add an entry within the transaction of what it records. `content` is plain JSON: no figure with a point."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_APPENDING)))
    last = head_of(connection)
    entry = {
        "sequence": last.sequence + 1,
        "kind": kind,
        "content": json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")),
        "at": now(),
        "prev_sha256": last.sha256,
    }
    connection.execute(insert(journal).values(**entry, sha256=sha256_of(entry)))


def head(ledger: Engine) -> Head:
    """The last entry there is."""
    with ledger.begin() as connection:
        return head_of(connection)


def head_of(connection: Connection) -> Head:
    """The last entry, within a transaction."""
    last = connection.execute(select(journal).order_by(desc(journal.c.sequence)).limit(1)).first()
    return Head(0, BEGINNING) if last is None else Head(last.sequence, last.sha256)


def sha256_of(entry: Mapping[str, Any]) -> str:
    """The hash of an entry: of all its columns but the hash itself."""
    said = [entry[name] for name in ("sequence", "kind", "content", "at", "prev_sha256")]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def entries(ledger: Engine, kind: str | None = None) -> list[Row]:
    """The entries in their order, all or of one kind, with `content` read."""
    query = select(journal).order_by(journal.c.sequence)
    found = rows(ledger, query if kind is None else query.where(journal.c.kind == kind))
    return [{**row, "content": json.loads(row["content"])} for row in found]


def breaks(ledger: Engine, sealed: Mapping[str, Head]) -> Iterator[str]:
    """What is wrong with the chain, first fault first; nothing for one that is whole.

    `sealed` is the head that each manifest names, by what that is of: an edition, a package.
    """
    found = rows(ledger, select(journal).order_by(journal.c.sequence))
    hashes = {0: BEGINNING}
    before = BEGINNING
    for place, row in enumerate(found, start=1):
        number = row["sequence"]
        if number != place:
            yield f"entry {place} is not there; {number} stands in its place"
            return
        if row["prev_sha256"] != before:
            yield f"entry {number} ({row['kind']}) does not follow the entry before it"
            return
        if sha256_of(row) != row["sha256"]:
            yield f"entry {number} ({row['kind']}) is not what was written"
            return
        before = hashes[number] = row["sha256"]
    for name, at in sealed.items():
        if at.sequence > len(found):
            yield f"the journal ends at entry {len(found)}; {name} was made when it had {at.sequence}"
        elif hashes.get(at.sequence) != at.sha256:
            yield f"entry {at.sequence} is not the one that {name} was made upon"
