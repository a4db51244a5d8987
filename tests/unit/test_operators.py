"""Whom a bad night is told to, once each; and what `jifen status` says of it, to people and to monitoring."""

import errno
import json
import shutil
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import update

import flows
from cli import status
from connectors.errors import AgencyError, ConfigError, LineDeadError
from connectors.pull import Pulled
from connectors.sink_files import DEFAULT_EVENTS, SINKS_DIR, read_sinks, readable_sinks
from connectors.source_files import read_source
from flows import faults, recipe
from flows.alerts import KINDS, incidents
from flows.deployed import wanted_of
from flows.outcome import Outcome
from flows.prefect_server import ApiLostError
from flows.relay import WAITS_SECONDS
from flows.run import run_configured
from flows.texts import pasteable
from ledger.batches import open_batch
from ledger.minisign import new_key, read_secret_key
from ledger.overrides import ask, overrides_on, read_approvers, sign_override
from ledger.publications import Message, pending, queue_alerts
from ledger.runs import exclusive_run, latest_runs, runs_as_they_stand, start_run
from ledger.settings import PROJECT_DIR
from ledger.store import open_ledger
from ledger.tables import alerts, batches, runs

DAY = date(2025, 6, 30)
REFUSED = {"pulled": [{"source": "tax", "dataset": "vat", "state": "failed", "message": "refused."}]}
EMPTY = {"source": "tax", "dataset": "vat", "state": "unchanged", "message": "the folder is empty. Next: look."}


