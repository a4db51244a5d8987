"""What is shown of a night on its page in Prefect."""

import pytest

from flows.history import run_details
from flows.outcome import Outcome
from flows.prefect_page import datasets_of, night_markdown, show_night
from ledger.runs import latest_runs
from tests.unit.made_up_nights import ledger_of_nights


@pytest.fixture
def told(settings):
    ledger = ledger_of_nights(settings)
    return run_details(ledger, latest_runs(ledger, 2, ("blocked",))[0])


def test_the_night_is_told_with_verdict_steps_and_where_its_page_stands(told):
    text = night_markdown(told, "/data/reports/r.html")
    for part in (
        "# 2025-06-30 闸门拦截 blocked",
        "rankings.is\\_whole: 7 rows",
        "/data/reports/r.html",
        "| 闸门 gate | 12.5 |",
    ):
        assert part in text, part


def test_datasets_that_need_a_look_come_first(told):
    assert [row["state"] for row in datasets_of(told)] == ["failed", "held", "landed"]


def test_nothing_from_outside_is_a_mark_of_the_page(told):
    hostile = "<img src=x> [a](javascript:b) | `c`\n# d"
    text = night_markdown({**told, "message": hostile, "edition_id": hostile}, hostile)
    assert "<img" not in text
    assert "](" not in text
    assert "\n# d" not in text


def test_a_prefect_that_does_not_answer_leaves_the_night_as_it_ended(settings, caplog, monkeypatch):
    run_id = latest_runs(ledger_of_nights(settings))[0]["run_id"]
    monkeypatch.setattr("flows.prefect_page.require_api", lambda: 1 / 0)
    show_night(settings, Outcome("blocked", "2025-06-30", None, "", {"run_id": run_id}))
    assert "the night is not shown on its page" in caplog.text
    caplog.clear()
    show_night(settings, Outcome("beside", "2025-06-30", None, "", {"run_id": "2025-06-29-beside-1"}))
    assert caplog.text == ""
