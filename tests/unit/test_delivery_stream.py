"""The stream to one recipient: numbers without a gap, one delivery a day, answers that stand."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from editions.working_days import add_working_days
from ledger import journal
from ledger.deliveries import (
    RECALL,
    acknowledge,
    delivery_rows,
    queue_due,
    queue_recall,
    record_composed,
    rejected,
    unacknowledged,
)
from ledger.publications import current_id, mark_sent, pending, publish
from ledger.runs import start_run
from ledger.settings import Settings
from ledger.store import open_ledger
from ledger.tables import deliveries

DAY = date(2025, 6, 30)


def edition(name):
    facts = {"recipe_sha256": "r", "manifest_sha256": "m", "ruleset_id": "x", "kind": "nightly", "signed_by": None}
    return {"edition_id": name, "as_of": "2025-06-30", **facts}


def publish_one(ledger, name, to=("bank_a",)):
    publish(ledger, edition(name), start_run(ledger, DAY, "plain"), current_id(ledger), to, [])


def due(ledger, today, to=("bank_a",)):
    queue_due(ledger, to, current_id(ledger), today)


def waiting(ledger):
    return [(row["delivery_id"], row["kind"], row["due_on"]) for row in pending(ledger, deliveries)]


def test_a_recipient_that_never_had_anything_queued_gets_the_current_edition_once(ledger):
    due(ledger, "2025-07-01")
    assert waiting(ledger) == []
    publish_one(ledger, "e")
    for _ in range(2):
        due(ledger, "2025-07-01", ("bank_a", "bank_b"))
    assert waiting(ledger) == [("bank_a.1", "edition", "2025-07-01"), ("bank_b.1", "daily", "2025-07-01")]


def test_a_day_on_which_nothing_changed_has_a_delivery_all_the_same(ledger):
    publish_one(ledger, "e")
    due(ledger, "2025-07-01")
    mark_sent(ledger, deliveries, "bank_a.1")
    due(ledger, "2025-07-01")
    assert waiting(ledger) == []
    due(ledger, "2025-07-02")
    assert waiting(ledger) == [("bank_a.2", "daily", "2025-07-02")]


def test_what_an_earlier_day_left_unsent_is_superseded_and_a_recall_is_not(ledger):
    publish_one(ledger, "e")
    due(ledger, "2025-07-01")
    with ledger.begin() as connection:
        queue_recall(connection, "bank_a", "e", ["u"], "a mistake", "someone")
    due(ledger, "2025-07-02")
    publish_one(ledger, "f")
    assert waiting(ledger) == [("bank_a.2", RECALL, None), ("bank_a.4", "edition", None)]
    assert [row["state"] for row in delivery_rows(ledger)] == ["pending", "superseded", "pending", "superseded"]


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.sampled_from(["publish", "day", "sent", "recall"]), max_size=12))
def test_numbers_have_no_gap_and_at_most_one_package_of_rows_waits(tmp_path_factory, steps):
    ledger = open_ledger(Settings(data_dir=tmp_path_factory.mktemp("stream"), _env_file=None))
    day = 1
    publish_one(ledger, "e0")
    for place, step in enumerate(steps, start=1):
        if step == "publish":
            publish_one(ledger, f"e{place}")
        elif step == "day":
            day += 1
        elif step == "recall":
            with ledger.begin() as connection:
                queue_recall(connection, "bank_a", "e0", ["u"], "why", "who")
        else:
            for row in pending(ledger, deliveries):
                mark_sent(ledger, deliveries, row["delivery_id"])
        due(ledger, f"2025-07-{day:02d}")
        numbers = sorted(row["number"] for row in delivery_rows(ledger))
        assert numbers == list(range(1, len(numbers) + 1))
        assert sum(row["kind"] != RECALL for row in pending(ledger, deliveries)) <= 1
        assert f"2025-07-{day:02d}" in {row["due_on"] for row in delivery_rows(ledger)}
    ledger.dispose()


@pytest.fixture
def sent(ledger):
    publish_one(ledger, "e")
    due(ledger, "2025-07-01")
    values = {"manifest_sha256": "m", "sha256": "s", "ack_due_on": "2025-07-03"}
    record_composed(ledger, "bank_a.1", values, [{"consent_id": "c", "uscc": "u", "reason": "withdrawn"}])
    mark_sent(ledger, deliveries, "bank_a.1")
    return ledger


def test_an_answer_is_late_after_its_last_day_and_until_it_is_final(sent):
    assert unacknowledged(sent, "2025-07-03") == []
    assert [row["delivery_id"] for row in unacknowledged(sent, "2025-07-04")] == ["bank_a.1"]
    assert acknowledge(sent, "bank_a.1", "received", None, "bank")
    assert len(unacknowledged(sent, "2025-07-04")) == 1
    assert acknowledge(sent, "bank_a.1", "rejected", "totals", "bank")
    assert unacknowledged(sent, "2025-07-04") == []
    assert [row["ack_reason"] for row in rejected(sent)] == ["totals"]


def test_a_final_answer_stands_and_the_journal_knows_each_step(sent):
    assert acknowledge(sent, "bank_a.1", "accepted", None, "bank")
    assert not acknowledge(sent, "bank_a.1", "accepted", None, "bank")
    assert not acknowledge(sent, "bank_a.1", "received", None, "bank")
    with pytest.raises(ValueError, match="was accepted and is now reported as rejected"):
        acknowledge(sent, "bank_a.1", "rejected", "totals", "bank")
    with pytest.raises(ValueError, match="no acknowledgement"):
        acknowledge(sent, "bank_a.1", "read", None, "bank")
    assert [one["kind"] for one in journal.entries(sent)][-3:] == ["composed", "delivery", "delivery_ack"]
    assert list(journal.breaks(sent, {})) == list(journal.differences(sent)) == []


@pytest.mark.parametrize(
    ("day", "count", "last"),
    [
        ("2025-09-30", 2, "2025-10-10"),  # 国庆 and 中秋: 1 to 8 October
        ("2025-01-25", 1, "2025-01-26"),  # a Sunday that is worked
        ("2025-07-04", 1, "2025-07-07"),
    ],
)
def test_a_deadline_is_in_working_days_of_the_published_calendar(day, count, last):
    assert add_working_days(date.fromisoformat(day), count) == date.fromisoformat(last)


@pytest.mark.parametrize(("day", "count"), [("2031-01-03", 1), ("2026-12-30", 3)])
def test_a_deadline_beyond_the_published_calendar_is_not_guessed(day, count):
    assert add_working_days(date.fromisoformat(day), count) is None
