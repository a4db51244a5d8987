"""How a night ends, whatever happens in it; no agency is needed to know."""

import logging
import socket
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from pytest_socket import SocketBlockedError

from connectors.drivers.pages import Page
from connectors.pull import Pulled, pull_dataset
from connectors.source_files import read_sources
from connectors.zone import Zone
from flows import recipe
from flows.night import Night
from flows.outcome import EXIT_CODES, Outcome
from ledger.batches import open_batch
from ledger.runs import (
    DIED,
    RunLockedError,
    exclusive_run,
    keep_report,
    latest_runs,
    run_row,
    runs_as_they_stand,
    start_run,
)
from ledger.store import NotPossibleError, open_ledger
from ledger.tables import runs

DAY = date(2025, 6, 30)


def pulled(state="unchanged", failed=()):
    lines = []
    for source in read_sources():
        for dataset in source.datasets:
            line = Pulled(source.name, dataset.name, dataset.critical, state)
            if dataset.address in failed:
                line = replace(
                    line, state="failed", whose="agency", message=f"{dataset.address}: refused. Whose: agency."
                )
            lines.append(line)
    return lines


def never(*_):
    pytest.fail("this step must not be reached")


@pytest.fixture
def steps():
    return recipe.Steps(lambda _: pulled(), never, never, never, never, never)


def last_state(settings):
    return latest_runs(open_ledger(settings))[0]["state"]


@pytest.mark.parametrize(("state", "started"), [("landed", 1), ("unchanged", 0), ("held", 0), ("failed", 0)])
def test_dbt_is_started_with_the_first_dataset_that_landed(monkeypatch, state, started):
    starts = []
    (source, *_) = read_sources()
    monkeypatch.setattr(recipe, "pull_dataset", lambda *_: Pulled(source.name, source.datasets[0].name, False, state))
    night = Night("", DAY, None, None, (), (), Zone(), dbt=SimpleNamespace(start=lambda: starts.append(state)))
    recipe.pull_one(night, source, source.datasets[0])
    assert len(starts) == started


def test_a_critical_source_that_failed_stops_before_anything_is_built(settings, steps):
    failing = replace(steps, pull_all=lambda _: pulled(failed=("tax.statements", "patent.applications")))
    outcome = recipe.run_night(settings, DAY, "plain", failing)
    assert (outcome.state, outcome.exit_code, last_state(settings)) == ("source_missing", 4, "source_missing")
    assert (
        "is missing: tax.statements. Nothing is published and current stays. tax.statements: refused."
        in outcome.message
    )
    assert "patent" not in outcome.message


def test_a_fault_in_any_step_is_an_outcome_and_the_run_is_closed(settings, steps):
    def broken(*_):
        raise OSError("No space left on device")

    outcome = recipe.run_night(settings, DAY, "plain", replace(steps, build=broken))
    assert (outcome.state, outcome.exit_code, last_state(settings)) == ("failed", 1, "failed")
    assert "No space left on device" in outcome.message


def test_each_step_is_written_down_with_its_time_how_it_ended_and_its_rows(settings, steps):
    at_work = []

    def broken(night, _supplied):
        at_work.append(latest_runs(night.ledger)[0]["report"]["steps"])
        raise OSError("No space left on device")

    first, *others = pulled()
    lines = [replace(first, rows_received=6, rows_landed=4, rows_refused=2), *others]
    ended = recipe.run_night(settings, DAY, "plain", replace(steps, pull_all=lambda _: lines, build=broken))
    told = latest_runs(open_ledger(settings))[0]["report"]["steps"]
    assert told == ended.report["steps"]
    assert [(one["step"], one["ended"]) for one in told] == [
        ("pull", "done"),
        ("build", "failed"),
        ("returns", "done"),
        ("alerts", "done"),
    ]
    assert told[0]["counts"] == {"received": 6, "landed": 4, "refused": 2}
    assert all(one["seconds"] >= 0 for one in told)
    # What a kill in the build would leave behind.
    assert [(one["step"], one["ended"]) for one in at_work[0]] == [("pull", "done"), ("build", None)]


