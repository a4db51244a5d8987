"""Editions, deliveries and messages: what was published, what is pending for each recipient, and what was sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, Update, desc, func, insert, select, update

from ledger import journal
from ledger.deliveries import queue_delivery, queue_recall, supersede
from ledger.store import NotPossibleError, Row, first_row, next_number, now, rows, write
from ledger.tables import alerts, deliveries, editions, outbox, publications
from ledger.tables import published_rulesets as frozen


class CurrentMovedError(RuntimeError):
    """`current` is no longer the edition that this run started from: another run published in between."""


@dataclass(frozen=True)
class Message:
    """One event for one recipient, as CloudEvents JSON; its id is made of edition, recipient and sequence."""

    message_id: str
    recipient: str
    event: str


@dataclass(frozen=True)
class Recall:
    """A request that a recipient drop the rows of these enterprises, with the reason as the recipient reads it.

    With `held_only`, enterprises of which it holds no row when the message is composed are left out.
    """

    recipient: str
    codes: tuple[str, ...]
    why: str
    held_only: bool = False


def current_id(ledger: Engine) -> str | None:
    """The id of the edition that readers follow, or None before the first."""
    with ledger.begin() as connection:
        return _current_id(connection)


def _current_id(connection: Connection) -> str | None:
    newest = select(publications.c.edition_id).order_by(desc(publications.c.publication_no)).limit(1)
    return connection.execute(newest).scalar()


def current_row(ledger: Engine) -> Row | None:
    """The row of the edition that readers follow, or None before the first."""
    newest = desc(publications.c.publication_no)
    return first_row(ledger, select(editions).join(publications, _PUBLISHED).order_by(newest).limit(1))


def require_current(connection: Connection, expected: str | None) -> None:
    """Raise `CurrentMovedError` unless this edition is current, within the transaction that moves on from it."""
    if (found := _current_id(connection)) != expected:
        raise CurrentMovedError(
            f"current is {found}, this run expected {expected}. Whose: transient. Next: the same command again"
        )


def next_sequence(ledger: Engine, edition_id: str) -> int:
    """The number of an edition's next publication: 1, or more where it was current before."""
    with ledger.begin() as connection:
        return _next_sequence(connection, edition_id)


def _next_sequence(connection: Connection, edition_id: str) -> int:
    query = select(func.count()).select_from(publications).where(publications.c.edition_id == edition_id)
    return connection.execute(query).scalar_one() + 1


def publish(
    ledger: Engine,
    edition: Row,
    run_id: str,
    expected_current: str | None,
    recipients: Sequence[str],
    messages: Sequence[Message],
    ruleset: Row | None = None,
    recalls: Sequence[Recall] = (),
) -> None:
    """In one transaction: the edition's row, `current` moved by compare-and-swap, deliveries and messages queued.

    `recalls` come before the edition's own deliveries, which may hold the dropped rows again with new values.

    `ruleset` is what the edition's rule set says (`content_sha256`, `content`): it is stored with the first edition
    that is published under it, and never changed. Pending deliveries of an older edition are superseded: a bank is
    never sent yesterday's scores after today's. Its messages stay pending: each is about an edition that was published,
    and channels get all of them. Raises `CurrentMovedError`, and writes nothing, when `current` is not
    `expected_current`.
    """
    edition_id = edition["edition_id"]
    with ledger.begin() as connection:
        require_current(connection, expected_current)
        known = connection.execute(select(editions.c.edition_id).where(editions.c.edition_id == edition_id)).first()
        if known is None:
            _insert_edition(connection, edition)
        if ruleset is not None:
            _freeze(connection, edition["ruleset_id"], edition_id, ruleset)
        add_publication(connection, edition_id, expected_current, run_id)
        supersede(connection)
        for one in recalls:
            who = f"run {run_id}"
            queue_recall(connection, one.recipient, edition_id, one.codes, one.why, who, held_only=one.held_only)
        queue(connection, edition_id, recipients, messages)


def add_publication(connection: Connection, edition_id: str, supersedes: str | None, run_id: str | None) -> None:
    """Make an edition current within a transaction. `run_id` is None where a person did so."""
    row = {
        "publication_no": next_number(connection, publications.c.publication_no),
        "edition_id": edition_id,
        "sequence": _next_sequence(connection, edition_id),
        "supersedes": supersedes,
        "run_id": run_id,
    }
    connection.execute(insert(publications).values(**row, published_at=now()))
    journal.keep(connection, publications, publications.c.publication_no == row["publication_no"])


def _insert_edition(connection: Connection, edition: Row) -> None:
    connection.execute(insert(editions).values(**edition))
    journal.keep(connection, editions, editions.c.edition_id == edition["edition_id"])


def _freeze(connection: Connection, ruleset_id: str, edition_id: str, ruleset: Row) -> None:
    known = select(frozen.c.ruleset_id).where(frozen.c.ruleset_id == ruleset_id)
    if connection.execute(known).first() is None:
        connection.execute(insert(frozen).values(ruleset_id=ruleset_id, edition_id=edition_id, **ruleset))
        journal.keep(connection, frozen, frozen.c.ruleset_id == ruleset_id)


