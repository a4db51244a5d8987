"""Trying again: as often as the budget allows, and never past it."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connectors.drivers.retry import TryAgainError, call_with_retry, retry_after_seconds, within
from connectors.errors import TransientError


def failing(times, error):
    calls = []

    def attempt():
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "answer"

    return attempt, calls


def test_what_may_pass_is_tried_again(monkeypatch):
    monkeypatch.setattr("connectors.drivers.retry.time.sleep", lambda _: None)
    attempt, calls = failing(3, TryAgainError("busy"))
    assert call_with_retry(attempt, "tax.statements", 60) == "answer"
    assert len(calls) == 4


def test_retry_after_is_honoured_to_the_second(monkeypatch):
    slept = []
    monkeypatch.setattr("connectors.drivers.retry.time.sleep", slept.append)
    attempt, _ = failing(1, TryAgainError("busy", retry_after=7.0))
    call_with_retry(attempt, "tax.statements", 60)
    assert slept == [7.0]


def test_a_wait_beyond_the_budget_is_refused_at_once_and_says_when_to_go_on():
    attempt, calls = failing(9, TryAgainError("busy", retry_after=3600))
    with pytest.raises(TransientError, match=r"tax\.statements: busy .*resume after 20.*Whose: transient.*jifen run"):
        call_with_retry(attempt, "tax.statements", 5)
    assert len(calls) == 1


def test_a_call_that_is_tried_again_for_long_is_logged_once_and_a_short_one_not(monkeypatch, caplog):
    monkeypatch.setattr("connectors.drivers.retry.time.sleep", lambda _: None)
    attempt, _ = failing(2, TryAgainError("no connection"))
    call_with_retry(attempt, "tax.statements", 60)
    assert caplog.messages == []
    attempt, _ = failing(2, TryAgainError("no connection", retry_after=5.0))
    call_with_retry(attempt, "tax.statements", 60)
    assert caplog.messages == ["tax.statements: no connection; tried again for up to 60 s more"]


def test_what_an_earlier_attempt_was_told_is_said_also_where_the_last_one_had_no_time_left():
    told = iter([TryAgainError("the agency answers 503", retry_after=0.0)])

    def attempt():
        if answer := next(told, None):
            raise answer
        return within(lambda: time.sleep(0.5), "no whole answer in time")

    with pytest.raises(TransientError, match="answers 503"):
        call_with_retry(attempt, "tax.statements", 0.2, sleep=lambda _: None)


def test_another_error_is_not_tried_again():
    attempt, calls = failing(9, ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        call_with_retry(attempt, "tax.statements", 5)
    assert len(calls) == 1


def test_retry_after_is_read_in_seconds_and_as_a_date():
    assert retry_after_seconds("120") == 120.0
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < retry_after_seconds(soon) <= 60
    assert retry_after_seconds(format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)) == 0.0
    # Their clock is an hour ahead: the wait is still the one second that they mean.
    theirs = datetime.now(UTC) + timedelta(hours=1)
    date, wish = (format_datetime(theirs + timedelta(seconds=one), usegmt=True) for one in (0, 1))
    assert retry_after_seconds(wish, date) == 1.0
    unix = int(datetime.now(UTC).timestamp()) + 60
    assert all(55 < retry_after_seconds(stated) <= 60 for stated in (str(unix), f" {unix}000"))
    assert retry_after_seconds("soon") is None
    assert retry_after_seconds(None) is None