def test_a_run_that_was_killed_keeps_the_steps_that_it_had(settings):
    ledger = open_ledger(settings)
    killed = start_run(ledger, DAY, "plain")
    keep_report(ledger, killed, {"steps": [{"step": "pull", "ended": None}]})
    with exclusive_run(settings.data_dir):
        assert [run["state"] for run in runs_as_they_stand(ledger, settings.data_dir, 5)] == ["running"]
    assert [run["state"] for run in runs_as_they_stand(ledger, settings.data_dir, 5, "failed")] == ["failed"]
    start_run(ledger, DAY, "plain")
    report = run_row(ledger, killed)["report"]
    assert (report["error"], report["steps"]) == (DIED, [{"step": "pull", "ended": None}])


def test_a_date_ahead_is_a_usage_error_and_begins_nothing(settings, steps):
    ahead = datetime.now(UTC).date() + timedelta(days=3)
    with pytest.raises(NotPossibleError, match="lies ahead"):
        recipe.run_night(settings, ahead, "plain", steps)
    assert latest_runs(open_ledger(settings)) == []


def test_every_state_of_a_run_has_an_exit_code_and_the_ledger_knows_each():
    (check,) = [str(c.sqltext) for c in runs.constraints if hasattr(c, "sqltext")]
    # Of a day that has passed an edition is made, and no night: the runs do not know it.
    assert {state for state in EXIT_CODES if f"'{state}'" not in check} == {"beside"}


def test_a_run_beside_another_begins_nothing(settings, steps):
    with exclusive_run(settings.data_dir), pytest.raises(RunLockedError):
        recipe.run_night(settings, DAY, "plain", steps)


def test_an_input_that_nobody_foresaw_fails_one_dataset_and_is_fetched_anew(settings, monkeypatch):
    source = next(source for source in read_sources() if source.name == "patent")
    ledger = open_ledger(settings)

    def surprised(_ask):
        yield Page("page 1", b'{"records": []}', {"after": 1})
        raise ZeroDivisionError("a surprise")

    monkeypatch.setattr("connectors.pull.driver_of", lambda _: surprised)
    for name in source.variables():
        monkeypatch.setenv(name, "set")
    found = pull_dataset(source, source.datasets[0], Zone(), settings, ledger, DAY)
    assert (found.state, found.whose) == ("failed", "jifen")
    assert "patent.applications: ZeroDivisionError: a surprise. Whose: jifen." in found.message
    key, _ = open_batch(ledger, "patent", "applications", DAY, source.sha256, None)
    assert key.batch.endswith("-002")


def test_a_scheduled_run_takes_the_day_it_was_scheduled_for_in_the_zones_time(settings, monkeypatch):
    from flows import nightly

    late_on_the_30th = datetime(2025, 6, 30, 22, 30, tzinfo=settings.zone).astimezone(UTC)
    monkeypatch.setattr(nightly, "flow_run", SimpleNamespace(scheduled_start_time=late_on_the_30th))
    assert nightly.scheduled_date(settings) == date(2025, 6, 30)
    past_midnight = datetime(2025, 7, 1, 0, 5, tzinfo=settings.zone).astimezone(UTC)
    monkeypatch.setattr(nightly, "flow_run", SimpleNamespace(scheduled_start_time=past_midnight))
    assert nightly.scheduled_date(settings) == date(2025, 7, 1)
    monkeypatch.setattr(nightly, "flow_run", SimpleNamespace(scheduled_start_time=None))
    assert nightly.scheduled_date(settings) is None
    # One that crashed late in the evening and is run once more after midnight is still that evening's.
    assert nightly.scheduled_date(settings, late_on_the_30th) == date(2025, 6, 30)


def test_unit_tests_cannot_open_a_socket():
    with pytest.raises(SocketBlockedError):
        socket.create_connection(("127.0.0.1", 9))


def test_a_failed_run_is_told_in_one_line_without_the_traceback_that_its_engine_would_log():
    from flows import nightly

    error = nightly.NightFailedError(Outcome("failed", "2025-06-30", None, "the disk is full."))
    assert nightly._failed(error).message == "failed: the disk is full."
    for name in ("prefect.engine", "prefect.flow_runs"):
        engine = logging.getLogger(name)
        for raised, is_logged in ((error, False), (OSError(), True)):
            told = (type(raised), raised, None)
            record = engine.makeRecord(name, logging.ERROR, __file__, 1, "exited", (), told)
            assert bool(engine.filter(record)) == is_logged
