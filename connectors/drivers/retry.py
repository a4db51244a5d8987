"""One way to try again: full jitter, Retry-After honoured, and an end when the time budget is spent."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

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
        if isinstance(error, TryAgainError) and error.retry_after is not None:
            return error.retry_after
        ceiling = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**retry_state.attempt_number)
        return secrets.SystemRandom().uniform(0, ceiling)


def call_with_retry(attempt: Callable[[], T], where: str, budget_seconds: float) -> T:
    """Call `attempt` until it answers or the budget is spent, then raise a `TransientError` that says when to go on."""

    def would_overrun(state: RetryCallState) -> bool:
        # Waiting past the budget is no better than stopping now: the night goes on, and the checkpoint keeps the place.
        spent = state.seconds_since_start or 0.0
        return spent + (state.upcoming_sleep or 0.0) > budget_seconds

    retrying = Retrying(
        retry=retry_if_exception_type(TryAgainError),
        wait=_Wait(),
        stop=lambda state: stop_after_delay(budget_seconds)(state) or would_overrun(state),
        reraise=True,
    )
    try:
        return retrying(attempt)
    except TryAgainError as error:
        after = ""
        if error.retry_after is not None:
            moment = datetime.now(UTC) + timedelta(seconds=error.retry_after)
            after = f", resume after {moment.isoformat(timespec='seconds')}"
        raise TransientError(
            f"{error} (tried for up to {budget_seconds:g} s{after}).",
            where,
            "run `jifen run` again: it goes on from the last page kept",
        ) from error


def retry_after_seconds(header: str | None) -> float | None:
    """The Retry-After header, in seconds or as a date, as seconds from now; None where there is none we can read."""
    if not header:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(min(int(header), LONGEST_RETRY_AFTER_SECONDS))
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER_SECONDS)
