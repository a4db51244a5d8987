"""The journal: an append-only list of entries, each chained to the one before it by hash.

An entry is written in the transaction of what it records. A changed, removed or moved entry breaks the chain. A journal
whose end was cut off, or that was rewritten as a whole, disagrees with the manifests of sealed editions: each holds the
head that the journal had when the edition was sealed.
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
"""The previous hash of the first entry."""
DROPPED = "dropped"
"""The kind of entry about what the retention policy dropped; its content has `kind` and `what`."""
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

These are what a build reads, what was published and by which rules, what people decided, and what was sent: facts that
someone may have a motive to alter. Runs, messages and attempts are not kept: no decision depends on them.
"""


def keep(connection: Connection, table: Table, *which: ColumnElement[bool], why: str | None = None) -> None:
    """Add an entry for each of these rows of a table, within the transaction that wrote them."""
    kind, columns = next((kind, columns) for kind, one, columns, _ in _KEPT if one is table)
    for row in connection.execute(select(table).where(*which)).mappings().all():
        append(connection, kind, {**_facts(table, columns, row), **({"because": why} if why else {})})


def adopt(connection: Connection) -> None:
    """Begin the journal of a ledger older than journals, with an entry for each row that it holds now."""
    for _, table, _, which in _KEPT:
        keep(connection, table, *(() if which is None else (which,)), why="held before there was a journal")


def _facts(table: Table, columns: str, row: Mapping[Any, Any]) -> Row:
    return {name: row[name] for name in (*(key.name for key in table.primary_key), *columns.split())}


def differences(ledger: Engine) -> Iterator[str]:
    """Each row of a kept table that differs from its journal entries, or that only one of the two has."""
    journaled = _journaled_rows(entries(ledger))
    for kind, table, columns, which in _KEPT:
        found = {}
        for row in rows(ledger, select(table) if which is None else select(table).where(which)):
            facts = _facts(table, columns, row)
            found[tuple(facts[column.name] for column in table.primary_key)] = facts
        for key in sorted(journaled[kind].keys() | found.keys(), key=str):
            if what := _difference(journaled[kind].get(key), found.get(key)):
                yield f"{kind} {'.'.join(map(str, key))}: {what}"


def _journaled_rows(found: Sequence[Row]) -> dict[str, dict[tuple[Any, ...], Row]]:
    """The state of each row of a kept table by all its entries, by kind and key."""
    journaled: dict[str, dict[tuple[Any, ...], Row]] = {kind: {} for kind, *_ in _KEPT}
    tables = {kind: table for kind, table, *_ in _KEPT}
    for entry in found:
        kind, content = entry["kind"], entry["content"]
        if kind in journaled:
            # Acts are numbered in the order of their entries.
            content = {"act_no": len(journaled[kind]) + 1, **content} if kind == "edition_act" else content
            key = tuple(content[column.name] for column in tables[kind].primary_key)
            # At the first step of an objection or a publicity the columns of later steps are null.
            later = {} if "step" not in content else {one.name: None for one in tables[kind].c if one.nullable}
            facts = {name: value for name, value in content.items() if name not in ("because", "step")}
            journaled[kind][key] = {**journaled[kind].get(key, later), **facts}
    return journaled


def _difference(kept: Row | None, found: Row | None) -> str:
    if kept is None:
        return "is in the ledger, and not in the journal"
    if found is None:
        return "is in the journal, and no longer in the ledger"
    # Entries older than a column do not have it.
    other = [name for name in found if name in kept and found[name] != kept[name]]
    return "; ".join(f"{name} is {found[name]!r}, the journal says {kept[name]!r}" for name in other)


def append(connection: Connection, kind: str, content: Mapping[str, Any]) -> None:
    """Add an entry within the transaction of what it records. `content` is plain JSON without floats."""
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
    """The hash of an entry: over all its columns but the hash itself."""
    values = [entry[name] for name in ("sequence", "kind", "content", "at", "prev_sha256")]
    return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()


def entries(ledger: Engine, kind: str | None = None) -> list[Row]:
    """The entries in their order, all or of one kind, with `content` read."""
    query = select(journal).order_by(journal.c.sequence)
    found = rows(ledger, query if kind is None else query.where(journal.c.kind == kind))
    return [{**row, "content": json.loads(row["content"])} for row in found]


def breaks(ledger: Engine, sealed: Mapping[str, Head]) -> Iterator[str]:
    """What is wrong with the chain, the first fault first; nothing for an intact one.

    `sealed` is the head that each manifest names, by the edition or package of the manifest.
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