@pytest.fixture
def posted(monkeypatch):
    """What the channels were sent; `posted.away` makes them refuse."""
    sent = SimpleNamespace(events=[], away=False)
    sent.refuse = lambda: AgencyError("the channel rejected the message with 401.", "operators", "check its secret")

    def push(sink, body, _settings, _adapter=None):
        if sent.away:
            raise sent.refuse()
        sent.events.append((sink.name, json.loads(body)))

    monkeypatch.setattr("flows.relay.WAITS_SECONDS", (0, *WAITS_SECONDS[1:]))
    monkeypatch.setattr("connectors.drivers.webhook.push", push)
    monkeypatch.setenv("OPERATORS_WEBHOOK_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("OPERATORS_WEBHOOK_SECRET", "made up")
    return sent


def no_steps(pull_all):
    def never(*_):
        pytest.fail("this step must not be reached")

    return recipe.Steps(pull_all, never, never, never, lambda _: [], lambda _: [])


def failing(_night):
    raise OSError("No space left on device")


def without_tax(_night):
    return [Pulled("tax", "statements", True, "failed", whose="agency", message="tax: refused. Whose: agency.")]


@pytest.fixture
def run(settings):
    return lambda pull_all: recipe.run_night(settings, DAY, "plain", no_steps(pull_all))


@pytest.mark.parametrize(
    ("pull_all", "state", "said"),
    [(failing, "failed", "No space left on device"), (without_tax, "source_missing", "tax: refused.")],
)
def test_a_bad_night_posts_one_message_that_says_why(run, posted, pull_all, state, said):
    run(pull_all)
    ((channel, event),) = posted.events
    assert (channel, event["type"]) == ("operators", "cn.jifen.night.needs_attention.v1")
    assert event["id"] == f"{event['subject']}.operators"
    assert (event["data"]["state"], said in event["data"]["message"]) == (state, True)


@pytest.mark.parametrize(
    ("broken", "told"),
    [("source", "not a valid source file"), ("sink", "not a valid sink file"), ("zone", "not a valid zone file")],
)
def test_a_file_that_cannot_be_read_is_a_night_that_failed_and_is_told(
    settings, posted, monkeypatch, tmp_path, checked, broken, told
):
    sinks = tmp_path / "sinks"
    shutil.copytree(SINKS_DIR, sinks)
    path = {"source": tmp_path / "a.yml", "sink": sinks / "a.yml", "zone": tmp_path / "zone.yml"}[broken]
    path.write_text("a: [")
    if broken == "source":
        monkeypatch.setattr(recipe, "read_sources", lambda: [read_source(path)])
    settings = settings.model_copy(update={"zone_file": path if broken == "zone" else None})
    monkeypatch.setattr(recipe, "read_sinks", lambda: read_sinks(sinks))
    monkeypatch.setattr(recipe, "readable_sinks", lambda: readable_sinks(sinks))
    ended = recipe.run_night(settings, DAY, "plain", no_steps(failing))
    assert (ended.state, ended.exit_code, told in ended.message) == ("failed", 1, True)
    assert [event["data"]["message"] for _, event in posted.events] == [
        pasteable(ended.message, [str(Path(sys.executable).with_name("jifen"))])
    ]
    code, line = checked()
    assert (code, line.startswith("CRITICAL - the last night failed:"), told in line) == (2, True, True)
    recipe.run_night(settings, DAY, "plain", no_steps(failing))
    assert len(posted.events) == 1, "the same incident again is no other message"


def test_a_channel_that_is_away_is_asked_twice_a_run_whatever_it_is_owed(run, posted, settings):
    asked = []
    posted.refuse = lambda: asked.append(1) or LineDeadError("does not answer.", "operators", "jifen run")
    posted.away = True
    for why in ("no space", "no rights", "no line"):
        run(lambda _, why=why: (_ for _ in ()).throw(OSError(why)))
    assert (len(asked), [row["attempts"] for row in pending(open_ledger(settings), alerts)]) == (6, [2, 2, 0])
    posted.away = False
    run(failing)
    assert len({event["id"] for _, event in posted.events}) == 4
    assert (len(posted.events), pending(open_ledger(settings), alerts)) == (4, [])


def end_as(monkeypatch, outcome):
    """Have the next night come to this, in the report that its row will hold."""
    monkeypatch.setattr(
        recipe, "_recipe", lambda _, __, report: report.update(outcome.report) or replace(outcome, report=report)
    )


def test_a_good_night_posts_nothing_and_one_that_failed_in_part_or_is_stale_does(settings, posted, monkeypatch):
    good = Outcome("nothing_new", "2025-06-30", "e", "nothing changed; edition e stays current.")
    seen = []
    for outcome in (
        good,
        replace(good, report=REFUSED),
        replace(good, report={"stale": {"tax.vat": "old"}}),
        replace(good, report={"pulled": [EMPTY, {**EMPTY, "message": None}, {**EMPTY, "state": "not_supplied"}]}),
        replace(good, report={"pulled": [{**EMPTY, "message": None}, {**EMPTY, "state": "not_supplied"}]}),
        replace(good, owed=("bank",)),
    ):
        end_as(monkeypatch, outcome)
        ended = recipe.run_night(settings, DAY, "plain")
        seen.append((ended.exit_code, len(posted.events)))
    # From the third on each has one more message: what was wrong the night before is over.
    assert seen == [(0, 0), (5, 1), (0, 3), (0, 5), (0, 6), (1, 7)]
    recovered = [event["data"] for _, event in posted.events if event["type"] == "cn.jifen.night.recovered.v1"]
    assert [list(data["over"]) for data in recovered] == [
        ["not_pulled: tax.vat"],
        ["stale: tax.vat"],
        ["noticed: tax.vat"],
    ]


def test_a_message_that_did_not_arrive_makes_a_good_night_owe_it_and_is_no_reason_for_another(
    settings, run, posted, monkeypatch
):
    posted.away = True
    run(failing)
    good = Outcome("nothing_new", "2025-06-30", "e", "nothing changed; edition e stays current.")
    monkeypatch.setattr(recipe, "_recipe", lambda *_: replace(good, report={}))
    ended = recipe.run_night(settings, DAY, "plain")
    assert (ended.exit_code, ended.owed) == (1, ("operators",))
    waiting = [json.loads(row["event"])["type"] for row in pending(open_ledger(settings), alerts)]
    assert waiting == ["cn.jifen.night.needs_attention.v1", "cn.jifen.night.recovered.v1"]


def test_an_incident_is_one_message_however_many_nights_it_lasts_and_one_when_it_is_over(settings, posted, monkeypatch):
    good = Outcome("nothing_new", "2025-06-30", "e", "nothing changed; edition e stays current.")
    late = "bank_a has not acknowledged bank_a.7; the answer was due on 2025-07-01. Next: call them"
    nights = [
        replace(good, report={**REFUSED, "stale": {"tax.vat": "31 days old"}, "late_acks": [late]}),
        # Figures move on, and the incident is the same.
        replace(good, as_of="2025-07-01", report={**REFUSED, "stale": {"tax.vat": "32 days old"}, "late_acks": [late]}),
        # This one came to nothing that would show that the others are over.
        Outcome("failed", "2025-07-02", None, "the disk of host-7 is full"),
        Outcome("failed", "2025-07-03", None, "the disk of host-8 is full"),
        replace(good, as_of="2025-07-04", report={"stale": {"tax.vat": "35 days old"}}),
        replace(good, as_of="2025-07-05", report={}),
        replace(good, as_of="2025-07-06", report={}),
    ]
    told = []
    for outcome in nights:
        end_as(monkeypatch, outcome)
        before = len(posted.events)
        recipe.run_night(settings, DAY, "plain")
        told.append([event["data"].get("over") or event["data"]["new"] for _, event in posted.events[before:]])
    began = ["not_pulled: tax.vat", "stale: tax.vat", "late_answer: bank_a has not acknowledged bank_a.7"]
    full = "failed: the disk of … is full"
    assert told == [
        [began],
        [],
        [[full]],
        [],
        [{full: "2025-07-02", began[0]: "2025-06-30", began[2]: "2025-06-30"}],
        [{began[1]: "2025-06-30"}],
        [],
    ]
    assert latest_runs(open_ledger(settings))[0]["report"]["incidents"] == {}


def test_a_blocked_night_is_an_incident_for_each_check_that_blocks_and_every_bad_night_is_one():
    checks = [{"table": "t", "name": name, "blocks": name == "bad"} for name in ("good", "bad")]
    blocked = Outcome("blocked", "2025-06-30", None, "", {"verdict": {"checks": checks}})
    assert list(incidents(blocked)) == ["blocked: t.bad"]
    for state in ("failed", "blocked", "source_missing"):
        assert [one.partition(":")[0] for one in incidents(Outcome(state, "2025-06-30", None, ""))] == [state]
    assert list(incidents(Outcome("published", "2025-06-30", "e", "", {}, ("bank_a",)))) == ["not_delivered: bank_a"]


def test_every_kind_of_alert_has_a_line_in_the_manual_that_says_what_to_do():
    manual = (PROJECT_DIR / "docs" / "operating.md").read_text(encoding="utf-8").partition("## Alerts")[2]
    for kind in (*KINDS, *DEFAULT_EVENTS["alert"], "gate_blocked", "source_stale", "delivery_late"):
        (line,) = [line for line in manual.partition("\n## ")[0].splitlines() if f"| `{kind}` |" in line]
        assert "jifen " in line.split("|")[3], line


def test_a_night_whose_process_died_is_told_by_the_next(settings, run, posted):
    died = start_run(open_ledger(settings), DAY, "plain")
    run(failing)
    assert [event["subject"] == died for _, event in posted.events] == [True, False]


def test_without_its_variables_there_is_no_channel_and_status_says_so(run, posted, settings, monkeypatch, capsys):
    monkeypatch.delenv("OPERATORS_WEBHOOK_URL")
    monkeypatch.delenv("OPERATORS_WEBHOOK_SECRET")
    run(failing)
    assert posted.events == pending(open_ledger(settings), alerts) == []
    monkeypatch.setenv("JIFEN_DATA_DIR", str(settings.data_dir))
    status.show_status(as_json=False)
    assert "no channel: set OPERATORS_WEBHOOK_URL" in capsys.readouterr().out


@pytest.fixture
def checked(settings, monkeypatch, capsys):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(settings.data_dir))

    def check(max_hours=26):
        code = status.check_status(max_hours, as_json=False)
        (line,) = capsys.readouterr().out.splitlines()
        return code, line

    return check


