"""Messages to a real receiver: the schedule, dead letters, a channel that is gone, claims, what people do."""

import itertools
import json
import os
import signal
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cli import status
from connectors.sink_files import EVENTS, NoticeSink
from connectors.zone import Zone
from flows import relay
from flows.events import message
from flows.night import Night
from ledger.journal import entries
from ledger.outbox import Limits, acts_of, attempts_of, claim, discard, messages, record, relay_rows, waiting
from ledger.publications import publish
from ledger.runs import start_run
from ledger.settings import Settings
from ledger.store import open_ledger
from ledger.tables import alerts, outbox
from tests import outbox_sweep
from tests.command_line import jifen
from tests.contract.small_agency import Reply, serve
from tests.contract.test_webhook_driver import HOOK_SECRET, SINK

DAY = date(2025, 6, 30)
OPERATORS = {**SINK, "name": "operators", "kind": "alert", "connection": {"url": {"env": "OPS"}, **SINK["connection"]}}
OPERATORS["connection"] = {"url": {"env": "OPS_URL"}, "secret": {"env": "HOOK_SECRET"}}
SCHEDULE = [timedelta(seconds=seconds) for seconds in relay.WAITS_SECONDS]


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = datetime(2025, 7, 1, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def channel(monkeypatch, tmp_path):
    """A receiver that answers `channel.says`, and a night with messages to it: `channel.night`, `channel.queue(n)`."""
    monkeypatch.setenv("HOOK_SECRET", HOOK_SECRET)
    settings = Settings(
        data_dir=tmp_path / "data",
        retry_seconds=2,
        request_timeout_seconds=1,
        channel_hosts="127.0.0.1",
        _env_file=None,
    )
    ledger = open_ledger(settings)
    sinks = tuple(NoticeSink.model_validate(sink) for sink in (SINK, OPERATORS))
    run_id, number = start_run(ledger, DAY, "plain"), itertools.count(1)
    facts = {"recipe_sha256": "r", "manifest_sha256": "m", "ruleset_id": "x", "kind": "nightly", "signed_by": None}

    def queue(count=1):
        name = f"e{next(number)}"
        made = [
            message(f"{name}.channel.{n}", "channel", EVENTS["edition_published"], name, {"n": n, "text": str(n)})
            for n in range(1, count + 1)
        ]
        before = f"e{int(name[1:]) - 1}" if name != "e1" else None
        publish(ledger, {"edition_id": name, "as_of": "2025-06-30", **facts}, run_id, before, [], made)

    with serve(lambda _: running.says) as running, serve(lambda _: Reply(b"ok")) as operators:
        monkeypatch.setenv("HOOK_URL", running.url)
        monkeypatch.setenv("OPS_URL", operators.url)
        running.says, running.queue, running.operators = Reply(b"ok"), queue, operators
        running.night = Night("", DAY, settings, ledger, (), sinks, Zone())
        yield running


def tried(channel, clock, table=outbox):
    return [error is None for _, error in relay.try_messages(channel.night, table, clock)]


def only(channel):
    (row,) = [row for row in messages(channel.night.ledger) if row["recipient"] == "channel"]
    return row


def until_dead(channel, clock):
    waits = []
    while only(channel)["state"] == "pending":
        tried(channel, clock)
        if due := only(channel)["next_try_at"] and only(channel)["state"] == "pending":
            due = datetime.fromisoformat(only(channel)["next_try_at"])
            waits.append(due - clock.now)
            clock.now = due - timedelta(seconds=1)
            assert tried(channel, clock) == [], "not before its time"
            clock.now = due
    return waits


@pytest.mark.parametrize("reply", [Reply(b"", 503), Reply(b"", 302, {"Location": "/"}), Reply({"errcode": 93000})])
def test_a_message_is_tried_ten_times_over_three_days_then_it_is_a_dead_letter_and_operators_hear(
    channel, clock, reply
):
    channel.queue()
    channel.says = reply
    waits = until_dead(channel, clock)
    assert [(least <= wait <= least * 1.11) for wait, least in zip(waits, SCHEDULE, strict=True)] == [True] * 9
    assert (len(channel.seen), only(channel)["state"], only(channel)["attempts"]) == (10, "dead", 10)
    told = attempts_of(channel.night.ledger, "e1.channel.1")
    assert [row["number"] for row in told] == list(range(1, 11))
    assert all(row["outcome"].startswith("channel: the channel") for row in told)
    assert len({row["at"] for row in told}) == 10
    assert tried(channel, clock, alerts) == [True]
    alert = json.loads(channel.operators.seen[0].body)
    assert (alert["type"], alert["data"]["message_id"]) == ("cn.jifen.message.dead.v1", "e1.channel.1")
    assert {one.headers["webhook-id"] for one in channel.seen} == {"e1.channel.1"}


@pytest.mark.parametrize("driver", ["webhook", "dingtalk"])
def test_a_message_goes_to_no_address_inside_the_house_by_any_driver(channel, clock, driver, monkeypatch):
    monkeypatch.setenv("HOOK_URL", f"{channel.url}/send?access_token=made-up")
    channel.queue()
    settings = channel.night.settings.model_copy(update={"channel_hosts": ""})
    sinks = tuple(one.model_copy(update={"driver": driver}) for one in channel.night.sinks)
    channel.night = replace(channel.night, settings=settings, sinks=sinks)
    clock.now += timedelta(minutes=7)  # bots are left alone around the full hour
    assert tried(channel, clock) == [False]
    assert "leads to 127.0.0.1, loopback" in only(channel)["last_error"]
    assert channel.seen == []


def test_a_wait_that_the_channel_asks_for_is_kept_for_all_its_messages(channel, clock):
    channel.queue(2)
    channel.says = Reply(b"", 429, {"Retry-After": "3600"})
    assert tried(channel, clock) == [False]
    channel.says = Reply(b"ok")
    clock.now += timedelta(seconds=3599)
    assert tried(channel, clock) == []
    assert [line["state"] for line in relay.notify_pending(channel.night, outbox, clock)] == ["pending", "pending"]
    clock.now += timedelta(seconds=400)
    assert tried(channel, clock) == [True, True]


def test_a_clock_that_ran_ahead_and_was_put_right_silences_no_channel(channel, clock, monkeypatch):
    monkeypatch.setattr(relay, "_limits", lambda *_: Limits(1))
    channel.queue(2)
    channel.says = Reply(b"", 503)
    clock.now += timedelta(days=400)
    assert tried(channel, clock) == [False]
    clock.now -= timedelta(days=400)
    assert tried(channel, clock) == [False]
    assert tried(channel, clock) == [], "its own schedule goes by the clock that is right"
    channel.says = Reply(b"ok")
    clock.now += timedelta(minutes=1)
    assert tried(channel, clock) == [True]
    clock.now += timedelta(minutes=5)
    assert tried(channel, clock) == [True]


def test_a_channel_that_is_gone_gets_nothing_more_until_a_person_opens_it(channel, clock, monkeypatch):
    channel.queue(2)
    channel.says = Reply(b"", 410)
    assert tried(channel, clock) == [False]
    channel.queue()
    clock.now += timedelta(days=30)
    assert tried(channel, clock) == []
    assert len(channel.seen) == 1
    lines = relay.notify_pending(channel.night, outbox, clock)
    assert {(line["state"], line["error"].partition(" since ")[0]) for line in lines} == {("pending", "disabled")}
    states = {row["message_id"]: row["state"] for row in messages(channel.night.ledger, recipient="channel")}
    assert states == {"e1.channel.1": "dead", "e1.channel.2": "pending", "e2.channel.1": "pending"}
    monkeypatch.setenv("JIFEN_DATA_DIR", str(channel.night.settings.data_dir))
    found = [text for _, text in status.troubles(status.standing(channel.night.settings))]
    assert any("channel is disabled" in text for text in found)
    assert any("1 dead letter to channel" in text for text in found)
    channel.says = Reply(b"ok")
    command(channel, "replay", "--recipient", "channel", "--why", "a new address")
    assert sorted(tried(channel, clock)) == [True] * 3


def command(channel, *words):
    settings = channel.night.settings
    env = {**os.environ, "JIFEN_DATA_DIR": str(settings.data_dir), "JIFEN_OPERATOR": "李工", "JIFEN_ENV_FILE": ""}
    return jifen("outbox", *words, env=env, cwd=settings.data_dir)


def test_what_a_person_does_stands_in_the_journal_with_who_and_why(channel, clock):
    channel.queue(2)
    channel.says = Reply({"errcode": 1})
    for _ in range(11):
        tried(channel, clock)
        clock.now += timedelta(days=2)
    assert [row["state"] for row in messages(channel.night.ledger, "dead", "channel")] == ["dead"] * 2
    assert json.loads(command(channel, "list", "--state", "dead", "--json").stdout)[0]["recipient"] == "channel"
    assert command(channel, "discard", "e1.channel.1").returncode == 2, "without a reason nothing is given up"
    assert command(channel, "discard", "e1.channel.1", "--why", "told by telephone").returncode == 0
    assert command(channel, "replay", "e1.channel.2", "--why", "their keyword was set").returncode == 0
    channel.says = Reply({"errcode": 0})
    assert tried(channel, clock) == [True]
    done = command(channel, "replay", "e1.channel.2")
    assert (done.returncode, b"arrived, and is not sent again" in done.stderr) == (2, True)
    assert command(channel, "discard", "e9").returncode == 2
    shown = json.loads(command(channel, "show", "e1.channel.2", "--json").stdout)
    assert (shown["state"], len(shown["tried"])) == ("sent", 11)
    text = command(channel, "show", "e1.channel.2").stdout.decode()
    assert [part in text for part in ("\nstate ", "replayed", "李工", '"specversion": "1.0"')] == [True] * 4
    assert [(act["act"], act["why"], act["decided_by"]) for act in shown["acts"]] == [
        ("replayed", "their keyword was set", "李工")
    ]
    acts = [one["content"]["act"] for one in entries(channel.night.ledger) if one["kind"] == "message_act"]
    assert acts == ["discarded", "replayed"]


def test_a_person_who_runs_tries_before_the_time_and_moves_nothing(channel, clock, monkeypatch):
    monkeypatch.setattr(relay, "WAITS_SECONDS", (0, *relay.WAITS_SECONDS[1:]))
    channel.queue()
    channel.says = Reply(b"", 503)
    (line,) = relay.notify_pending(channel.night, outbox, clock)
    due = only(channel)["next_try_at"]
    assert (line["state"], len(channel.seen), only(channel)["attempts"]) == ("pending", 2, 2)
    relay.notify_pending(channel.night, outbox, clock)
    assert (only(channel)["next_try_at"], only(channel)["attempts"], len(channel.seen)) == (due, 2, 3)
    channel.says = Reply(b"ok")
    assert [line["state"] for line in relay.notify_pending(channel.night, outbox, clock)] == ["sent"]


def test_two_relays_at_once_send_each_message_once(channel, clock):
    channel.queue(40)
    barrier = threading.Barrier(2)

    def work():
        barrier.wait()
        tried(channel, clock)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [one.headers["webhook-id"] for one in channel.seen]
    assert len(ids) == len(set(ids)) == 40


def test_a_message_whose_relay_was_killed_between_send_and_mark_is_sent_again_with_its_id(channel, clock):
    channel.queue()
    ledger, child = channel.night.ledger, os.fork()
    if child == 0:
        claim(open_ledger(channel.night.settings), outbox, "e1.channel.1", clock(), 60, early=False)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert tried(channel, clock) == [True]
    assert [row["outcome"] for row in attempts_of(ledger, "e1.channel.1")] == [None, "sent"]
    assert waiting(ledger, outbox, clock()) == []


def test_the_relay_is_heard_of_while_it_is_at_work_and_missed_where_it_died(channel, monkeypatch):
    channel.queue()
    at_work = relay.relay(channel.night, once=False)
    assert next(at_work) == ("e1.channel.1", None)
    (row,) = relay_rows(channel.night.ledger)
    at_work.close()
    assert relay_rows(channel.night.ledger) == []
    monkeypatch.setattr("cli.status.relay_rows", lambda _: [{**row, "seen_at": "2025-06-30T00:00:00.000+00:00"}])
    found = [text for _, text in status.troubles(status.standing(channel.night.settings))]
    assert any("jifen outbox relay" in text for text in found)


def test_a_relay_with_nothing_to_send_waits_for_what_comes(channel, monkeypatch):
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        if len(waited) == 2:
            channel.queue()

    monkeypatch.setattr(relay.time, "sleep", sleep)
    at_work = relay.relay(channel.night, once=False)
    assert next(at_work) == ("e1.channel.1", None)
    at_work.close()
    assert waited == [relay.POLL_SECONDS] * 2


def test_nobody_acts_on_a_message_twice(channel):
    channel.queue()
    command(channel, "discard", "e1.channel.1", "--why", "no longer wanted")
    assert command(channel, "discard", "e1.channel.1", "--why", "again").returncode == 2
    assert len(acts_of(channel.night.ledger, "e1.channel.1")) == 1


def test_what_is_given_up_while_it_is_sent_is_no_dead_letter(channel, clock):
    channel.queue()
    ledger = channel.night.ledger
    sending = claim(ledger, outbox, "e1.channel.1", clock(), 60, early=False)
    discard(ledger, "e1.channel.1", "no longer wanted", "someone")
    record(ledger, outbox, sending, "gone", state="dead", attempts=1)
    assert [row["state"] for row in messages(ledger)] == ["discarded"]


def test_none_of_200_events_is_lost_or_sent_in_two_forms_whatever_fails_and_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ})
    swept = outbox_sweep.sweep(tmp_path, 200, speed=400_000)
    assert (swept.lost, swept.altered, swept.unexplained_repeats) == ([], [], 0)
    assert swept.delivered + swept.dead == 200
    assert swept.dead >= 2
    assert swept.kills >= 1


def test_an_unset_variable_of_ours_is_no_attempt(channel, clock, monkeypatch):
    channel.queue()
    monkeypatch.delenv("HOOK_SECRET")
    ((_, error),) = relay.try_messages(channel.night, outbox, clock)
    assert "HOOK_SECRET not set" in str(error)
    (row,) = messages(channel.night.ledger)
    assert (row["state"], row["attempts"]) == ("pending", 0)
    monkeypatch.setenv("HOOK_SECRET", HOOK_SECRET)
    clock.now += timedelta(minutes=6)
    assert [error for _, error in relay.try_messages(channel.night, outbox, clock)] == [None]
