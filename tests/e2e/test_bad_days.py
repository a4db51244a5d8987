"""Bad input and bad days: the right data, or a loud stop that leaves `current` where it was."""

import csv
import io
import json
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

pytestmark = pytest.mark.night


def outcome_of(ran, source, dataset):
    (found,) = [one for one in ran.output["report"]["pulled"] if (one["source"], one["dataset"]) == (source, dataset)]
    return found


def feed_of(installation, agency, dataset):
    path = installation.sandbox.state / agency / f"{dataset}.jsonl"
    return path, [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def edit_feed(installation, agency, dataset, change):
    path, records = feed_of(installation, agency, dataset)
    kept = [record for record in (change(record) for record in records) if record is not None]
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in kept), encoding="utf-8")


def test_a_critical_source_that_is_away_publishes_nothing_and_says_whose_it_is(installation):
    before = installation.current
    installation.faults({"kind": "down", "source": "tax"}, {"kind": "token_endpoint_down", "source": "tax"})
    ran = installation.impatient.run()
    assert (ran.code, ran.output["state"]) == (4, "source_missing")
    assert "tax.statements: the token endpoint answers 503" in ran.output["message"]
    assert "Whose: transient" in ran.output["message"]
    assert "jifen run" in ran.output["message"]
    assert installation.current == before
    installation.faults({"kind": "duplicated_page", "source": "tax", "position": 3})
    repeated = installation.run()
    assert repeated.code == 4
    assert "page 3 repeats an earlier one" in repeated.output["message"]
    installation.faults()
    last_year = installation.as_of.year - 1
    edit_feed(installation, "tax", "statements", lambda r: None if int(r["ssnd"]) == last_year else r)
    shrunk = installation.run()
    assert shrunk.code == 4
    assert "% fewer" in shrunk.output["message"]
    assert installation.current == before


@pytest.fixture(scope="module")
def bad_night(published, tmp_path_factory):
    """The night after next, on which much goes wrong at once, each thing at another agency."""
    installation = published(tmp_path_factory.mktemp("bad_night"))
    state = installation.sandbox.state
    talent = sorted((state / "sftp" / "talent" / "outbox").glob("*.zip"))[-1]
    talent.write_bytes(talent.read_bytes()[:-400])
    loans = sorted((state / "sftp" / "bank_a" / "outbox").glob("*.csv"))[-1]
    lines = loans.read_bytes().splitlines(keepends=True)
    loans.write_bytes(b"".join(lines[:1] + lines[2:]))
    _, statements = feed_of(installation, "tax", "statements")
    garbled = next(record for record in statements if int(record["ssnd"]) == 2022)
    edit_feed(installation, "tax", "statements", lambda r: {**r, "yysr": "12万3"} if r == garbled else r)
    withdrawn = sorted(set(installation.truth["consented"]["bank_a"]) & set(installation.truth["eligible"]))[0]
    with sqlite3.connect(state / "databases" / "science.sqlite") as register:
        register.execute(
            "update consents set withdrawn_on = ? where uscc = ? and recipient = 'bank_a'",
            (installation.as_of.isoformat(), withdrawn),
        )
    installation.faults(
        {"kind": "down", "source": "patent"},
        {"kind": "truncated_json", "source": "tax", "position": 1},
        {"kind": "status_429_seconds", "source": "tax", "position": 2, "times": 2},
        {"kind": "token_of_one_request", "source": "tax"},
    )
    ran = replace(installation, retry_seconds=30).run(installation.as_of + timedelta(days=2))
    assert (ran.code, ran.output["state"]) == (5, "published"), ran.output["message"]
    return installation, ran, withdrawn


def test_a_source_that_is_not_critical_is_carried_on_with_and_marked_stale_from_the_next_day(bad_night):
    installation, ran, _ = bad_night
    assert "Not pulled: " in ran.output["message"]
    assert "patent.applications" in ran.output["message"]
    stale = {f"{row['source']}.{row['dataset']}" for row in installation.table("supply") if row["is_stale"]}
    assert {name for name in stale if name.startswith("patent.")} == {
        "patent.applications",
        "patent.pct_applications",
        "patent.software_and_layouts",
    }
    assert {name for name in stale if not name.startswith("patent.")} == {"talent.headcounts", "bank_a.loans"}


