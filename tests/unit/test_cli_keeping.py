"""`jifen backup`, `restore`, `retention` and `backfill` as an operator calls them: what they say and end with."""

import json

import pytest

from tests import command_line
from tests.unit.refusing import record
from tests.unit.test_past import DAY, LATER, NEXT, land, run  # noqa: F401  # fixtures


@pytest.fixture
def jifen(settings, tmp_path):
    def call(*words, data_dir=settings.data_dir):
        environment = {"JIFEN_DATA_DIR": str(data_dir), "JIFEN_ENV_FILE": "", "PATH": "/usr/bin"}
        done = command_line.jifen(*words, env=environment, cwd=tmp_path)
        return done.returncode, (done.stdout + done.stderr).decode()

    return call


def test_there_and_back_and_what_stands_is_not_restored_over(jifen, settings, land, run, tmp_path):  # noqa: F811
    land(DAY, record())
    run(DAY)
    run_id = json.loads(jifen("runs", "list", "--json")[1])[0]["run_id"]
    (settings.data_dir / "reports").mkdir(exist_ok=True)
    (settings.data_dir / "reports" / f"{run_id}.html").touch()
    place, there = str(tmp_path / "place"), tmp_path / "there"
    code, said = jifen("backup", place)
    assert (code, "kept" in said) == (0, True), said
    assert jifen("restore", place, "--check")[0] == 0
    code, said = jifen("restore", place, "--json", data_dir=there)
    assert (code, json.loads(said)["state"]) == (0, "restored")
    assert jifen("ledger", "verify", data_dir=there)[0] == 0
    assert (there / "reports" / "latest.html").readlink().name == f"{run_id}.html"
    code, said = jifen("restore", place)
    assert (code, "is not empty" in said) == (1, True), said


def test_retention_plans_and_drops_nothing_by_itself(jifen, land, run, settings):  # noqa: F811
    land(DAY, record())
    run(DAY)
    before = sorted(settings.data_dir.rglob("*"))
    code, said = jifen("retention")
    assert (code, "retention.yml lets nothing go yet" in said.replace("\n", "")) == (0, True), said
    assert sorted(settings.data_dir.rglob("*")) == before
    code, said = jifen("retention", "--apply", "--json")
    assert (code, json.loads(said)["applied"]) == (0, True)


def test_backfill_says_what_is_due_and_builds_nothing_when_only_asked_for_a_plan(jifen, land, run):  # noqa: F811
    days = ("backfill", "--from", DAY.isoformat(), "--to", LATER.isoformat(), "--plan")
    assert jifen(*days)[0] == 2
    land(DAY, record())
    run(DAY)
    land(LATER, record(revenue="11.00"))
    run(LATER)
    code, said = jifen(*days, "--json")
    assert code == 0
    assert {one["day"]: one["state"] for one in json.loads(said)}[NEXT.isoformat()] in ("due", "unknown")
    assert "days are due" in jifen(*days)[1]
