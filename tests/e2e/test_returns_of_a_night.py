"""After a night each agency has its return, the operator sees what stands, and nobody is told twice."""

import csv
import hashlib
import json
from dataclasses import replace

import pytest

from flows.recipe import PLAIN_STEPS, run_night

pytestmark = pytest.mark.night

AGENCIES = ("bank_a", "bank_b", "talent")


def returns_of(installation, agency):
    return sorted((installation.sandbox.state / "sftp" / agency / "returns").iterdir())


def test_each_agency_with_a_sink_has_its_return_and_every_other_one_is_kept(first_night):
    installation, ran = first_night
    written = {line["source"]: line["state"] for line in ran.output["report"]["returns"]}
    assert dict.fromkeys(AGENCIES, "pending").items() <= written.items()
    assert {state for agency, state in written.items() if agency not in AGENCIES} == {"kept"}
    for agency in AGENCIES:
        file, manifest = returns_of(installation, agency)
        said = json.loads(manifest.read_bytes())
        assert (said["source"], said["file"]) == (agency, file.name)
        assert said["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert installation.jifen("status").output["owed"]["returns"] == []


def test_what_the_list_says_of_a_bank_is_what_the_bank_was_told(first_night):
    installation, _ = first_night
    for agency in AGENCIES:
        listed = {
            one["record_id"]
            for one in installation.jifen("quarantine", "list", "--source", agency, "--all").output
            if any(fault["action"] == "record_refused" for fault in one["faults"])
        }
        text = returns_of(installation, agency)[0].read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(text.splitlines(keepends=True)))
        totals = [row for row in rows if row["类别 kind"] == "合计 total"]
        pages = [row for row in rows if row["类别 kind"] == "文件或页 page"]

        def summed(some, *columns):
            return sum(int(row[column]) for row in some for column in columns)

        parts = ("接受 accepted", "退回 refused", "重复 duplicates dropped")
        received = summed(totals, "收到 received")
        assert summed(pages, "收到 received") == summed(totals, *parts) == received > 0, agency
        assert summed(totals, "退回 refused") == len(listed), agency
        assert all(row["原因"] and row["what to do"] for row in rows if row["原因代码 reason code"])
        told = {row["编号 record id"] for row in rows if row["类别 kind"] == "记录退回 record refused"}
        assert told == listed


class AnotherEditionError(Exception):
    """Raised where a build would begin."""


def test_a_record_discarded_by_the_operator_makes_another_edition_and_stands_no_more(installation):
    def build(_night, _supplied):
        raise AnotherEditionError

    standing = installation.jifen("quarantine", "list", "--source", "bank_a").output
    assert standing
    day = installation.as_of.isoformat()
    ids = [one["record_id"] for one in standing]
    installation.jifen("quarantine", "discard", *ids, "--why", "the bank withdrew them by letter", "--as-of", day)
    assert installation.jifen("quarantine", "list", "--source", "bank_a").output == []
    # Without it there is none: tests/e2e/test_first_night.py runs the same night again.
    with installation.in_force():
        outcome = run_night(installation.settings, installation.as_of, "plain", replace(PLAIN_STEPS, build=build))
    assert "AnotherEditionError" in outcome.message, outcome.message