def end_with(settings, monkeypatch, outcome):
    monkeypatch.setattr(recipe, "_recipe", lambda _night, _steps, report: report.update(outcome.report) or outcome)
    recipe.run_night(settings, DAY, "plain")


@pytest.mark.parametrize(
    ("state", "report", "code", "said"),
    [
        ("nothing_new", {}, 0, "OK - night of 2025-06-30 nothing_new 0.0 h ago"),
        ("published", {"stale": {"tax.vat": "filed_on is 40 days old"}}, 1, "WARNING - stale tax.vat: filed_on is 40"),
        ("published", REFUSED, 1, "WARNING - not pulled tax.vat: refused."),
        ("published", {"pulled": [EMPTY]}, 1, "WARNING - tax.vat: the folder is empty."),
        ("published", {"pulled": [{**EMPTY, "state": "landed"}]}, 1, "WARNING - tax.vat: the folder is empty."),
        ("published", {"pulled": [{**EMPTY, "state": "not_supplied"}]}, 0, "OK"),
        ("blocked", {}, 2, "CRITICAL - the gate blocked: it stopped. Next: fix it, then jifen run --as-of 2025-06-30"),
        ("source_missing", {}, 2, "CRITICAL - a critical source is missing: it"),
        ("failed", {}, 2, "CRITICAL - the last night failed: it"),
    ],
)
def test_monitoring_gets_one_line_and_a_code(settings, checked, monkeypatch, state, report, code, said):
    end_with(settings, monkeypatch, Outcome(state, "2025-06-30", None, "it\nstopped.", report))
    found, line = checked()
    assert (found, line.startswith(said)) == (code, True), line


