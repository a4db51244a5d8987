"""The journal: what may never be changed afterwards, each entry chained to the one before it by hash.

An entry is written in the transaction of what it records. Whoever changes, removes or moves one breaks the chain;
whoever cuts its end, or writes all of it anew, is shown by the manifests of sealed editions, each of which holds the
head that the journal had when it was sealed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, desc, func, insert, select

from ledger.store import Row, now, rows
from ledger.tables import journal

BEGINNING = "0" * 64
"""What the first entry names as the one before it."""
_APPENDING = 0x6A6F75726E616C
"""The advisory lock of PostgreSQL under which entries are added: `journal` in ASCII."""


@dataclass(frozen=True)
class Head:
    """The last entry of a journal: its number (0 before the first) and its hash."""

    sequence: int
    sha256: str


def append(connection: Connection, kind: str, content: Mapping[str, Any]) -> None:
    """Add an entry within the transaction of what it records. `content` is plain JSON: no figure with a point."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_APPENDING)))
    last = _head(connection)
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
        return _head(connection)


def _head(connection: Connection) -> Head:
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

    `sealed` is the head that each sealed edition's manifest names, by the edition's id.
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
    for edition_id, at in sealed.items():
        if at.sequence > len(found):
            yield f"the journal ends at entry {len(found)}; edition {edition_id} was sealed when it had {at.sequence}"
        elif hashes[at.sequence] != at.sha256:
            yield f"entry {at.sequence} is not the one that edition {edition_id} was sealed upon"