def test_a_truncated_zip_and_a_wrong_control_total_refuse_the_file_and_keep_the_last_good_one(bad_night):
    _, ran, _ = bad_night
    zipped, total = outcome_of(ran, "talent", "headcounts"), outcome_of(ran, "bank_a", "loans")
    assert "damaged or cut short" in zipped["message"]
    assert ".zip" in zipped["message"]
    assert "control total says" in total["message"]
    assert (zipped["whose"], total["whose"]) == ("data", "data")


def test_one_garbled_record_is_refused_and_what_was_cut_short_or_put_off_is_asked_for_again(bad_night, first_night):
    installation, ran, _ = bad_night
    told, before = outcome_of(ran, "tax", "statements"), outcome_of(first_night[1], "tax", "statements")
    assert (told["state"], told["rows_received"]) == ("landed", len(feed_of(installation, "tax", "statements")[1]))
    assert told["rows_refused"] == before["rows_refused"] + 1
    assert told["counts"]["refused:operating_revenue_cny:type_mismatch"] >= 1


def test_a_consent_withdrawn_removes_the_enterprise_from_the_next_extract(bad_night):
    installation, ran, withdrawn = bad_night
    (package,) = installation.packages()
    manifest = json.loads(package["manifest.json"])
    text = package["ext_bank__scores.csv"].decode("utf-8-sig")
    assert withdrawn not in text
    assert len(text.splitlines()) > 100
    assert manifest["edition"]["edition_id"] == ran.output["edition_id"]
    dropped = list(csv.DictReader(io.StringIO(package["drops.csv"].decode("utf-8-sig"))))
    assert ("ext_bank__scores", withdrawn, "withdrawn") in {
        (row["table"], row["uscc"], row["reason"]) for row in dropped
    }
    assert (manifest["number"], manifest["follows"]["number"], manifest["supersedes"]) == (2, 1, 1)


def test_an_edition_of_a_day_that_has_passed_stands_beside_current_on_what_was_known_then(bad_night, first_night):
    installation, later, _ = bad_night
    first = first_night[0].current.name

    def outside() -> tuple[int, int, int]:
        asked = (installation.sandbox.state / "access.jsonl").stat().st_size
        return len(installation.inbox(".tar.gpg")), len(installation.events()), asked

    sent = outside()
    same = installation.run()
    assert (same.code, same.output["state"], same.output["edition_id"]) == (0, "nothing_new", first), same.output[
        "message"
    ]
    between = installation.run(installation.as_of + timedelta(days=1))
    assert (between.code, between.output["state"]) == (0, "beside"), between.output["message"]
    before = installation.run(installation.as_of - timedelta(days=1))
    assert (before.code, before.output["state"]) == (2, "usage")
    assert "nothing was known then of" in before.output["message"]
    assert f"All was known from {installation.as_of} on" in before.output["message"]

    assert installation.current.name == later.output["edition_id"]
    assert outside() == sent
    name = between.output["edition_id"]
    (listed,) = [row for row in installation.jifen("edition", "list").output if row["is_beside"]]
    assert (listed["edition_id"], listed["is_current"]) == (name, False)
    assert installation.jifen("edition", "verify", name).output["findings"] == []
    shown = installation.jifen("edition", "show", name).output["manifest"]
    assert {one["learned_on"] for one in shown["inputs"]} <= {installation.as_of.isoformat(), None}
    assert shown["parent"] == first
    uscc = sorted(installation.truth["eligible"])[0]
    assert installation.jifen("explain", uscc, "--edition", name).output["as_of"] == shown["as_of"]

    again = installation.impatient.run(installation.as_of + timedelta(days=2))
    assert (again.code, again.output["state"]) == (5, "nothing_new"), again.output["message"]
    assert "Not pulled: " in again.output["message"]
