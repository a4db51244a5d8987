"""Packages and return files between the nights: what waits is tried again, what is answered is read, no night fails."""

import json
import threading
from datetime import datetime

import pytest

from connectors.errors import ConfigError
from flows import between_nights, relay
from flows.between_nights import send_again
from ledger.deliveries import delivery_row, delivery_rows
from ledger.runs import RunLockedError, exclusive_run
from tests.unit.test_packages import DAYS, Bank


@pytest.fixture
def bank(settings, ledger, tmp_path, monkeypatch):
    """A bank to which an edition is pending, since it was away in the night."""
    found = Bank(settings, ledger, tmp_path / "box", monkeypatch)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(found.day.year, found.day.month, found.day.day, 12, tzinfo=tz)

    monkeypatch.setattr(between_nights, "datetime", Clock)
    monkeypatch.setattr(between_nights, "night_without_run", lambda _: found.night)
    monkeypatch.setattr(between_nights, "PAUSE_SECONDS", 0.0)
    found.publish("2025-06-30-a")
    found.is_away = True
    found.send()
    return found


def states(bank):
    return [(row["number"], row["state"]) for row in reversed(delivery_rows(bank.ledger))]


def test_a_package_that_could_not_be_sent_in_the_night_goes_when_the_bank_is_back(bank):
    ((name, error),) = send_again(bank.settings)
    assert (name, "does not answer" in error, states(bank)) == ("bank_a.1", True, [(1, "pending")])
    bank.is_away = False
    assert list(send_again(bank.settings)) == [("bank_a.1", None)]
    assert (states(bank), bank.receive_all()) == ([(1, "sent")], ["loaded"])
    assert list(send_again(bank.settings)) == []


def test_what_waits_since_yesterday_gives_way_to_a_package_of_today(bank):
    bank.is_away, bank.day = False, DAYS[1]
    assert list(send_again(bank.settings)) == [("bank_a.2", None)]
    assert (states(bank), bank.receive_all()) == ([(1, "superseded"), (2, "sent")], ["loaded"])


def test_an_answer_is_read_and_one_that_says_no_begins_no_second_package(bank):
    bank.is_away = False
    list(send_again(bank.settings))
    row = delivery_row(bank.ledger, "bank_a.1")
    said = {name: row[name] for name in ("recipient", "number", "manifest_sha256")}
    acks = bank.box.parent / "acks"
    acks.mkdir()
    ack = acks / f"{row['file_name']}.ack.json"
    ack.write_text(json.dumps({**said, "number": 9, "state": "accepted"}))
    ((name, error),) = send_again(bank.settings)
    assert (name, "names another recipient, number or manifest" in error) == ("answers of bank_a", True)
    ack.write_text(json.dumps({**said, "state": "rejected", "reason": "row 7"}))
    assert list(send_again(bank.settings)) == []
    assert (delivery_row(bank.ledger, "bank_a.1")["ack_state"], states(bank)) == ("rejected", [(1, "sent")])


def test_while_a_night_is_at_work_nothing_is_sent(bank):
    bank.is_away = False
    with exclusive_run(bank.settings.data_dir):
        assert list(send_again(bank.settings)) == []
    assert states(bank) == [(1, "pending")]


def test_a_night_waits_for_the_relay_and_not_for_another_night(settings):
    taken, leave = threading.Event(), threading.Event()

    def hold(*, is_relay):
        with exclusive_run(settings.data_dir, is_relay=is_relay):
            taken.set()
            leave.wait(20)

    def held_by(*, is_relay):
        taken.clear()
        leave.clear()
        thread = threading.Thread(target=hold, kwargs={"is_relay": is_relay})
        thread.start()
        assert taken.wait(20)
        return thread

    relaying = held_by(is_relay=True)
    threading.Timer(1.0, leave.set).start()
    with exclusive_run(settings.data_dir):
        pass
    relaying.join()
    # The word of the relay is gone with its turn.
    working = held_by(is_relay=False)
    with pytest.raises(RunLockedError), exclusive_run(settings.data_dir):
        pass
    leave.set()
    working.join()


def test_a_sink_file_that_cannot_be_read_is_told_and_stops_no_relay(settings, monkeypatch):
    def unreadable(_):
        raise ConfigError("is no YAML.", "connectors/sinks/bank_a.yml", "mend it")

    monkeypatch.setattr(between_nights, "night_without_run", unreadable)
    ((name, error),) = send_again(settings)
    assert (name, "is no YAML" in error) == ("packages", True)


def test_the_relay_tries_packages_in_its_first_round_and_then_each_quarter_hour(bank, monkeypatch):
    bank.is_away = False
    now, slept = [1000.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(relay.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(relay.time, "sleep", sleep)
    at_work = relay.relay(bank.night, once=False)
    assert next(at_work) == ("bank_a.1", None)
    bank.day = DAYS[1]
    bank.is_away = True
    bank.send()
    name, error = next(at_work)
    assert (name, error is None, sum(slept) >= between_nights.EVERY_SECONDS) == ("bank_a.2", False, True)
    at_work.close()
