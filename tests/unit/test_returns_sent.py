"""The returns of a night: written once, sent once, owed until they are, and no reason for the night to stop."""

import json
import sys
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from cli.app import app
from connectors.errors import ConfigError, TransientError
from connectors.pull import Pulled
from connectors.sink_files import SINKS_DIR, ReturnsSink, read_sinks
from connectors.source_files import read_sources
from connectors.zone import Zone
from flows import recipe
from flows.night import Night
from flows.outcome import Outcome
from flows.returns import compose_returns, send_returns, with_returns_sent
from ledger.publications import pending
from ledger.returns import return_rows
from ledger.tables import returns
from tests.declared import source_of
from tests.unit.refusing import OTHER, deliver, record

DAY = date(2025, 6, 30)
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def night(settings, ledger, make_dataset):
    """A night of one source with a sink for its returns."""
    dataset = make_dataset(load="upsert")
    (pattern, *_) = [sink for sink in read_sinks() if isinstance(sink, ReturnsSink)]
    sink = pattern.model_copy(update={"name": "tax_returns", "source": "tax"})

    def on(day, *pages, sinks=(sink,)):
        if pages:
            deliver(settings, ledger, dataset, *pages, day=day)
        return Night("run", day, settings, ledger, (source_of(dataset),), sinks, Zone())

    return on


def test_a_return_is_written_with_its_manifest_and_owed(settings, ledger, night):
    (line,) = compose_returns(night(DAY, [record(), record(uscc="bad")]))
    assert (line["state"], line["recipient"], line["received"], line["refused"]) == ("pending", "tax_returns", 2, 1)
    path = settings.data_dir / "returns" / "2025-06-30" / "tax.csv"
    manifest = json.loads(path.with_name("tax.csv.manifest.json").read_text(encoding="utf-8"))
    (owed,) = pending(ledger, returns)
    assert manifest["sha256"] == owed["sha256"]
    assert manifest["file"] == "jifen_return_2025-06-30.tax.csv"
    assert manifest["bytes"] == path.stat().st_size
    assert manifest["datasets"][0]["pages"][0]["records"] == 2


def test_a_run_again_or_a_night_without_news_writes_nothing(ledger, night):
    page = [record(), record(uscc="bad")]
    compose_returns(night(DAY, page))
    assert [line["state"] for line in compose_returns(night(DAY))] == ["nothing_new"]
    assert compose_returns(night(NEXT)) == []
    assert [line["state"] for line in compose_returns(night(NEXT, page))] == ["nothing_new"]
    assert len(return_rows(ledger)) == 1


def test_more_of_the_same_night_supersedes_what_was_not_sent_yet(settings, ledger, night):
    compose_returns(night(DAY, [record(), record(uscc="bad")]))
    compose_returns(night(DAY, [record(uscc=OTHER), record(uscc="worse")]))
    states = {row["return_id"]: (row["state"], row["received"]) for row in return_rows(ledger)}
    assert states == {"2025-06-30.tax": ("superseded", 2), "2025-06-30.tax.2": ("pending", 4)}
    assert (settings.data_dir / "returns" / "2025-06-30" / "tax.2.csv").exists()


def test_a_return_is_shown_as_tables_with_its_duplicates_and_with_json_as_its_manifest(night, settings, monkeypatch):
    compose_returns(night(DAY, [record(), record(), record(uscc="bad")]))
    monkeypatch.setenv("JIFEN_DATA_DIR", str(settings.data_dir))

    def jifen(*words):
        done = CliRunner().invoke(app, ["returns", *words])
        assert done.exit_code == 0, done.output
        return done.output

    listed = [cell.strip() for cell in jifen("list").splitlines()[4].split("│")]
    assert listed[1:-1] == ["2025-06-30.tax", "pending", "tax_returns", "3", "1", "1", ""]
    shown = jifen("show", "2025-06-30.tax")
    assert [part in shown for part in ("return_id 2025-06-30.tax", "tax.csv", "Datasets", "Pages")] == [True] * 4
    assert "duplicates" in shown
    manifest = json.loads(jifen("show", "2025-06-30.tax", "--json"))
    assert manifest["datasets"][0]["duplicates"] == 1


def test_without_a_sink_a_return_is_kept(ledger, night):
    compose_returns(night(DAY, [record()], sinks=()))
    assert [row["state"] for row in return_rows(ledger)] == ["kept"]
    assert pending(ledger, returns) == []


@pytest.fixture
def pushed(monkeypatch):
    sent = []

    def push(_connection, folder, files, where, _settings):
        sent.append((where, folder, [name for name, _ in files]))
        return []

    monkeypatch.setitem(sys.modules, "connectors.drivers.sftp", SimpleNamespace(push=push))
    return sent


