"""The commands about editions as an operator calls them."""

import json
from datetime import timedelta

import pytest

from flows import rebuild
from ledger.minisign import new_key, read_secret_key
from ledger.publications import current_id
from tests import command_line
from tests.declared import source_of
from tests.unit.refusing import record
from tests.unit.test_edition_replay import RISEN, THIRD
from tests.unit.test_past import DAY, NEXT, land, never, run  # noqa: F401  # fixtures

WHY = ("--why", "wrong titles")


@pytest.fixture
def jifen(settings):
    """One command: its exit code and what it printed, as JSON where that was asked for, or the error."""

    def call(*words, **more):
        env = {"JIFEN_DATA_DIR": str(settings.data_dir), "PATH": "/usr/bin:/bin", "JIFEN_OPERATOR": "li", **more}
        done = command_line.jifen(*words, env=env, cwd=settings.data_dir)
        text = (done.stdout or done.stderr).decode()
        return done.returncode, json.loads(text) if "--json" in words and done.stdout else text

    return call


@pytest.fixture
def two(land, run):  # noqa: F811
    """Two published editions of two days, oldest first."""
    made = []
    for day, revenue, changes in ((DAY, "10.00", ""), (NEXT, "9.00", RISEN)):
        land(day, record(revenue=revenue))
        made.append(run(day, changes).edition_id)
    return made


def test_an_edition_is_withdrawn_and_the_list_and_readers_say_so(jifen, ledger, two):
    first, second = two
    code, told = jifen("edition", "withdraw", second, *WHY, "--json")
    assert (code, told["stands"], current_id(ledger)) == (0, first, first)
    listed = {row["edition_id"]: row for row in jifen("edition", "list", "--json")[1]}
    assert (listed[second]["withdrawn_by"], listed[first]["withdrawn_by"]) == ("li", None)
    assert jifen("edition", "list")[0] == 0
    code, text = jifen("edition", "rollback", second, *WHY)
    assert (code, "was withdrawn by li (wrong titles)" in text) == (1, True)


def test_an_edition_built_beside_current_is_listed_verified_shown_and_explained_as_of_its_day(
    jifen,
    land,  # noqa: F811
    run,  # noqa: F811
):
    for day, revenue in ((DAY, "10.00"), (NEXT + timedelta(days=1), "9.00")):
        land(day, record(revenue=revenue))
        run(day, RISEN if day != DAY else "")
    beside = run(NEXT, pull=never).edition_id
    (listed,) = [row for row in jifen("edition", "list", "--json")[1] if row["is_beside"]]
    assert (listed["edition_id"], listed["is_current"]) == (beside, False)
    code, told = jifen("edition", "verify", beside, "--json")
    assert (code, told["findings"]) == (0, [])
    shown = jifen("edition", "show", beside, "--json")[1]["manifest"]
    first = next(row["edition_id"] for row in jifen("edition", "list", "--json")[1] if row["as_of"] == str(DAY))
    assert ({one["learned_on"] for one in shown["inputs"]}, shown["parent"]) == ({str(DAY)}, first)
    explained = jifen("explain", "91441300MA00000001", "--edition", beside, "--json")[1]
    assert explained["as_of"] == shown["as_of"] == str(NEXT)


def test_an_edition_is_current_again_and_the_reason_is_asked_for(jifen, ledger, two):
    first, _ = two
    assert jifen("edition", "rollback", first, "--why", " ")[0] == 2
    code, text = jifen("edition", "rollback", first, *WHY)
    assert (code, f"{first} is current again" in text, current_id(ledger)) == (0, True, first)
    code, text = jifen("edition", "rollback", first, *WHY)
    assert (code, "is current already" in text) == (2, True)


