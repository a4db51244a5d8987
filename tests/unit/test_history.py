"""The history of the nights from a made-up ledger: what is listed, what is shown of one, and which step is at work."""

import json

import pytest

from flows.history import run_details
from ledger.runs import exclusive_run, run_row, start_run
from tests.command_line import jifen
from tests.unit.made_up_nights import DAY, ledger_of_nights


@pytest.fixture
def ledger(settings):
    return ledger_of_nights(settings)


@pytest.fixture
def said(settings, ledger, tmp_path):  # noqa: ARG001 - the command line reads that ledger
    def say(*arguments):
        env = {"JIFEN_DATA_DIR": str(settings.data_dir), "JIFEN_ENV_FILE": ""}
        text = jifen(*arguments, env=env, cwd=tmp_path).stdout.decode()
        return json.loads(text) if "--json" in arguments else text

    return say


def test_runs_are_listed_newest_first_with_what_failed_and_a_dead_one_is_not_running(said):
    dead, blocked = said("runs", "list", "--json")
    assert (dead["state"], dead["failed"], dead["seconds"]) == ("failed", ["gate"], None)
    assert (blocked["state"], blocked["failed"]) == (
        "blocked",
        ["gate", "not pulled bank_a.loans", "held talent.persons", "not delivered to bank_a"],
    )
    assert blocked["seconds"] > 0
    assert [run["state"] for run in said("runs", "list", "--json", "--limit", "1")] == ["failed"]
    assert [run["state"] for run in said("runs", "list", "--json", "--state", "blocked")] == ["blocked"]
    assert said("runs", "list", "--json", "--state", "running") == []
    assert said("runs", "list", "--json", "--state", "well")["state"] == "usage"


def test_a_run_is_shown_with_its_steps_datasets_checks_that_failed_and_errors(said):
    told = said("runs", "show", said("runs", "list", "--json")[1]["run_id"], "--json")
    assert [(line["step"], line["seconds"], line["ended"]) for line in told["steps"]] == [
        ("pull", 12.5, "done"),
        ("gate", 12.5, "blocked"),
    ]
    assert [one["state"] for one in told["datasets"]] == ["landed", "failed", "held"]
    assert [check["name"] for check in told["verdict"]["checks"]] == ["is_whole"]
    assert told["errors"] == [
        "publication blocked by 1 of 2 checks.",
        "bank_a.loans: refused. Whose: agency.",
        "talent.persons: held.",
        "bank_a: away.",
    ]
    assert (told["page"], told["log"]) == (None, None)
    text = said("runs", "show", told["run_id"])
    for part in ("2025-06-30 22:41:00", "7 received, 1 refused", "critical failed: rankings.is_whole: 7 rows"):
        assert part in text


def test_the_latest_run_is_shown_by_that_name_and_an_unknown_one_is_not_found(said):
    told = said("runs", "show", "latest", "--json")
    assert told["errors"] == ["the process died before it could say how it ended"]
    assert said("runs", "show", "none", "--json")["state"] == "not_found"


def test_status_says_which_step_is_at_work_and_since_when(settings, said):
    with exclusive_run(settings.data_dir):
        assert "at work         gate since 2025-06-30 22:41:00" in said("status")
    told = said("status")
    assert "by step         pull 12 s, gate not ended" in told
    assert "the process died" in told


def test_what_is_told_of_a_run_without_a_report_is_its_row(ledger):
    bare = start_run(ledger, DAY, "plain")
    told = run_details(ledger, run_row(ledger, bare))
    assert (told["state"], told["steps"], told["verdict"], told["errors"]) == ("running", [], None, [])
