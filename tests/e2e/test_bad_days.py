"""Bad input and bad days: the right data, or a loud stop that leaves `current` where it was."""

import json
import signal
import sqlite3
import time
from datetime import date, timedelta

import pytest

from connectors.source_files import SOURCES_DIR, read_source
from ledger.batches import landed_batches, open_batch, pages_of
from ledger.publications import pending
from ledger.runs import latest_runs
from ledger.tables import deliveries, outbox

pytestmark = pytest.mark.night

SLOW_TAX_OFFICE = {"kind": "slow_drip", "source": "tax", "position": "every", "times": None}


def outcome_of(ran, source, dataset):
    (found,) = [one for one in ran.told["report"]["pulled"] if (one["source"], one["dataset"]) == (source, dataset)]
    return found


def edit_feed(house, agency, dataset, change):
    path = house.sandbox.state / agency / f"{dataset}.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    kept = [record for record in (change(record) for record in records) if record is not None]
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in kept), encoding="utf-8")


def test_a_critical_source_that_is_away_publishes_nothing_and_says_whose_it_is(house):
    before = house.current
    house.faults({"kind": "down", "source": "tax"}, {"kind": "token_endpoint_down", "source": "tax"})
    ran = house.impatient.run()
    assert (ran.code, ran.told["state"]) == (4, "source_missing")
    assert "tax.statements: the token endpoint answers 503" in ran.told["message"]
    assert "Whose: transient" in ran.told["message"]
    assert "jifen run" in ran.told["message"]
    assert house.current == before


def test_a_source_that_is_not_critical_is_carried_on_with_and_marked_stale_from_the_next_day(house):
    house.faults({"kind": "down", "source": "patent"})
    same_day = house.impatient.run()
    assert (same_day.code, same_day.told["state"]) == (5, "nothing_new"), same_day.told["message"]
    assert "Not pulled: patent.applications" in same_day.told["message"]
    ran = house.impatient.run(house.as_of + timedelta(days=1))
    assert (ran.code, ran.told["state"]) == (5, "published"), ran.told["message"]
    stale = {f"{row['source']}.{row['dataset']}" for row in house.table("supply") if row["is_stale"]}
    assert stale == {"patent.applications", "patent.pct_applications", "patent.software_and_layouts"}


def test_a_body_cut_short_and_a_429_are_tried_again_and_the_data_is_right(house):
    house.faults(
        {"kind": "truncated_json", "source": "tax", "position": 1},
        {"kind": "status_429_seconds", "source": "tax", "position": 2, "times": 2},
        {"kind": "token_of_one_request", "source": "tax"},
    )
    ran = house.run()
    assert (ran.code, ran.told["state"]) == (0, "nothing_new"), ran.told["message"]


def test_a_repeated_page_is_a_loud_stop(house):
    house.faults({"kind": "duplicated_page", "source": "tax", "position": 3})
    ran = house.run()
    assert ran.code == 4
    assert "page 3 repeats an earlier one" in ran.told["message"]


def test_a_truncated_zip_and_a_wrong_control_total_refuse_the_file_and_keep_the_last_good_one(house):
    talent = sorted((house.sandbox.state / "sftp" / "talent" / "outbox").glob("*.zip"))[-1]
    talent.write_bytes(talent.read_bytes()[:-400])
    loans = sorted((house.sandbox.state / "sftp" / "bank_a" / "outbox").glob("*.csv"))[-1]
    lines = loans.read_bytes().splitlines(keepends=True)
    loans.write_bytes(b"".join(lines[:1] + lines[2:]))
    ran = house.run(house.as_of + timedelta(days=1))
    assert (ran.code, ran.told["state"]) == (5, "published"), ran.told["message"]
    zipped, total = outcome_of(ran, "talent", "headcounts"), outcome_of(ran, "bank_a", "loans")
    assert "damaged or cut short" in zipped["message"]
    assert talent.name in zipped["message"]
    assert "control total says" in total["message"]
    assert (zipped["whose"], total["whose"]) == ("data", "data")
    assert {row["dataset"] for row in house.table("supply") if row["is_stale"]} == {"headcounts", "loans"}


def test_one_garbled_record_is_refused_and_the_rest_goes_on(house):
    done = []

    def garble(record):
        if not done and record["ssnd"] in (2022, "2022"):
            done.append(record)
            return {**record, "yysr": "12万3"}
        return record

    edit_feed(house, "tax", "statements", garble)
    ran = house.run()
    assert (ran.code, ran.told["state"]) == (0, "published"), ran.told["message"]
    counts = outcome_of(ran, "tax", "statements")["counts"]
    assert counts["refused:operating_revenue_cny:type_mismatch"] >= 1


def test_statements_of_which_a_third_is_gone_are_not_promoted(house):
    last_year = house.as_of.year - 1
    edit_feed(house, "tax", "statements", lambda r: None if int(r["ssnd"]) == last_year else r)
    ran = house.run()
    assert ran.code == 4
    assert "% fewer" in ran.told["message"]


def test_the_gate_blocks_a_night_whose_statements_are_mostly_empty(house):
    before = house.current
    last_year = house.as_of.year - 1
    empty = dict.fromkeys(("yysr", "yffy", "jlr", "ldzchj", "fldzchj", "ldfzhj", "fldfzhj"))
    edit_feed(house, "tax", "statements", lambda r: {**r, **empty} if int(r["ssnd"]) == last_year else r)
    ran = house.run()
    assert (ran.code, ran.told["state"]) == (3, "blocked"), ran.told["message"]
    checks = ran.told["report"]["verdict"]["checks"]
    assert any(check["severity"] == "critical" and not check["passed"] for check in checks)
    assert house.current == before
    assert house.events() == []


