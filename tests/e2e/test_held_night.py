"""A feed that changed more than it ever does: the last good batch stands until a named person lets the new one in."""

import csv

import pytest

from tests.e2e.test_bad_days import edit_feed, outcome_of

pytestmark = [pytest.mark.night, pytest.mark.sweep]


def exchanged(record):
    """Two amounts of a statement, each in the other's place."""
    return {**record, "ldzchj": record["fldzchj"], "fldzchj": record["ldzchj"]}


def test_two_exchanged_columns_are_held_told_and_let_in_by_a_named_person(installation):
    before = installation.current
    edit_feed(installation, "tax", "statements", exchanged)
    held = installation.run()
    assert (held.code, outcome_of(held, "tax", "statements")["state"]) == (5, "held")
    assert "exchanged:current_assets_cny+noncurrent_assets_cny" in outcome_of(held, "tax", "statements")["message"]
    assert installation.current == before
    (told,) = installation.jifen("source", "held", "tax.statements").output
    assert told["examples"]["exchanged:current_assets_cny+noncurrent_assets_cny"]
    status = installation.jifen("status").output
    assert any("jifen source held tax.statements" in text for text in status["to_do"])
    returned = max((installation.data_dir / "returns").rglob("tax*.csv"), key=lambda path: path.stat().st_mtime_ns)
    kinds = {row["类别 kind"]: row for row in csv.DictReader(returned.read_text(encoding="utf-8-sig").splitlines())}
    assert kinds["整批待核 held as a whole"]["原因代码 reason code"] == "whole_delivery_held"
    word = ("--why", "the tax office fixed its export and says so", "--by", "Zhao Min")
    assert installation.jifen("source", "accept", "tax.statements", *word).output["decided_by"] == "Zhao Min"
    let_in = installation.run()
    assert outcome_of(let_in, "tax", "statements")["state"] == "landed"
    assert installation.jifen("source", "held").output == []