def test_monitoring_is_told_once_of_a_dataset_that_was_not_pulled_and_is_stale_for_it(settings, checked, monkeypatch):
    pulled = {"source": "tax", "dataset": "vat", "state": "failed", "message": "tax.vat: the folder is gone."}
    report = {"pulled": [pulled], "stale": {"tax.vat": "pull failed (config), stale since 2025-06-29"}}
    end_with(settings, monkeypatch, Outcome("published", "2025-06-30", None, "it\nstopped.", report))
    assert checked() == (1, "WARNING - not pulled tax.vat: the folder is gone.")


def test_monitoring_is_told_of_nights_that_did_not_come_and_of_none_at_all(settings, checked, monkeypatch):
    assert checked() == (2, "CRITICAL - no night has run yet. Next: jifen run")
    assert not settings.data_dir.exists()
    end_with(settings, monkeypatch, Outcome("nothing_new", "2025-06-30", None, ""))
    long_ago = (datetime.now(UTC) - timedelta(hours=30)).isoformat()
    with open_ledger(settings).begin() as connection:
        connection.execute(update(runs).values(started_at=long_ago))
    assert checked()[1].startswith("CRITICAL - no night has ended for 30 h.")
    assert checked(max_hours=31)[0] == 0


def test_monitoring_is_told_of_a_first_night_that_hangs_and_of_a_clock_that_was_put_back(settings, checked):
    ledger = open_ledger(settings)
    with exclusive_run(settings.data_dir):
        start_run(ledger, DAY, "plain")
        with ledger.begin() as connection:
            connection.execute(update(runs).values(started_at=(datetime.now(UTC) - timedelta(hours=30)).isoformat()))
        assert checked()[1].startswith("CRITICAL - no night has ended for 30 h.")
    with ledger.begin() as connection:
        ahead = (datetime.now(UTC) + timedelta(days=300)).isoformat()
        connection.execute(update(runs).values(started_at=ahead, ended_at=ahead, state="nothing_new"))
    assert checked()[1].startswith(f"CRITICAL - the last night began at {ahead}, which lies ahead")


