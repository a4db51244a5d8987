"""The journal of the ledger: an entry changed, removed, moved or cut off shows, and so does a row that it tells of."""

import itertools
from datetime import date

import pytest
from sqlalchemy import delete, select, update

from ledger.acts import WITHDRAWN, record_act
from ledger.held import decide_held
from ledger.journal import Head, append, breaks, differences, entries, head, keep, sha256_of
from ledger.objections import close_publicity, decide_objection, open_objection, open_publicity
from ledger.publications import mark_sent, publish
from ledger.quarantine import Decision, decide
from ledger.runs import start_run
from ledger.tables import (
    deliveries,
    edition_acts,
    editions,
    held_decisions,
    journal,
    objections,
    publications,
    publicities,
)
from tests.unit.conftest import DAY

EDITION = {"edition_id": "e", "as_of": "2025-06-30", "recipe_sha256": "r", "manifest_sha256": "m", "ruleset_id": "x"}


@pytest.fixture
def ledger(ledger):
    """A ledger in which an edition was published and sent, and something decided."""
    decision = Decision("0" * 16, "tax", "statements", "discarded", "a test record", "wang")
    decide(ledger, [decision], DAY)
    publish(
        ledger, EDITION, start_run(ledger, DAY, "plain"), None, ["bank_a"], [], {"content_sha256": "c", "content": {}}
    )
    mark_sent(ledger, deliveries, "bank_a.1")
    return ledger


def execute(ledger, *statements):
    with ledger.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def test_what_was_published_decided_and_sent_is_in_it_in_order_and_whole(ledger):
    assert [entry["kind"] for entry in entries(ledger)] == [
        "bound",
        "decision",
        "edition",
        "ruleset",
        "publication",
        "delivery",
    ]
    assert list(breaks(ledger, {"e": head(ledger)})) == list(differences(ledger)) == []


COLUMNS = ("kind", "content", "at", "prev_sha256", "sha256")


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("number", range(1, 7))
def test_any_column_of_any_entry_that_is_edited_shows(ledger, number, column):
    execute(ledger, update(journal).where(journal.c.sequence == number).values({column: "x" * 8}))
    (found,) = breaks(ledger, {})
    assert f"entry {number} " in found


@pytest.mark.parametrize("number", range(1, 6))
def test_an_entry_removed_shows(ledger, number):
    execute(ledger, delete(journal).where(journal.c.sequence == number))
    assert list(breaks(ledger, {})) == [f"entry {number} is not there; {number + 1} stands in its place"]


def test_two_entries_exchanged_show(ledger):
    def move(before, after):
        return update(journal).where(journal.c.sequence == before).values(sequence=after)

    execute(ledger, move(3, 99), move(4, 3), move(99, 4))
    assert next(breaks(ledger, {})).startswith("entry 3 (")


def test_a_journal_cut_at_its_end_shows_by_the_manifest_of_an_edition_and_by_the_rows(ledger):
    sealed = {"edition e": head(ledger)}
    execute(ledger, delete(journal).where(journal.c.sequence == 6))
    assert list(breaks(ledger, sealed)) == ["the journal ends at entry 5; edition e was made when it had 6"]
    assert "delivery bank_a.1: is in the ledger, and not in the journal" in list(differences(ledger))


def test_a_journal_written_anew_from_the_beginning_shows_by_the_manifest(ledger):
    sealed = {"edition e": head(ledger)}
    rows = [dict(row) for row in entries(ledger)]
    execute(ledger, delete(journal))
    with ledger.begin() as connection:
        for row in rows:
            append(connection, row["kind"], {**row["content"], "why": "forged"})
    assert list(breaks(ledger, {})) == []
    assert list(breaks(ledger, sealed)) == ["entry 6 is not the one that edition e was made upon"]


@pytest.mark.parametrize(
    ("table", "column"), [(editions, "manifest_sha256"), (publications, "published_at"), (deliveries, "rows")]
)
def test_a_row_that_was_edited_behind_the_journal_shows(ledger, table, column):
    value = 9 if column == "rows" else "forged"
    execute(ledger, update(table).values({column: value}))
    (found,) = differences(ledger)
    assert f"{column} is {value!r}, the journal says" in found


def test_a_row_that_was_removed_or_added_behind_the_journal_shows(ledger):
    execute(ledger, delete(publications), editions.insert().values(**{**EDITION, "edition_id": "forged"}))
    assert sorted(found.partition(":")[0] for found in differences(ledger)) == ["edition forged", "publication 1"]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        (edition_acts, "why", "forged"),
        (held_decisions, "action", "rejected"),
        (objections, "decision", "rejected"),
        (objections, "corrected_by", "e"),
        (publicities, "until", "2025-07-01"),
        (editions, "signed_by", None),
    ],
)
def test_what_people_decided_cannot_be_edited_or_removed_behind_the_journal(ledger, table, column, value):
    """Who takes away the row of a withdrawal would have the withdrawn edition stand again."""
    publish(
        ledger,
        {**EDITION, "edition_id": "f", "kind": "nightly", "signed_by": "AB"},
        start_run(ledger, DAY, "plain"),
        "e",
        [],
        [],
    )
    record_act(ledger, WITHDRAWN, "f", "f", "e", "wrong", "li", [], [])
    held = {"source": "tax", "dataset": "statements", "batch": "2025-06-30-002", "content_sha256": "c"}
    decide_held(ledger, held, "accepted", "it is so", "wang", DAY)
    open_publicity(ledger, "e", "points", DAY, 6, "li")
    close_publicity(ledger, "e", "points", date(2025, 8, 1), "li")
    objection = open_objection(ledger, "e", "9" * 18, "its patents", DAY, 20, "li")["objection_id"]
    decide_objection(ledger, objection, "upheld", "it is right", DAY, "wang")
    assert list(differences(ledger)) == []
    which = table.c.edition_id == "f" if table is editions else True
    execute(ledger, update(table).where(which).values({column: value}))
    (found,) = differences(ledger)
    assert f"{column} is {value!r}, the journal says" in found
    if table is not editions:
        execute(ledger, delete(table))
        (found,) = differences(ledger)
        assert "is in the journal, and no longer in the ledger" in found


def test_what_is_undone_with_its_transaction_leaves_no_entry(ledger):
    before = head(ledger)

    def undone():
        with ledger.begin() as connection:
            keep(connection, editions)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    assert head(ledger) == before


def test_the_hash_is_of_all_that_an_entry_says(ledger):
    with ledger.begin() as connection:
        rows = [dict(row) for row in connection.execute(select(journal).order_by(journal.c.sequence)).mappings()]
    for before, row in itertools.pairwise(rows):
        assert row["prev_sha256"] == before["sha256"] == sha256_of(before)
        for column in ("kind", "content", "at", "prev_sha256"):
            assert sha256_of({**row, column: row[column] + " "}) != row["sha256"]
    assert head(ledger) == Head(len(rows), rows[-1]["sha256"])