def test_verify_says_who_signed_or_that_nobody_did(jifen, land, run, settings, monkeypatch, tmp_path):  # noqa: F811
    land(DAY, record())
    unsigned = run(DAY).edition_id
    assert "unsigned 未签名" in jifen("edition", "verify", unsigned)[1]
    assert "unsigned 未签名" in jifen("status")[1]
    key_file = tmp_path / "zone.key"
    key = new_key(key_file)
    monkeypatch.setattr(type(settings), "signing_key", property(lambda _: read_secret_key(key_file)))
    land(NEXT, record(revenue="9.00"))
    run(NEXT, RISEN)
    assert "no public key is set" in jifen("edition", "verify")[1]
    code, text = jifen("edition", "verify", JIFEN_PUBLIC_KEY_FILE=f"{key_file}.pub")
    assert (code, f"signed by key {key.name}" in text) == (0, True)
    assert f"signed by key {key.name}" in jifen("status")[1]
    other = tmp_path / "other.key"
    new_key(other)
    code, text = jifen("edition", "verify", JIFEN_PUBLIC_KEY_FILE=f"{other}.pub")
    assert (code, "none of the known public keys" in text) == (1, True)


def test_a_diff_is_shown_by_cause_and_by_enterprise(jifen, two, make_dataset, monkeypatch, tmp_path):
    monkeypatch.setattr(rebuild, "read_sources", lambda: [source_of(make_dataset(load="upsert", critical=True))])
    monkeypatch.setattr("flows.diff._between", lambda *_: [])
    code, told = jifen("edition", "diff", *two, "--json")
    assert (code, [cause["cause"] for cause in told["causes"]]) == (0, ["date", "data:tax"])
    assert {row["uscc"] for row in told["parts"]} == {THIRD}
    csv = tmp_path / "parts.csv"
    code, text = jifen("edition", "diff", *two, "--uscc", THIRD, "--csv", str(csv))
    assert (code, THIRD in text, csv.read_text(encoding="utf-8-sig").count(THIRD)) == (0, True, 1)
    code, text = jifen("explain", THIRD)
    assert "因 by 数据 data of tax: 得分 score +1" in text


def test_an_objection_goes_its_way_and_a_list_becomes_final(jifen, two):
    first, _ = two
    code, made = jifen(
        "objection", "open", THIRD, "--what", "its stage", "--edition", first, "--on", "2025-07-01", "--json"
    )
    assert (code, made["due_on"]) == (0, "2025-07-21")
    assert jifen("objection", "open", "91441300MA0000009X", "--what", "x", "--edition", first)[0] == 1
    assert [row["state"] for row in jifen("objection", "list", "--json")[1]] == ["overdue"]
    assert f"objection {made['objection_id']} of {THIRD} was to be decided by 2025-07-21" in jifen("status")[1]
    assert jifen("publicity", "open", first, "--on", "2025-07-01")[0] == 0
    assert jifen("publicity", "close", first, "--on", "2025-07-09")[0] == 2
    code, text = jifen("publicity", "close", first, "--on", "2999-07-09")
    assert (code, "lies ahead of today" in str(text)) == (2, True)
    assert jifen("objection", "decide", made["objection_id"], "--reject", "--why", "it is of that stage")[0] == 0
    assert jifen("objection", "close", made["objection_id"])[0] == 0
    code, text = jifen("publicity", "close", first, "--on", "2025-07-09")
    assert (code, "is final" in text) == (0, True)
    assert jifen("publicity", "list", "--json")[1][0]["closed_on"] == "2025-07-09"
    assert jifen("objection", "list", "--json")[1] == []


def test_an_objection_says_its_next_step(jifen, two):
    first, _ = two
    told = jifen("objection", "open", THIRD, "--what", "its stage", "--edition", first)[1]
    number = told.split()[1]
    assert f"jifen objection decide {number} --uphold --why TEXT" in told
    told = jifen("objection", "decide", number, "--uphold", "--why", "it is of the other")[1]
    assert f"jifen edition correct {first} --why TEXT" in told
    assert told.strip().endswith(f"jifen objection close {number} --correction ID")