def test_a_night_that_was_killed_is_not_at_work_because_a_backup_is(settings, checked):
    ledger = open_ledger(settings)
    start_run(ledger, DAY, "plain")
    with ledger.begin() as connection:
        connection.execute(update(runs).values(process="1@0"))
    with exclusive_run(settings.data_dir):
        assert checked()[1].startswith("CRITICAL - the last night failed: the process died before it could say")
        assert [run["state"] for run in runs_as_they_stand(ledger, settings.data_dir, 5)] == ["failed"]
    with ledger.begin() as connection:
        connection.execute(update(runs).values(host="another"))
    assert checked() == (0, "OK - no night has ended yet; night of 2025-06-30 at work")


def test_monitoring_is_told_of_a_process_that_died_and_not_of_one_at_work(settings, checked, monkeypatch):
    end_with(settings, monkeypatch, Outcome("nothing_new", "2025-06-30", None, ""))
    start_run(open_ledger(settings), DAY, "plain")
    with exclusive_run(settings.data_dir):
        code, line = checked()
        assert (code, line.endswith("; night of 2025-06-30 at work")) == (0, True), line
    assert checked()[1].startswith("CRITICAL - the last night failed: the process died before it could say")


def test_while_a_night_is_at_work_the_one_before_is_judged_and_what_is_not_reached_yet_is_not_owed(
    settings, checked, run, posted
):
    with exclusive_run(settings.data_dir):
        start_run(open_ledger(settings), DAY, "plain")
        assert checked() == (0, "OK - no night has ended yet; night of 2025-06-30 at work")
    posted.away = True
    run(without_tax)
    ledger = open_ledger(settings)
    _, before = checked()
    assert [before.count(text) for text in ("source is missing: tax.statements.", "tax: refused.")] == [1, 1]
    with exclusive_run(settings.data_dir):
        tonight = start_run(ledger, DAY, "plain")
        queue_alerts(ledger, tonight, [Message("m", "someone_new", "{}")])
        code, line = checked()
        assert "wait for the night at work, then jifen run --as-of 2025-06-30" in line
        assert (code, line.replace("wait for the night at work, then ", "")) == (
            2,
            f"{before}; night of 2025-06-30 at work",
        )
    assert "someone_new" in checked()[1]


def test_what_is_to_be_repeated_is_the_night_of_that_day():
    outcome = Outcome("failed", "2025-06-30", None, "Next: `jifen run`, not jifen run --as-of 2025-06-29.")
    assert outcome.message == "Next: `jifen run --as-of 2025-06-30`, not jifen run --as-of 2025-06-29."


def test_monitoring_is_told_that_nothing_can_be_told(settings, checked):
    settings.data_dir.mkdir()
    (settings.data_dir / "ledger.sqlite").write_bytes(b"this was a ledger once, and is none now")
    code, line = checked()
    assert (code, line.startswith("UNKNOWN - the ledger at"), "not a database" in line) == (3, True, True)


def test_status_begins_with_what_is_to_be_done(settings, monkeypatch, capsys):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(settings.data_dir))
    end_with(settings, monkeypatch, Outcome("blocked", "2025-06-30", None, "the gate said no."))
    monkeypatch.setattr(status, "ending", lambda *_: [])  # by the day that it is
    status.show_status(as_json=False)
    words = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()[:9]]
    assert words[0] == "to do the gate blocked: the gate said no. Next: fix it, then jifen run --as-of 2025-06-30"
    assert words[1:] == [
        "last night",
        "by step",
        "current edition none",
        "not delivered",
        "stale",
        "next night",
        "operators",
        "data folder",
    ]


def test_what_has_ended_is_to_be_done_and_what_will_end_is_a_fact(settings, monkeypatch, capsys, checked):
    end_with(settings, monkeypatch, Outcome("nothing_new", "2025-06-30", None, ""))
    today = settings.today
    ends = [(today + timedelta(days=days), f"seed {days}. Next: add a row") for days in (-1, 0, 1)]
    monkeypatch.setattr(status, "ending", lambda *_: ends)
    status.show_status(as_json=False)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split() for line in shown if "seed" in line] == [
        ["to", "do", "seed", "-1.", "Next:", "add", "a", "row"],
        *(["ends", "seed", f"{days}.", "Next:", "add", "a", "row"] for days in (0, 1)),
    ]
    assert "no action needed" not in "".join(shown)
    assert checked()[0] == 0


