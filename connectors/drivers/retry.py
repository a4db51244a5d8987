"""One way to try again: full jitter, Retry-After honoured, and an end when the time budget is spent."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import tenacity.nap
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay
from tenacity.wait import wait_base

from connectors.errors import TransientError

T = TypeVar("T")

FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 20.0
LONGEST_RETRY_AFTER_SECONDS = 7 * 24 * 3600


class TryAgainError(RuntimeError):
    """This attempt failed in a way that another may cure; `retry_after` is the other side's own wish, in seconds."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class _Wait(wait_base):
    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        ceiling = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(retry_state.attempt_number, 10))
        jitter = secrets.SystemRandom().uniform(0, ceiling)
        if isinstance(error, TryAgainError) and error.retry_after is not None:
            # "Now" is our own jitter: a clock that runs ahead over there must not make us ask in a tight circle.
            return error.retry_after if error.retry_after >= 1.0 else max(error.retry_after, jitter)
        return jitter


def call_with_retry(
    attempt: Callable[[], T], where: str, budget_seconds: float, sleep: Callable[[float], None] | None = None
) -> T:
    """Call `attempt` until it answers or the budget is spent, then raise a `TransientError` that says when to go on.

    `sleep` is how to wait between two attempts, for callers that must be able to stop waiting.
    """

    def would_overrun(state: RetryCallState) -> bool:
        # Waiting past the budget is no better than stopping now: the night goes on, and the checkpoint keeps the place.
        spent = state.seconds_since_start or 0.0
        return spent + (state.upcoming_sleep or 0.0) > budget_seconds

    retrying = Retrying(
        retry=retry_if_exception_type(TryAgainError),
        wait=_Wait(),
        stop=lambda state: stop_after_delay(budget_seconds)(state) or would_overrun(state),
        sleep=sleep or tenacity.nap.sleep,
        reraise=True,
    )
    try:
        return retrying(attempt)
    except TryAgainError as error:
        after = ""
        if error.retry_after is not None:
            moment = datetime.now(UTC) + timedelta(seconds=error.retry_after)
            after = f", resume after {moment.isoformat(timespec='seconds')}"
        # What the attempts were broken by may hold an address with a secret in it: it ends here.
        raise TransientError(
            f"{error} (tried for up to {budget_seconds:g} s{after}).",
            where,
            "run `jifen run` again: it goes on from the last page kept",
        ) from None


def retry_after_seconds(header: str | None, date_header: str | None = None) -> float | None:
    """The Retry-After header, in seconds or as a date, as seconds from now; None where there is none we can read.

    A date is counted from the answer's own `Date` where it has one, so that a clock that is wrong over there does no
    harm; else from our clock.
    """
    if not header:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(min(int(header.strip()[:12]), LONGEST_RETRY_AFTER_SECONDS))
    moment = _moment(header)
    if moment is None:
        return None
    seconds = (moment - (_moment(date_header) or datetime.now(UTC))).total_seconds()
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER_SECONDS)


def _moment(header: str | None) -> datetime | None:
    """An HTTP date in UTC, or None for what is none."""
    if not header:
        return None
    try:
        moment = parsedate_to_datetime(header)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