def published_rulesets(ledger: Engine) -> list[Row]:
    """Every rule set that an edition was published under: its content then, and the first such edition."""
    return rows(ledger, select(frozen).order_by(frozen.c.ruleset_id))


def queue(connection: Connection, edition_id: str, recipients: Sequence[str], messages: Sequence[Message]) -> None:
    """Queue the files of one publication and messages about it, within a transaction."""
    for recipient in recipients:
        queue_delivery(connection, recipient, edition_id)
    _insert_pending(connection, outbox, {"edition_id": edition_id}, map(vars, messages))


def _insert_pending(connection: Connection, table: Table, about: Row, promised: Iterable[Row]) -> None:
    for row in promised:
        new = {**row, **about, "state": "pending", "attempts": 0, "created_at": now()}
        connection.execute(insert(table).values(**new))


def keep_edition(ledger: Engine, edition: Row) -> None:
    """Record an edition that is sealed and not published."""
    with ledger.begin() as connection:
        _insert_edition(connection, edition)


def beside_rows(ledger: Engine) -> list[Row]:
    """Every edition that was never published, of a day that had passed when it was made; the latest day first."""
    is_beside = editions.c.edition_id.not_in(select(publications.c.edition_id))
    return rows(ledger, select(editions).where(is_beside).order_by(desc(editions.c.as_of)))


def edition_row(ledger: Engine, edition_id: str) -> Row | None:
    """One edition's row, or None."""
    return first_row(ledger, select(editions).where(editions.c.edition_id == edition_id))


_PUBLISHED = publications.c.edition_id == editions.c.edition_id
_OF_EDITION = ("as_of", "ruleset_id", "manifest_sha256", "kind", "signed_by")


def publication_rows(ledger: Engine) -> list[Row]:
    """Every publication with its edition, newest first: the history of `current`."""
    query = (
        select(publications, *(editions.c[name] for name in _OF_EDITION))
        .join(editions, _PUBLISHED)
        .order_by(desc(publications.c.publication_no))
    )
    return rows(ledger, query)


def pending(ledger: Engine, table: Table) -> list[Row]:
    """The pending rows of `deliveries`, `outbox`, `alerts` or `returns`, oldest first."""
    # A recall and the delivery after it are queued at one moment: the number decides which goes first.
    numbered = [table.c.number] if "number" in table.c else []
    query = select(table).where(table.c.state == "pending")
    return rows(ledger, query.order_by(table.c.created_at, table.c.recipient, *numbered))


def sent_or_pending(ledger: Engine, table: Table, edition_id: str) -> list[Row]:
    """Everything queued for one edition, from `deliveries` or `outbox`, with its state."""
    return rows(ledger, select(table).where(table.c.edition_id == edition_id).order_by(table.c.recipient))


def sent_of(ledger: Engine, edition_id: str | None) -> dict[str, list[Row]]:
    """The packages and the notices of one edition; none of none."""
    tables = {"deliveries": deliveries, "notices": outbox}
    return {name: sent_or_pending(ledger, table, edition_id) if edition_id else [] for name, table in tables.items()}


def mark_sent(ledger: Engine, table: Table, key: str) -> None:
    """Record that a row of one of these tables was sent."""
    with ledger.begin() as connection:
        connection.execute(_attempt(table, key, state="sent", sent_at=now(), last_error=None))
        if table is deliveries:
            journal.keep(connection, deliveries, deliveries.c.delivery_id == key)


def mark_failed(ledger: Engine, table: Table, key: str, error: str) -> None:
    """Record a failed attempt; the row stays pending for the next run."""
    write(ledger, _attempt(table, key, last_error=error[:2000]))


def give_up(ledger: Engine, table: Table, key: str, why: str, who: str) -> None:
    """Give up a pending package or return; the journal keeps the reason.

    A package is superseded: the recipient's next one names its number as a gap. A return stays on disk (`kept`), as
    those without a recipient do. Call it under the lock of the data folder: a run might send it meanwhile.
    Raises `NotPossibleError` for one that is not pending.
    """
    (column,) = table.primary_key
    state = "superseded" if table is deliveries else "kept"
    with ledger.begin() as connection:
        pending_row = update(table).where(column == key, table.c.state == "pending").values(state=state)
        if connection.execute(pending_row).rowcount == 0:
            raise NotPossibleError(f"{key} is not waiting to be sent. Whose: usage. Next: jifen {table.name} list")
        journal.append(connection, "given_up", {"what": table.name, "key": key, "why": why, "decided_by": who})


def _attempt(table: Table, key: str, **values: Any) -> Update:
    (column,) = table.primary_key
    return update(table).where(column == key).values(attempts=table.c.attempts + 1, **values)


def queue_alerts(ledger: Engine, run_id: str | None, messages: Sequence[Message]) -> None:
    """Queue these messages for operators, of a run or of none; one that is queued or sent already stays as it is."""
    with ledger.begin() as connection:
        known = set(connection.execute(select(alerts.c.message_id)).scalars())
        new = [vars(message) for message in messages if message.message_id not in known]
        _insert_pending(connection, alerts, {"run_id": run_id}, new)
