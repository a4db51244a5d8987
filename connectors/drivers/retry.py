"""One way to try again, and an end in real time: full jitter, Retry-After honoured, nothing past the budget."""

import ctypes
import logging
import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TypeVar

from connectors.errors import LineDeadError, TransientError

log = logging.getLogger("jifen")

T = TypeVar("T")

FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 20.0
LONGEST_RETRY_AFTER_SECONDS = 7 * 24 * 3600
"""A longer wish is cut to this, so that the moment to go on can be named whatever a server says."""

QUIET_SECONDS = 5.0
"""A call that does not answer for longer is logged, once: somebody may be watching."""

MARGIN_SECONDS = 1.0
"""How far past its budget a call may end: work that was cut off has so long to release what it holds."""

_IS_EPOCH = re.compile(r"[1-9]\d{9}(\d{3})?")

_ends: ContextVar[float] = ContextVar("_ends", default=math.inf)


class TryAgainError(RuntimeError):
    """This attempt failed and another may succeed; `retry_after` is the wait, in seconds, that the other side wants."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class NoLineError(TryAgainError):
    """There was no connection at all: every other request over this line fails as well."""


class OutOfTimeError(TryAgainError):
    """The budget ended this attempt: it says less than an answer to an earlier one."""


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Whatever is waited for inside ends after so many seconds, or with the budget around it if that ends first."""
    token = _ends.set(min(_ends.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ends.reset(token)


def left() -> float:
    """Seconds left of the budget."""
    return max(0.0, _ends.get() - time.monotonic())


def within(work: Callable[[], T], reason: str, cut: Callable[[], None] = lambda: None) -> T:
    """The answer of work that waits on another machine, or an `OutOfTimeError` once the budget is spent.

    No library's own time-out is trusted: the work runs in a thread of its own. When time is up, `cut` breaks its
    connection from outside. A thread that has not ended after the margin is stopped at its next step and no longer
    waited for; it keeps no process alive.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001 - `answer.result()` raises it again
            answer.set_exception(error)

    thread = threading.Thread(target=copy_context().run, args=(run,), daemon=True)
    thread.start()
    try:
        wait((answer,), min(left(), threading.TIMEOUT_MAX))
    finally:
        in_time = answer.done()
        if not in_time:
            _end(thread, cut)
    if not in_time:
        raise OutOfTimeError(reason)
    return answer.result()


def _end(thread: threading.Thread, cut: Callable[[], None]) -> None:
    with suppress(Exception):
        cut()
    thread.join(MARGIN_SECONDS)
    if thread.is_alive():
        # Work that still runs, such as a slow or endless read, ends at the next step of the library's loop.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))


PULL_AGAIN = "run `jifen run` again: it goes on from the last page kept"
SEND_AGAIN = "run `jifen run` again: what is not delivered yet is sent then"
RELAY_AGAIN = "jifen outbox relay --once --now, which sends it again"


def call_with_retry(
    attempt: Callable[[], T],
    where: str,
    budget_seconds: float,
    sleep: Callable[[float], object] | None = None,
    next_step: str = PULL_AGAIN,
) -> T:
    """Call `attempt` until it answers or the budget is spent, then raise a `TransientError` that says when to go on.

    Where there was no connection it is a `LineDeadError`.

    `sleep` is how to wait between two attempts, for callers that must be able to stop waiting.
    """
    failed: TryAgainError = OutOfTimeError("no attempt")
    began, is_logged = time.monotonic(), False
    with budget(budget_seconds):
        for number in count(1):
            try:
                return attempt()
            except OutOfTimeError as error:
                failed = error if isinstance(failed, OutOfTimeError) else failed
            except TryAgainError as error:
                failed = error
            pause = _pause(failed, number)
            # To wait past the budget is no better than to stop now: the run goes on, the checkpoint keeps the place.
            if pause >= left():
                break
            waited = time.monotonic() - began
            if not is_logged and waited + pause >= QUIET_SECONDS:
                is_logged = True
                log.warning("%s: %s; tried again for up to %.0f s more", where, failed, left())
            (sleep or time.sleep)(pause)
    # The cause is not chained: it may hold an address with a secret in it.
    kind = LineDeadError if isinstance(failed, NoLineError) else TransientError
    raise kind(f"{failed} (tried for up to {budget_seconds:g} s{_resume(failed)}).", where, next_step)


def not_now(error: TryAgainError, where: str) -> TransientError:
    """The error of an attempt that is not repeated here, with the wait that the other side asked for."""
    kind = LineDeadError if isinstance(error, NoLineError | OutOfTimeError) else TransientError
    problem = kind(f"{error}{_resume(error)}.", where, RELAY_AGAIN)
    problem.retry_after = error.retry_after
    return problem


def _resume(error: TryAgainError) -> str:
    if error.retry_after is None:
        return ""
    moment = datetime.now(UTC) + timedelta(seconds=error.retry_after)
    return f", resume after {moment.isoformat(timespec='seconds')}"


def _pause(error: TryAgainError, number: int) -> float:
    ceiling = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(number, 10))
    jitter = secrets.SystemRandom().uniform(0, ceiling)
    if error.retry_after is None:
        return jitter
    # "Now" is our own jitter: a server whose clock runs ahead must not make us retry in a tight loop.
    return error.retry_after if error.retry_after >= 1.0 else max(error.retry_after, jitter)


def retry_after_seconds(header: str | None, date_header: str | None = None) -> float | None:
    """The Retry-After header, in seconds or as a date, as seconds from now; None where there is none we can read.

    A date is counted from the answer's own `Date` where it has one, so that a server's wrong clock does no
    harm; else from our clock. Some servers write it as a Unix time, in seconds or milliseconds.
    """
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit() and not _IS_EPOCH.fullmatch(text):
        return float(min(int(text[:12]), LONGEST_RETRY_AFTER_SECONDS))
    moment = datetime.fromtimestamp(int(text[:10]), UTC) if _IS_EPOCH.fullmatch(text) else _moment(header)
    if moment is None:
        return None
    seconds = (moment - (_moment(date_header) or datetime.now(UTC))).total_seconds()
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER_SECONDS)


def _moment(header: str | None) -> datetime | None:
    """An HTTP date in UTC; None for any other text."""
    if not header:
        return None
    try:
        moment = parsedate_to_datetime(header)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