def test_status_tells_of_each_source_when_it_answered_and_since_when_its_content_is_the_same(settings):
    ledger = open_ledger(settings)

    def pulled(dataset, day, state):
        key, _ = open_batch(ledger, *dataset.split("."), date.fromisoformat(day), "s", None)
        with ledger.begin() as connection:
            is_it = (batches.c.source == key.source, batches.c.dataset == key.dataset, batches.c.batch == key.batch)
            connection.execute(update(batches).where(*is_it).values(state=state))

    for dataset, day, state in (
        ("tax.vat", "2025-06-28", "landed"),
        ("tax.vat", "2025-06-30", "unchanged"),
        ("tax.invoices", "2025-06-30", "landed"),
        *((f"court.d{n}", "2025-06-30", "landed") for n in range(4)),
        ("patent.grants", "2025-06-29", "landed"),
        ("patent.grants", "2025-06-30", "abandoned"),
    ):
        pulled(dataset, day, state)
    told = status.standing(settings)
    assert list(status._of_sources(told["sources"])) == [
        "patent answered 2025-06-29, content of grants 2025-06-29",
        "tax answered 2025-06-30, content of vat 2025-06-28; invoices 2025-06-30",
        "court answered 2025-06-30, content of 4 datasets 2025-06-30",
    ]
    assert told["sources"][1] == {
        "source": "tax",
        "dataset": "vat",
        "answered_on": "2025-06-30",
        "changed_on": "2025-06-28",
    }


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        ("2025-06-30T14:29:00+00:00", "2025-06-30 22:30 Asia/Shanghai"),
        ("2025-06-30T14:30:00+00:00", "2025-07-01 22:30 Asia/Shanghai"),
        ("2025-12-31T16:30:00+00:00", "2026-01-01 22:30 Asia/Shanghai"),
    ],
)
def test_the_next_night_is_the_schedules(now, begins):
    assert status.next_night(datetime.fromisoformat(now)) == begins


@pytest.mark.parametrize(
    ("schedules", "begins"),
    [
        ("[]", None),
        ("[{cron: '30 22 * * *', active: false}]", None),
        ("[{cron: '30 22 * * *', active: no}]", None),
        ("[{interval: 3600}]", None),
        ("[{cron: '@daily'}]", "@daily UTC"),
        ("[{cron: '30 25 * * *'}]", "30 25 * * * UTC"),
    ],
)
def test_a_schedule_that_is_none_of_each_day_keeps_status_from_saying_nothing(tmp_path, schedules, begins):
    path = tmp_path / "prefect.yaml"
    path.write_text(f"deployments: [{{name: nightly, schedules: {schedules}}}]")
    assert status.next_night(datetime.now(UTC), path) == begins


def test_a_broken_schedule_is_no_reason_to_say_nothing_of_the_last_night(settings, monkeypatch, capsys):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr(status, "read_yaml", lambda _: [])
    end_with(settings, monkeypatch, Outcome("blocked", "2025-06-30", None, "the gate said no."))
    status.show_status(as_json=False)
    told = capsys.readouterr().out
    assert ("the gate said no." in told, "not known: prefect.yaml: " in told) == (True, True)


NOT_ACTIVE = """deployments: [{name: nightly, entrypoint: a, work_pool: {name: b},
                schedules: [{cron: 30 22 * * *, active: no}]}]"""


@pytest.mark.parametrize(
    "file", ["[]", "deployments: []", "deployments: [{name: nightly}]", "deployments: nightly", NOT_ACTIVE]
)
def test_a_file_of_deployments_that_says_none_is_named_as_what_is_wrong(settings, tmp_path, file):
    (tmp_path / "prefect.yaml").write_text(file)
    with pytest.raises(ConfigError, match=r"prefect.yaml: says no deployments .*Whose: config"):
        wanted_of(tmp_path, [], settings)