def test_a_consent_withdrawn_removes_the_enterprise_from_the_next_extract(house):
    uscc = sorted(set(house.truth["consented"]["bank_a"]) & set(house.truth["eligible"]))[0]
    with sqlite3.connect(house.sandbox.state / "databases" / "science.sqlite") as register:
        register.execute(
            "update consents set withdrawn_on = ? where uscc = ? and recipient = 'bank_a'",
            (house.as_of.isoformat(), uscc),
        )
    ran = house.run()
    assert (ran.code, ran.told["state"]) == (0, "published"), ran.told["message"]
    (sent,) = house.inbox(".csv")
    text = sent.read_text(encoding="utf-8-sig")
    assert uscc not in text
    assert len(text.splitlines()) > 100
    assert ran.told["edition_id"] in sent.name


def test_a_channel_that_is_away_is_still_owed_and_gets_the_notice_once_at_the_next_run(new_house):
    new_house.faults({"kind": "down", "source": "policy_channel"})
    first = new_house.impatient.run()
    assert (first.code, first.told["state"]) == (1, "published")
    assert "Not delivered yet: policy_channel" in first.told["message"]
    assert len(pending(new_house.ledger, outbox)) == 1
    new_house.faults()
    second = new_house.run()
    assert (second.code, second.told["state"]) == (0, "nothing_new"), second.told["message"]
    assert len(new_house.events()) == 1
    assert len(new_house.inbox(".csv")) == 1
    assert pending(new_house.ledger, outbox) == pending(new_house.ledger, deliveries) == []


def test_killed_in_the_middle_of_a_pull_it_goes_on_behind_the_last_page(new_house, first_night):
    new_house.faults({**SLOW_TAX_OFFICE, "seconds": 0.5})
    running = new_house.start_run()
    deadline = time.monotonic() + 600
    while len(_asked(new_house)) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    time.sleep(1)
    asked = len(_asked(new_house))
    kept, _ = open_batch(new_house.ledger, "tax", "statements", new_house.as_of, tax_spec(), None)
    pages_kept = len(pages_of(new_house.ledger, kept))
    assert 1 <= pages_kept <= asked <= pages_kept + 1
    new_house.faults()
    ran = new_house.run()
    assert (ran.code, ran.told["state"]) == (0, "published"), ran.told["message"]
    assert _asked(new_house)[asked]["query"]["page"] == str(pages_kept + 1)
    assert contents(new_house) == contents(first_night[0])


def tax_spec():
    return read_source(SOURCES_DIR / "tax.yml").sha256


def _asked(house):
    try:
        return [line for line in house.requests("tax", "/statements") if line["status"] == 200]
    except FileNotFoundError:
        return []


def contents(house):
    """What each dataset says, by hash: equal when no record was lost and none came twice."""
    found = {}
    for folder in sorted((house.data_dir / "landed").glob("*/*")):
        rows = landed_batches(house.ledger, folder.parent.name, folder.name, date.max)
        found[f"{folder.parent.name}.{folder.name}"] = [row["content_sha256"] for row in rows]
    return found


def test_a_second_run_beside_the_first_is_refused(house):
    house.faults({**SLOW_TAX_OFFICE, "seconds": 1})
    first = house.start_run()
    deadline = time.monotonic() + 600
    while not house.sandbox.requests() and time.monotonic() < deadline:
        time.sleep(0.05)
    second = house.run()
    assert second.code == 1
    assert "another run holds" in second.told["message"]
    assert first.wait(timeout=1800) == 0, latest_runs(house.ledger, 1)


def test_an_edition_of_a_day_that_has_passed_stands_beside_current_on_what_was_known_then(house):
    first = house.current.name
    last_year = house.as_of.year - 1
    edit_feed(house, "tax", "statements", lambda r: {**r, "yffy": "1.00"} if int(r["ssnd"]) == last_year - 4 else r)
    later = house.run(house.as_of + timedelta(days=2))
    assert (later.code, later.told["state"]) == (0, "published"), later.told["message"]

    def outside() -> tuple[int, int, int]:
        asked = (house.sandbox.state / "access.jsonl").stat().st_size
        return len(house.inbox(".csv")), len(house.events()), asked

    sent = outside()
    same = house.run()
    assert (same.code, same.told["state"], same.told["edition_id"]) == (0, "nothing_new", first), same.told["message"]
    between = house.run(house.as_of + timedelta(days=1))
    assert (between.code, between.told["state"]) == (0, "beside"), between.told["message"]
    before = house.run(house.as_of - timedelta(days=1))
    assert (before.code, before.told["state"]) == (2, "usage")
    assert "nothing was known then of" in before.told["message"]
    assert f"All was known from {house.as_of} on" in before.told["message"]

    assert house.current.name == later.told["edition_id"]
    assert outside() == sent
    name = between.told["edition_id"]
    (listed,) = [row for row in house.jifen("edition", "list").told if row["is_beside"]]
    assert (listed["edition_id"], listed["is_current"]) == (name, False)
    assert house.jifen("edition", "verify", name).told["findings"] == []
    shown = house.jifen("edition", "show", name).told["manifest"]
    assert {one["learned_on"] for one in shown["inputs"]} <= {house.as_of.isoformat(), None}
    assert shown["compared_with"] == first
    uscc = sorted(house.truth["eligible"])[0]
    assert house.jifen("explain", uscc, "--edition", name).told["as_of"] == shown["as_of"]

    again = house.run(house.as_of + timedelta(days=2))
    assert (again.code, again.told["state"]) == (0, "nothing_new"), again.told["message"]
