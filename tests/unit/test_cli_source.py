"""`jifen source list | check | plan | pull`: what they print, and their exit codes."""

import json

import pytest
from typer.testing import CliRunner

from cli import source as cli_source
from cli.app import app
from connectors import pull as core
from connectors.check import CHECK_SECONDS
from connectors.errors import TransientError
from ledger.runs import exclusive_run
from tests.unit.acceptance_agency import MemoryAgency, make_source


@pytest.fixture
def jifen(settings, monkeypatch):
    agency = MemoryAgency()
    state = {"source": make_source()}
    monkeypatch.setenv("JIFEN_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr(cli_source, "read_sources", lambda: [state["source"]])
    monkeypatch.setattr(core, "driver_of", lambda _name: agency.pull)
    monkeypatch.setattr("connectors.check.driver_of", lambda _name: agency.pull)
    for name, value in agency.env.items():
        monkeypatch.setenv(name, value)

    def call(*words, source=None):
        state["source"] = source or state["source"]
        found = CliRunner().invoke(app, ["source", *words])
        assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
        return found

    call.data_dir, call.agency = settings.data_dir, agency
    return call


def test_the_list_shows_how_each_dataset_is_asked_for(jifen):
    (line,) = json.loads(jifen("list", "--json").stdout)
    assert (line["driver"], line["auth"], line["paginator"], line["decoder"]) == (
        "rest",
        "bearer",
        "cursor_body",
        "json",
    )


def test_a_pull_lands_and_a_second_one_is_unchanged(jifen):
    first, second = jifen("pull", "land", "--json"), jifen("pull", "land", "--json")
    assert [json.loads(one.stdout)[0]["state"] for one in (first, second)] == ["landed", "unchanged"]
    assert (first.exit_code, second.exit_code) == (0, 0)


def test_what_changed_within_its_limits_is_said_to_people_and_to_machines(jifen):
    jifen("pull", "land")
    jifen.agency.change("land", "leases", "correct")
    (told,) = json.loads(jifen("pull", "land", "--json").stdout)
    assert (told["state"], told["changed"]) == ("landed", "changed:holder 1, of 7 records")
    jifen.agency.change("land", "leases", "add")
    shown = " ".join(jifen("pull", "land").stdout.split())
    assert "changed land.leases 变化未超限: added 1, of 7 records" in shown


@pytest.mark.parametrize(("critical", "code"), [(False, 1), (True, 4)])
def test_a_pull_that_fails_exits_by_how_critical_it_is(jifen, monkeypatch, critical, code):
    monkeypatch.setenv("LAND_KEY", "wrong")
    found = jifen("pull", "land", source=make_source(critical=critical))
    assert found.exit_code == code
    assert "answers 401" in found.stdout


def test_a_pull_waits_for_no_other_run(jifen):
    with exclusive_run(jifen.data_dir):
        found = jifen("pull", "land")
    assert (found.exit_code, "another run holds" in found.stderr) == (1, True)


def test_a_plan_makes_no_data_folder(jifen):
    found = jifen("plan", "land")
    assert (found.exit_code, "nothing pulled yet" in found.stdout) == (0, True)
    assert not jifen.data_dir.exists()


def test_checking_makes_no_data_folder(jifen):
    line, *sinks = json.loads(jifen("check", "--json").stdout)
    assert {(sink["dataset"], sink["state"]) for sink in sinks} == {
        ("sink bank_a", "ok"),
        ("sink science_bureau", "ok"),
    }
    assert (line["state"], line["records"], line["refused"]) == ("ok", 2, 0)
    assert not jifen.data_dir.exists()


def test_a_check_says_which_records_are_refused_and_why(jifen):
    jifen.agency.records[1]["area"] = "much"
    (line,) = json.loads(jifen("check", "land", "--json").stdout)
    assert (line["state"], line["refused"], line["message"]) == (
        "ok",
        1,
        "refused: #2: L2, area_m2:type_mismatch much",
    )


def test_a_check_of_an_agency_that_is_away_ends_soon_and_speaks_of_no_kept_page(jifen, monkeypatch):
    asked = []

    def away(ask):
        asked.append(ask.settings.retry_seconds)
        raise TransientError("connection refused.", ask.dataset.address, "run `jifen run` again")

    monkeypatch.setattr("connectors.check.driver_of", lambda _name: away)
    (line,) = json.loads(jifen("check", "land", "--json").stdout)
    assert line["message"].endswith("connection refused. Whose: transient. Next: jifen source check land")
    assert asked[0] <= CHECK_SECONDS


def test_a_check_of_a_draft_says_to_check_the_draft_again(jifen, monkeypatch, tmp_path):
    monkeypatch.delenv("LAND_KEY")
    monkeypatch.setattr(cli_source, "read_sources", lambda _folder=None: [make_source()])
    (line,) = json.loads(jifen("check", "land", "--folder", str(tmp_path), "--json").stdout)
    assert line["message"].endswith(f"jifen source check land --folder {tmp_path}")


def test_a_pull_of_an_earlier_day_says_which_day_to_give(jifen):
    jifen("pull", "land")
    (told,) = json.loads(jifen("pull", "land", "--as-of", "2025-06-30", "--json").stdout)
    assert "Next: jifen run --as-of 20" in told["message"]


@pytest.mark.parametrize(
    "words",
    [
        ("pull", "lnad"),
        ("plan", "lnad"),
        ("pull", "land", "--dataset", "leaks"),
        ("pull", "land", "--as-of", "2199-01-01"),
        ("test",),
        ("test", "no_such_source"),
    ],
)
def test_what_cannot_be_done_as_asked_is_a_usage_error(jifen, words):
    assert jifen(*words).exit_code == 2
