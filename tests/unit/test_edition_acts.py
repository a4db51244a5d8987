"""Rolling back, withdrawing and correcting: each a publication or a mark, and never a changed folder."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest

from editions.places import edition_path, read_current
from editions.seal import EditionDamagedError
from editions.verify import verify
from flows.acts import correct, roll_back, withdraw
from flows.past import known_then
from flows.recipe import PLAIN_STEPS
from ledger.acts import EditionWithdrawnError
from ledger.acts import acts as all_acts
from ledger.binding import LedgerForeignError
from ledger.journal import entries
from ledger.publications import current_id, edition_row, pending, publication_rows
from ledger.store import NotPossibleError, open_ledger
from ledger.tables import deliveries, outbox
from tests.unit.refusing import record
from tests.unit.small_edition import make_candidate
from tests.unit.test_past import BUILT, DAY, LATER, NEXT, land, run  # noqa: F401  # fixtures


@pytest.fixture
def two(land, run):  # noqa: F811
    """Two published editions, oldest first."""
    made = []
    for day in (DAY, NEXT):
        land(day, record())
        made.append(run(day).edition_id)
    return made


RISEN = "update rankings set score = score + 1 where uscc like '%3';"


def standing(settings, ledger):
    assert current_id(ledger) == read_current(settings.data_dir)
    return current_id(ledger)


def corrected(settings, edition_id, day, changes=""):
    dated = f"update rankings set as_of = date '{day}';" + changes  # noqa: S608  # a day of the test
    build = lambda night, _: (make_candidate(settings.data_dir, night.run_id, dated), BUILT)  # noqa: E731
    gate = lambda *_: SimpleNamespace(as_dict=lambda: {"state": "passed", "checks": []})  # noqa: E731
    steps = replace(PLAIN_STEPS, pull_all=known_then, build=build, gate=gate)
    return correct(settings, edition_id, "score of one firm", "li", day, steps)


def test_readers_go_back_to_an_earlier_edition_by_a_publication_of_its_own(settings, ledger, two):
    first, second = two
    done = roll_back(settings, first, "wrong titles", "li")
    assert standing(settings, ledger) == done.stands == first
    newest = publication_rows(ledger)[0]
    assert (newest["edition_id"], newest["sequence"], newest["supersedes"]) == (first, 2, second)
    assert newest["run_id"] is None
    (act,) = all_acts(ledger)
    told = {"act": "rolled_back", "edition_id": first, "stands": first, "why": "wrong titles", "decided_by": "li"}
    assert {name: act[name] for name in told} == told
    assert [entry["content"] for entry in entries(ledger, "edition_act")] == [{**told, "note": None}]
    owed = {row["delivery_id"] for row in pending(ledger, deliveries)}
    assert owed == {f"{name}.1" for name in done.deliveries} != set()
    events = [json.loads(row["event"]) for row in pending(ledger, outbox)]
    assert {(event["type"], event["data"]["act"], event["data"]["supersedes"]) for event in events} == {
        ("cn.jifen.edition.published.v1", "rolled_back", second)
    }
    with pytest.raises(NotPossibleError, match="is current already"):
        roll_back(settings, first, "again", "li")


def test_the_night_after_a_rollback_goes_on_from_it(settings, two, land, run):  # noqa: F811
    first, _ = two
    roll_back(settings, first, "wrong titles", "li")
    land(LATER, record())
    third = run(LATER)
    assert third.state == "published"
    manifest = json.loads((edition_path(settings.data_dir, third.edition_id) / "manifest.json").read_bytes())
    assert manifest["parent"] == first


def test_a_withdrawn_edition_is_left_recalled_and_never_published_again(settings, ledger, two, run):  # noqa: F811
    first, second = two
    done = withdraw(settings, second, "a firm's own figures", "wang")
    assert standing(settings, ledger) == done.stands == first
    events = [json.loads(row["event"]) for row in pending(ledger, outbox)]
    assert {(event["type"], event["subject"], event["data"]["edition_id"]) for event in events} == {
        ("cn.jifen.edition.withdrawn.v1", second, first)
    }
    assert len(events) == len(done.notices) > 0
    assert verify(edition_path(settings.data_dir, second), edition_row(ledger, second)["manifest_sha256"]) == []
    again = run(NEXT)
    assert (again.state, standing(settings, ledger)) == ("failed", first)
    assert "was withdrawn by wang (a firm's own figures)" in again.message
    with pytest.raises(EditionWithdrawnError):
        roll_back(settings, second, "after all", "li")
    with pytest.raises(NotPossibleError, match="already"):
        withdraw(settings, second, "again", "li")
    with pytest.raises(NotPossibleError, match="no earlier one"):
        withdraw(settings, first, "this too", "li")


def test_what_was_withdrawn_is_not_published_the_day_after_before_facts_or_rules_were_mended(
    settings,
    ledger,
    land,  # noqa: F811
    run,  # noqa: F811
):
    for day, revenue in ((DAY, "1.00"), (NEXT, "2.00")):
        land(day, record(revenue=revenue))
        run(day)
    withdraw(settings, current_id(ledger), "wrong figures", "wang")
    land(LATER, record(revenue="2.00"))
    again = run(LATER)
    assert (again.state, "was withdrawn by wang (wrong figures)" in again.message) == ("failed", True)
    land(LATER, record(revenue="1.00"))
    assert run(LATER).state == "published"


def test_a_ledger_that_does_not_know_of_a_withdrawal_is_an_older_copy(settings, two, tmp_path):
    copy = tmp_path / "copy.sqlite"
    with closing(sqlite3.connect(settings.data_dir / "ledger.sqlite")) as live, closing(sqlite3.connect(copy)) as kept:
        live.backup(kept)
    withdraw(settings, two[1], "wrong", "wang")
    with pytest.raises(LedgerForeignError, match="older copy"):
        open_ledger(settings.model_copy(update={"ledger_url": f"sqlite:///{copy}"}))


def test_an_edition_that_is_not_current_is_withdrawn_and_readers_stay(settings, ledger, two):
    first, second = two
    done = withdraw(settings, first, "wrong", "wang")
    assert standing(settings, ledger) == done.stands == second
    assert done.deliveries == ()
    assert len(publication_rows(ledger)) == 2
    assert pending(ledger, deliveries) == []
    assert len(pending(ledger, outbox)) == len(done.notices) > 0


def test_nobody_goes_to_an_edition_that_is_damaged_or_was_never_published(settings, ledger, two):
    first, second = two
    path = edition_path(settings.data_dir, first) / "tables" / "points.csv"
    path.chmod(0o644)
    path.write_bytes(b"x")
    for act in (lambda: roll_back(settings, first, "x", "li"), lambda: withdraw(settings, second, "x", "li")):
        with pytest.raises(EditionDamagedError, match=r"tables/points\.csv"):
            act()
    with pytest.raises(NotPossibleError, match="never published"):
        roll_back(settings, "2025-01-01-none", "x", "li")
    assert standing(settings, ledger) == second
    assert all_acts(ledger) == []


def test_a_correction_names_what_it_corrects_and_whom_it_touches(settings, ledger, two, land):  # noqa: F811
    _, second = two
    land(LATER, record(revenue_cny=5))
    with pytest.raises(NotPossibleError, match="lies before the current edition"):
        corrected(settings, second, DAY)
    done = corrected(settings, second, LATER, RISEN)
    assert done.state == "published"
    assert done.report["touched"] == ["91441300MA00000003"]
    manifest = json.loads((edition_path(settings.data_dir, done.edition_id) / "manifest.json").read_bytes())
    assert [manifest[name] for name in ("kind", "supersedes", "note")] == ["correction", second, "score of one firm"]
    assert edition_row(ledger, done.edition_id)["kind"] == "correction"
    (act,) = all_acts(ledger)
    assert (act["act"], act["edition_id"], act["stands"]) == ("corrected", second, done.edition_id)
    assert act["note"] == {"enterprises": ["91441300MA00000003"]}


def test_an_edition_does_not_correct_itself_where_nothing_was_mended(settings, ledger, two):
    first, second = two
    roll_back(settings, first, "wrong titles", "li")
    done = corrected(settings, second, NEXT)
    assert (done.state, standing(settings, ledger)) == ("published", second)
    assert "It corrects" not in done.message
    assert [act["act"] for act in all_acts(ledger)] == ["rolled_back"]
    assert "corrected" not in "".join(json.loads(row["event"])["type"] for row in pending(ledger, outbox))


def test_a_correction_that_was_killed_before_its_act_is_written_down_by_the_next(
    settings,
    ledger,
    two,
    land,  # noqa: F811
    monkeypatch,
):
    _, second = two
    land(LATER, record(revenue="5.00"))
    with monkeypatch.context() as killed:
        killed.setattr("flows.acts.record_correction", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            corrected(settings, second, LATER, RISEN)
    assert all_acts(ledger) == []
    for _ in range(2):
        done = corrected(settings, second, LATER, RISEN)
        assert done.state == "nothing_new"
        (act,) = all_acts(ledger)
        assert (act["edition_id"], act["stands"]) == (second, standing(settings, ledger))