def test_on_a_disk_that_became_read_only_status_says_so_and_how_the_last_night_ended(settings, monkeypatch, checked):
    end_with(settings, monkeypatch, Outcome("blocked", "2025-06-30", None, "the gate said no."))
    monkeypatch.setattr(status.os, "access", lambda *_: False)
    monkeypatch.setattr(status, "ledger_if_any", None)
    code, line = checked()
    assert (code, "may not be written" in line, "the gate said no." in line) == (2, True, True)


@pytest.mark.parametrize("ended", [[], [Outcome("published", "2025-06-30", "e", "edition e is current.")]])
def test_a_prefect_api_that_goes_away_in_the_night_takes_nothing_of_it_away(settings, monkeypatch, ended):
    def lost(*_, **__):
        raise type("ConnectError", (OSError,), {"__module__": "httpx"})("Connection refused")

    stand_in = SimpleNamespace(nightly=lost, ENDED=ended, NightFailedError=BlockingIOError)
    monkeypatch.setitem(sys.modules, "flows.nightly", stand_in)
    monkeypatch.setattr(flows, "nightly", stand_in, raising=False)
    monkeypatch.setattr("flows.run.api_is_configured", lambda: True)
    monkeypatch.setattr("flows.run.require_api", lambda: None)
    with pytest.raises(ApiLostError, match=r"Prefect API: went away .*ConnectError.*Whose: transient") as told:
        run_configured(settings, DAY)
    assert told.value.outcome == (ended[0] if ended else None)


def test_a_fault_is_told_where_no_disk_can_hold_its_traceback(settings, run, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    def surprised(_night):
        raise ZeroDivisionError("a surprise")

    monkeypatch.setattr(faults, "_append", full)
    ended = run(surprised)
    assert (ended.state, latest_runs(open_ledger(settings))[0]["state"]) == ("failed", "failed")
    assert "ZeroDivisionError: a surprise" in ended.message
    assert "is the disk full?" in ended.message


def test_status_names_overrides_and_what_people_decided_about_held_deliveries(settings, monkeypatch, tmp_path):
    ledger = open_ledger(settings)
    for name in ("甲", "乙"):
        new_key(tmp_path / name)
    keys = [read_secret_key(tmp_path / name) for name in ("甲", "乙")]
    file = tmp_path / "approvers.yml"
    file.write_text(f"甲: {keys[0].public.text}\n乙: {keys[1].public.text}\n", encoding="utf-8")
    today = settings.today
    override_id = ask(ledger, ["edition.left_pct"], "a park moved away", today, today)
    for key in keys:
        sign_override(ledger, override_id, key, read_approvers(file))
    used = {**overrides_on(ledger, read_approvers(file), today)[0].as_dict(), "override_id": "of the night"}
    report = {"verdict": {"state": "passed", "declared": 1, "counts": {"failed": 1}, "checks": [], "overrides": [used]}}
    end_with(settings, monkeypatch, Outcome("published", "2025-06-30", None, "it is out.", report))
    row = {"source": "tax", "dataset": "statements", "batch": "2025-06-30-001", "as_of": "2025-06-30"}
    word = {"action": "accepted", "why": "they wrote so", "decided_by": "Zhao Min", "decided_at": "2025-06-30"}
    monkeypatch.setattr(status, "held_batches", lambda _: [{**row, "decision": word}, {**row, "decision": None}])
    told = status.standing(settings.model_copy(update={"approvers_file": file}))
    assert [one["override_id"] for one in told["overrides"]["in_force"]] == [override_id]
    assert [one["override_id"] for one in told["overrides"]["used"]] == ["of the night"]
    facts = list(status._facts(told, settings))
    said = f"for edition.left_pct until {today}, by 乙, 甲: a park moved away"
    assert ("override used", f"of the night {said}") in facts
    assert ("override holds", f"{override_id} {said}") in facts
    assert [text for word, text in facts if word == "held"] == [
        "tax.statements batch 2025-06-30-001, accepted by Zhao Min: they wrote so",
        "tax.statements batch 2025-06-30-001, not decided yet",
    ]