def test_what_is_owed_is_sent_once_file_before_manifest(ledger, night, pushed):
    at_night = night(DAY, [record()])
    compose_returns(at_night)
    assert [line["state"] for line in send_returns(at_night)] == ["sent"]
    name = "jifen_return_2025-06-30.tax.csv"
    assert pushed == [("tax_returns", "returns", [name, f"{name}.manifest.json"])]
    assert send_returns(at_night) == []
    assert return_rows(ledger)[0]["state"] == "sent"


def test_a_file_that_is_not_what_was_written_is_not_sent_and_stays_owed(settings, ledger, night, pushed):
    at_night = night(DAY, [record()])
    compose_returns(at_night)
    path = settings.data_dir / "returns" / "2025-06-30" / "tax.csv"
    path.write_bytes(path.read_bytes() + b"x")
    (line,) = send_returns(at_night)
    assert (line["state"], pushed) == ("pending", [])
    assert "restore it from the backup" in pending(ledger, returns)[0]["last_error"]


def test_a_sink_that_is_gone_leaves_the_return_owed(ledger, night, pushed):
    compose_returns(night(DAY, [record()]))
    (line,) = send_returns(night(DAY, sinks=()))
    assert (line["state"], pushed) == ("pending", [])
    assert "put connectors/sinks/tax_returns.yml back" in pending(ledger, returns)[0]["last_error"]


def test_a_folder_that_is_away_is_asked_once_a_run_whatever_it_is_owed(night, monkeypatch):
    asked = []

    def push(*_):
        asked.append(1)
        raise TransientError("does not answer.", "tax_returns", "jifen run")

    monkeypatch.setitem(sys.modules, "connectors.drivers.sftp", SimpleNamespace(push=push))
    for day in (DAY, NEXT):
        compose_returns(night(day, [record(revenue_cny=day.day)]))
    lines = send_returns(night(DAY))
    assert ([line["state"] for line in lines], len(asked)) == (["pending", "pending"], 1)
    assert all("does not answer" in line["error"] for line in lines)


def test_a_blocked_night_sends_its_returns_and_stays_blocked(night, pushed):
    at_night = night(DAY, [record()])
    compose_returns(at_night)
    blocked = with_returns_sent(at_night, Outcome("blocked", "2025-06-30", None, "the gate blocked."))
    assert (blocked.exit_code, len(pushed)) == (3, 1)
    assert blocked.report["returns_sent"][0]["state"] == "sent"


def test_a_night_without_a_critical_source_still_writes_and_sends_returns(settings, monkeypatch):
    calls = []
    monkeypatch.setattr(recipe, "compose_returns", lambda night: calls.append(("compose", night.as_of)) or [])
    monkeypatch.setattr("flows.returns.send_returns", lambda night: calls.append(("send", night.as_of)) or [])
    failed = Pulled("tax", "statements", True, "failed", whose="agency", message="refused.")

    def never(*_):
        pytest.fail("nothing may be built")

    steps = recipe.Steps(lambda _: [failed], never, never, never, never, never)
    outcome = recipe.run_night(settings, DAY, "plain", steps)
    assert (outcome.exit_code, calls) == (4, [("compose", DAY), ("send", DAY)])


def test_a_good_night_that_could_not_send_a_return_still_owes_it(night):
    at_night = night(DAY, [record()], sinks=())
    compose_returns(night(DAY))
    done = with_returns_sent(
        at_night, Outcome("nothing_new", "2025-06-30", "e", "nothing changed; edition e stays current.")
    )
    assert (done.exit_code, done.owed) == (1, ("tax_returns",))


def test_a_fault_in_one_return_stops_neither_the_night_nor_the_others(night, monkeypatch):
    def broken(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("flows.returns.write_durably", broken)
    at_night = night(DAY, [record()])
    (line,) = compose_returns(at_night)
    assert line["state"] == "failed"
    outcome = Outcome("published", "2025-06-30", "e", "", {"returns": [line]})
    assert with_returns_sent(at_night, outcome).owed == ("return of tax",)


def test_every_sink_for_returns_names_a_source_and_its_own_account():
    sources = {source.name: source for source in read_sources()}
    sinks = [sink for sink in read_sinks() if isinstance(sink, ReturnsSink)]
    assert {sink.source for sink in sinks} == {"bank_a", "bank_b", "talent"}
    for sink in sinks:
        # What goes back goes to whom it came from, and to nobody else.
        assert sink.connection == sources[sink.source].connection


def test_two_sinks_for_the_returns_of_one_source_are_refused(tmp_path):
    text = (SINKS_DIR / "bank_a_returns.yml").read_text(encoding="utf-8")
    for name in ("one", "two"):
        (tmp_path / f"{name}.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"gets the returns of bank_a, and so does one"):
        read_sinks(tmp_path)
