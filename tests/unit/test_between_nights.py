"""Packages and return files between the nights: what waits is tried again, what is answered is read, no night fails."""

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, update

from connectors.errors import ConfigError
from flows import between_nights, relay
from flows.between_nights import send_again
from ledger.deliveries import delivery_row, delivery_rows, queue_recall
from ledger.runs import RunLockedError, exclusive_run, start_run
from ledger.store import write
from ledger.tables import runs
from tests.unit.test_packages import DAYS, Bank


@pytest.fixture
def bank(settings, ledger, tmp_path, monkeypatch):
    """A bank to which an edition is pending, since it was away in the night."""
    found = Bank(settings, ledger, tmp_path / "box", monkeypatch)
    monkeypatch.setattr(between_nights, "read_sinks", lambda: [found.sink])
    monkeypatch.setattr(between_nights, "PAUSE_SECONDS", 0.0)
    found.publish("2025-06-30-a")
    found.is_away = True
    found.send()
    end_newest(ledger, "published")
    return found


@pytest.fixture(autouse=True)
def umask_is_put_back():
    """Whoever holds the lock makes files for itself alone, and does so for its process: threads leave what was last."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


def end_newest(ledger, state, **changed):
    newest = select(func.max(runs.c.run_no)).scalar_subquery()
    values = {"state": state, "edition_id": "2025-06-30-a", **changed}
    write(ledger, update(runs).where(runs.c.run_no == newest).values(values))


def states(bank):
    return [(row["number"], row["state"]) for row in reversed(delivery_rows(bank.ledger))]


def tried(bank):
    return [one for turn in send_again(bank.night) for one in turn]


def test_a_package_that_could_not_be_sent_in_the_night_goes_when_the_bank_is_back(bank):
    ((name, error),) = tried(bank)
    assert (name, "does not answer" in error, states(bank)) == ("bank_a.1", True, [(1, "pending")])
    bank.is_away = False
    assert tried(bank) == [("bank_a.1", None)]
    assert (states(bank), bank.receive_all()) == ([(1, "sent")], ["loaded"])
    assert tried(bank) == []


def test_it_goes_on_the_next_morning_too_and_the_night_queues_the_next_one(bank):
    bank.is_away, bank.day = False, DAYS[1]
    assert tried(bank) == [("bank_a.1", None)]
    bank.send()
    assert (states(bank), bank.receive_all()) == ([(1, "sent"), (2, "sent")], ["loaded"] * 2)


@pytest.mark.parametrize("state", ["blocked", "source_missing", "failed"])
def test_after_a_night_that_was_stopped_only_a_recall_is_sent(bank, state):
    start_run(bank.ledger, DAYS[0], "plain")
    end_newest(bank.ledger, state)
    bank.is_away = False
    assert (tried(bank), states(bank)) == ([], [(1, "pending")])
    with bank.ledger.begin() as connection:
        queue_recall(connection, "bank_a", "2025-06-30-a", [], "wrong", "li")
    assert tried(bank) == [("bank_a.2", None)]
    # What was recalled does not come back by a package that nobody queued.
    assert states(bank) == [(1, "superseded"), (2, "sent")]
    assert tried(bank) == []


def test_of_an_edition_that_was_made_current_since_and_of_an_old_night_nothing_is_sent(bank):
    bank.is_away = False
    end_newest(bank.ledger, "published", edition_id="2025-06-30-b")
    assert (tried(bank), states(bank)) == ([], [(1, "pending")])
    end_newest(bank.ledger, "published", started_at=(datetime.now(UTC) - timedelta(days=3)).isoformat())
    assert (tried(bank), states(bank)) == ([], [(1, "pending")])


def test_an_answer_is_read_and_one_that_says_no_begins_no_second_package(bank):
    bank.is_away = False
    tried(bank)
    row = delivery_row(bank.ledger, "bank_a.1")
    said = {name: row[name] for name in ("recipient", "number", "manifest_sha256")}
    acks = bank.box.parent / "acks"
    acks.mkdir()
    ack = acks / f"{row['file_name']}.ack.json"
    ack.write_text(json.dumps({**said, "number": 9, "state": "accepted"}))
    ((name, error),) = tried(bank)
    assert (name, "names another recipient, number or manifest" in error) == ("answers of bank_a", True)
    ack.write_text(json.dumps({**said, "state": "rejected", "reason": "row 7"}))
    assert tried(bank) == []
    assert (delivery_row(bank.ledger, "bank_a.1")["ack_state"], states(bank)) == ("rejected", [(1, "sent")])


def test_a_package_to_a_recipient_that_has_no_sink_file_is_told(bank, monkeypatch):
    monkeypatch.setattr(between_nights, "read_sinks", list)
    ((name, error),) = tried(bank)
    assert (name, "it has no sink file" in error) == ("bank_a.1", True)


def test_while_a_night_is_at_work_nothing_is_sent(bank):
    bank.is_away = False
    with exclusive_run(bank.settings.data_dir):
        ((name, error),) = tried(bank)
    assert (name, "another run holds" in error, states(bank)) == ("bank_a.1", True, [(1, "pending")])


def test_while_a_night_of_another_host_is_at_work_nothing_is_sent(bank):
    bank.is_away = False
    start_run(bank.ledger, DAYS[0], "plain")
    newest = select(func.max(runs.c.run_no)).scalar_subquery()
    write(bank.ledger, update(runs).where(runs.c.run_no == newest).values(host="another"))
    ((name, error),) = tried(bank)
    assert (name, "is at work on another" in error, states(bank)) == ("bank_a.1", True, [(1, "pending")])


def held_by(data_dir, leave, *, is_relay):
    """Another holder of the lock, that has it when this returns."""
    taken = threading.Event()

    def hold():
        with exclusive_run(data_dir, is_relay=is_relay):
            taken.set()
            leave.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(20)
    return thread


def test_a_night_waits_for_the_relay_and_not_for_another_night(settings):
    leave = threading.Event()
    relaying = held_by(settings.data_dir, leave, is_relay=True)
    threading.Timer(1.0, leave.set).start()
    with exclusive_run(settings.data_dir):
        pass
    relaying.join()
    # The word of the relay is gone with its turn.
    leave.clear()
    working = held_by(settings.data_dir, leave, is_relay=False)
    with pytest.raises(RunLockedError), exclusive_run(settings.data_dir):
        pass
    leave.set()
    working.join()


def test_a_night_that_waited_for_the_relay_has_its_half_second_left_for_whoever_comes_between(settings):
    leave, ended = threading.Event(), []

    def wait_for_it():
        with exclusive_run(settings.data_dir):
            threading.Event().wait(0.2)
        ended.append("whole")

    relaying = held_by(settings.data_dir, leave, is_relay=True)
    waiting = [threading.Thread(target=wait_for_it) for _ in range(2)]
    for one in waiting:
        one.start()
    threading.Timer(1.0, leave.set).start()
    for one in (*waiting, relaying):
        one.join()
    assert ended == ["whole"] * 2


def test_a_sink_file_that_cannot_be_read_is_told_and_stops_no_relay(bank, monkeypatch):
    def unreadable():
        raise ConfigError("is no YAML.", "connectors/sinks/bank_a.yml", "fix it")

    monkeypatch.setattr(between_nights, "read_sinks", unreadable)
    ((name, error),) = tried(bank)
    assert (name, "is no YAML" in error) == ("packages", True)


def test_the_relay_tries_packages_in_its_first_round_and_then_each_quarter_hour(bank, monkeypatch):
    now, slept = [1000.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(relay, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    at_work = relay.relay(bank.night, once=False)
    name, error = next(at_work)
    assert (name, error is None, slept) == ("bank_a.1", False, [])
    bank.is_away = False
    assert next(at_work) == ("bank_a.1", None)
    assert sum(slept) >= between_nights.EVERY_SECONDS
    at_work.close()
