"""What people did to published editions: rolled back, withdrew, corrected. Only ever appended to."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, desc, func, insert, select

from ledger import journal
from ledger.deliveries import supersede
from ledger.publications import Message, add_publication, queue, require_current
from ledger.store import Row, next_number, now, rows
from ledger.tables import deliveries, edition_acts, publications

ROLLED_BACK, WITHDRAWN, CORRECTED = "rolled_back", "withdrawn", "corrected"


class EditionWithdrawnError(RuntimeError):
    """The edition to be published was withdrawn earlier; a withdrawn edition is never published again."""

    def __init__(self, act: Row) -> None:
        super().__init__(
            f"edition {act['edition_id']} was withdrawn by {act['decided_by']} ({act['why']}), and the same facts and "
            "rules give it again: it is not published. Whose: data or config. Next: fix what was wrong, then "
            "jifen run"
        )


def acts(ledger: Engine) -> list[Row]:
    """Every act, newest first."""
    return rows(ledger, select(edition_acts).order_by(desc(edition_acts.c.act_no)))


def withdrawn(ledger: Engine) -> dict[str, Row]:
    """The withdrawal of each withdrawn edition, by the edition's id."""
    return {act["edition_id"]: act for act in acts(ledger) if act["act"] == WITHDRAWN}


def require_not_withdrawn(ledger: Engine, edition_id: str) -> None:
    """Raise `EditionWithdrawnError` where an edition was withdrawn."""
    if act := withdrawn(ledger).get(edition_id):
        raise EditionWithdrawnError(act)


def earlier_edition(ledger: Engine, edition_id: str) -> str | None:
    """The last edition that was current before this one and was not withdrawn; None where there is none."""
    gone = {*withdrawn(ledger), edition_id}
    first = select(func.min(publications.c.publication_no)).where(publications.c.edition_id == edition_id)
    query = select(publications.c.edition_id).where(publications.c.publication_no < first.scalar_subquery())
    before = rows(ledger, query.order_by(desc(publications.c.publication_no)))
    return next((str(row["edition_id"]) for row in before if row["edition_id"] not in gone), None)


def record_act(
    ledger: Engine,
    act: str,
    edition_id: str,
    expected_current: str,
    stands: str,
    why: str,
    decided_by: str,
    recipients: Sequence[str],
    messages: Sequence[Message],
) -> None:
    """In one transaction: record the act and, where another edition is to be current, publish that edition again.

    `edition_id` is the edition that the act is about, `stands` the edition that is current after it. Unsent deliveries
    of all other editions are superseded. Raises `CurrentMovedError`, and writes nothing, unless `expected_current` is
    current.
    """
    with ledger.begin() as connection:
        require_current(connection, expected_current)
        supersede(connection, deliveries.c.edition_id == edition_id)
        if stands != expected_current:
            supersede(connection)
            add_publication(connection, stands, expected_current, None)
            queue(connection, stands, recipients, [])
        queue(connection, edition_id, [], messages)
        _append(connection, act=act, edition_id=edition_id, stands=stands, why=why, decided_by=decided_by)


def record_correction(
    ledger: Engine, edition_id: str, stands: str, note: dict[str, Any], why: str, decided_by: str
) -> None:
    """Record that `stands` corrects `edition_id`; `note` lists what the correction changed."""
    with ledger.begin() as connection:
        values = {"edition_id": edition_id, "stands": stands, "why": why, "decided_by": decided_by}
        _append(connection, act=CORRECTED, note=note, **values)


def _append(connection: Connection, note: dict[str, Any] | None = None, **act: str) -> None:
    number = next_number(connection, edition_acts.c.act_no)
    connection.execute(insert(edition_acts).values(act_no=number, note=note, decided_at=now(), **act))
    journal.append(connection, "edition_act", {**act, "note": note})
