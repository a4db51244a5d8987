"""The ledger: runs that exclude each other, publications that happen once, promises that are kept."""

import os
import subprocess
import sys
from datetime import date

import pytest
from sqlalchemy import update

from flows.deployed import _ended_in
from ledger.publications import (
    CurrentMovedError,
    Message,
    beside_rows,
    current_id,
    edition_row,
    keep_edition,
    mark_failed,
    mark_sent,
    next_sequence,
    pending,
    publication_rows,
    publish,
    sent_or_pending,
)
from ledger.runs import RunLockedError, end_run, exclusive_run, latest_runs, process_of, start_run
from ledger.settings import PROJECT_DIR, MissingVariableError, read_variable
from ledger.store import write
from ledger.tables import deliveries, outbox, runs

DAY = date(2025, 6, 30)


def edition(name):
    facts = {"recipe_sha256": "r", "manifest_sha256": "m", "ruleset_id": "x", "kind": "nightly", "signed_by": None}
    return {"edition_id": name, "as_of": "2025-06-30", **facts}


@pytest.fixture
def publish_one(ledger):
    run_id = start_run(ledger, DAY, "plain")

    def one(name, expected):
        message = Message(f"{name}.policy.{next_sequence(ledger, name)}", "policy", "{}")
        publish(ledger, edition(name), run_id, expected, ["bank_a"], [message])

    return one


def test_current_moves_only_from_where_the_run_saw_it(ledger, publish_one):
    publish_one("a", None)
    publish_one("b", "a")
    with pytest.raises(CurrentMovedError, match="current is b, this run expected a"):
        publish_one("c", "a")
    assert current_id(ledger) == "b"
    assert [row["edition_id"] for row in publication_rows(ledger)] == ["b", "a"]
    assert sent_or_pending(ledger, deliveries, "c") == []


def test_a_newer_edition_supersedes_the_delivery_still_owed_and_keeps_the_message(ledger, publish_one):
    publish_one("a", None)
    publish_one("b", "a")
    assert [row["edition_id"] for row in pending(ledger, deliveries)] == ["b"]
    assert [row["edition_id"] for row in pending(ledger, outbox)] == ["a", "b"]


def test_facts_that_go_back_make_the_old_edition_current_again_with_new_promises(ledger, publish_one):
    publish_one("a", None)
    publish_one("b", "a")
    publish_one("a", "b")
    assert current_id(ledger) == "a"
    assert [row["delivery_id"] for row in sent_or_pending(ledger, deliveries, "a")] == ["bank_a.1", "bank_a.3"]
    assert [row["message_id"] for row in sent_or_pending(ledger, outbox, "a")] == ["a.policy.1", "a.policy.2"]


def test_what_was_sent_is_owed_no_more_and_what_failed_still_is(ledger, publish_one):
    publish_one("a", None)
    mark_failed(ledger, deliveries, "bank_a.1", "no connection")
    assert [(row["attempts"], row["last_error"]) for row in pending(ledger, deliveries)] == [(1, "no connection")]
    mark_sent(ledger, deliveries, "bank_a.1")
    mark_sent(ledger, outbox, "a.policy.1")
    assert pending(ledger, deliveries) == pending(ledger, outbox) == []


def test_a_second_run_in_the_same_folder_is_refused_while_the_first_works(settings):
    second = exclusive_run(settings.data_dir)
    with exclusive_run(settings.data_dir), pytest.raises(RunLockedError, match="another run holds"), second:
        pytest.fail("two runs at once")
    with exclusive_run(settings.data_dir):
        pass


def test_the_lock_dies_with_its_process(settings):
    code = (
        "import os, pathlib, sys\nfrom ledger.runs import exclusive_run\n"
        "with exclusive_run(pathlib.Path(sys.argv[1])):\n    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(settings.data_dir)], cwd=PROJECT_DIR, check=False)
    assert done.returncode == -9
    with exclusive_run(settings.data_dir):
        pass


def test_a_run_whose_process_died_is_closed_by_the_next_which_is_the_newest_though_the_clock_was_put_back(ledger):
    start_run(ledger, DAY, "plain")
    second = start_run(ledger, DAY, "plain")
    end_run(ledger, second, "nothing_new", None, {})
    write(ledger, update(runs).where(runs.c.run_id == second).values(started_at="2020-06-30T00:00:00.000+00:00"))
    assert [row["state"] for row in latest_runs(ledger, 2)] == ["nothing_new", "failed"]


def test_a_flow_run_that_is_tried_again_is_over_when_its_last_try_is(ledger):
    for state in ("failed", "running"):
        run_id = start_run(ledger, date(2025, 6, 30), "prefect:one")
        here = {"process": process_of(os.getppid()), "started_at": f"2025-06-30T0{len(state)}:00:00+00:00"}
        write(ledger, update(runs).where(runs.c.run_id == run_id).values(state=state, **here))
    assert _ended_in(ledger) == {}
    write(ledger, update(runs).where(runs.c.state == "running").values(state="blocked"))
    assert _ended_in(ledger) == {"one": "blocked"}


def test_a_missing_variable_is_named_with_whoever_needs_it_and_what_to_do():
    with pytest.raises(MissingVariableError, match=r"TAX_CLIENT_SECRET not set, and tax needs it.*source check"):
        read_variable("TAX_CLIENT_SECRET", "tax", {"TAX_CLIENT_SECRET": ""})


def test_an_edition_kept_beside_is_no_publication(ledger):
    row = edition("e")
    keep_edition(ledger, row)
    assert beside_rows(ledger) == [row]
    assert (current_id(ledger), edition_row(ledger, "e")) == (None, row)
    publish(ledger, row, start_run(ledger, DAY, "plain"), None, [], [])
    assert beside_rows(ledger) == []
