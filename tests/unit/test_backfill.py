"""Past days without an edition: which are due, built newest first beside `current`, each once."""

from datetime import timedelta

import pytest

from flows import backfill, recipe
from flows.backfill import DUE, PastDay, build_days, days_between
from flows.outcome import Outcome
from ledger.publications import beside_rows, current_id
from ledger.store import NotPossibleError
from tests.unit.refusing import record
from tests.unit.test_past import DAY, LATER, NEXT, land, run  # noqa: F401  # fixtures

EVE, AFTER = DAY - timedelta(days=1), LATER + timedelta(days=1)


@pytest.fixture
def gap(land, run, monkeypatch):  # noqa: F811
    """Nights of the first and the last day, and none of those between."""
    monkeypatch.setattr(backfill, "read_sources", recipe.read_sources)
    monkeypatch.setattr(backfill, "run_night", lambda _, day, __: run(day))
    land(DAY, record())
    run(DAY)
    land(AFTER, record(revenue="11.00"))
    return run(AFTER).edition_id


def test_the_plan_says_of_each_day_whether_it_is_built_due_unknown_or_not_past(settings, gap):
    *found, before = days_between(settings, EVE - timedelta(days=1), AFTER + timedelta(days=1))
    assert [one.state for one in found] == ["not past", "built", "due", "due", "built", "unknown"]
    assert (before.state, before.why) == ("unknown", found[-1].why.replace(str(EVE), str(before.day), 1))
    assert [one.day for one in found] == sorted((one.day for one in found), reverse=True)
    assert found[1].edition_id == gap
    assert "jifen run --as-of" in found[0].why
    assert "nothing was known then of tax.statements" in found[-1].why


def test_due_days_are_built_newest_first_beside_current_and_each_once(settings, ledger, gap):
    ended = list(build_days(settings, days_between(settings, EVE, AFTER), keep_going=False))
    assert [(day, outcome.state) for day, outcome in ended] == [(LATER, "beside"), (NEXT, "beside")]
    assert current_id(ledger) == gap
    assert {row["as_of"] for row in beside_rows(ledger)} == {NEXT.isoformat(), LATER.isoformat()}
    assert list(build_days(settings, days_between(settings, EVE, AFTER), keep_going=False)) == []


@pytest.mark.parametrize(
    ("keep_going", "message", "tried"),
    [(False, "a check", [LATER]), (True, "a check", [LATER, NEXT]), (True, "interrupted; what was fetched", [LATER])],
)
def test_the_first_day_that_fails_is_the_last_unless_one_goes_on(settings, monkeypatch, keep_going, message, tried):
    blocked = lambda _, day, __: Outcome("blocked", day.isoformat(), None, message, {})  # noqa: E731
    monkeypatch.setattr(backfill, "run_night", blocked)
    due = [PastDay(day, DUE) for day in (LATER, NEXT)]
    ended = build_days(settings, due, keep_going=keep_going)
    assert [day for day, _ in ended] == tried


def test_without_an_edition_or_with_days_turned_round_it_is_a_usage_error(settings):
    with pytest.raises(NotPossibleError, match="no edition is published yet"):
        days_between(settings, DAY, NEXT)
    with pytest.raises(NotPossibleError, match="lies behind"):
        days_between(settings, NEXT, DAY)
    with pytest.raises(NotPossibleError, match="more than ten years"):
        days_between(settings, DAY.replace(year=205), DAY)
