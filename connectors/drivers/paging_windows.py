"""Listings that may be paged only so deep, cut into windows of days; and listings asked for value by value."""

import datetime as dt
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

from connectors.drivers.pages import Cursor, Page
from connectors.drivers.paging_counted import counted, first_question
from connectors.drivers.paging_parts import (
    Answer,
    Listing,
    begin,
    fault,
    json_records,
    narrowed,
    refusal,
    short_hash,
    total_of,
)
from connectors.errors import PagingFaultError
from connectors.json_path import field_of
from connectors.spec import Partition, TimeWindow

KEPT_PAGES = 12
_FRESH: Cursor = {"inner": None, "here": []}


def windowed(
    listing: Listing, paginator: TimeWindow, resume: Cursor | None, first: dt.date, last: dt.date
) -> Iterator[Page]:
    """Window after window of days, each halved until what it declares fits under the cap.

    A window whose total moves, that gives an id on two of its pages, or a page of a window before, is a fault, to be
    read again from its own beginning. The cursor holds the window and the place in it; `entered` is how many days the
    cursor that led into this window spoke of (None for the first), `before` and `here` are marks of the last pages of
    earlier windows and of this one.
    """
    first = min(first, last)
    whole = (last - first).days + 1
    start = {"kind": paginator.kind, "from": first.isoformat(), "days": whole, "until": last.isoformat()}
    at: Cursor | None = begin(listing, resume, {**start, "entered": None, "inner": None, "before": [], "here": []})
    while at is not None:
        fitted, given = _fit(listing, paginator, at)
        try:
            at = yield from _window(listing, paginator, fitted, given)
        except PagingFaultError as error:
            raise PagingFaultError(error.what, error.where, error.next_step, _entrance(fitted)) from None


def _bounds(at: Cursor) -> tuple[dt.date, dt.date]:
    begins = dt.date.fromisoformat(at["from"])
    return begins, begins + dt.timedelta(days=at["days"] - 1)


def _inside(listing: Listing, paginator: TimeWindow, at: Cursor) -> Listing:
    begins, ends = _bounds(at)
    return narrowed(listing, {paginator.from_param: begins.isoformat(), paginator.to_param: ends.isoformat()})


def _fit(listing: Listing, paginator: TimeWindow, at: Cursor) -> tuple[Cursor, Answer | None]:
    """The window cut down until it fits, and its first page; a window we were in the middle of is as it was."""
    if at["inner"] is not None:
        return at, None
    while True:
        answer = _inside(listing, paginator, at).asker.ask(first_question(paginator.inner))
        total = total_of(listing, answer, str(paginator.inner.total))
        if total <= paginator.cap:
            return at, answer
        if at["days"] == 1:
            raise refusal(listing, f"{total} records on {at['from']} alone, and only {paginator.cap} may be paged")
        at = {**at, "days": at["days"] // 2}


def _following(paginator: TimeWindow, at: Cursor, total: int) -> Cursor | None:
    """The next window: as long as this one, or twice that where twice as many records would have fitted."""
    begins, until = _bounds(at)[1], dt.date.fromisoformat(at["until"])
    if begins >= until:
        return None
    days = min(at["days"] * (2 if total * 2 <= paginator.cap else 1), (until - begins).days)
    begins += dt.timedelta(days=1)
    before = [*at["before"], *at["here"]][-KEPT_PAGES:]
    return {**at, "from": begins.isoformat(), "days": days, "entered": days, **_FRESH, "before": before}


def _entrance(at: Cursor) -> Cursor | None:
    """The cursor that led into a window, as it was given out; None for the first window."""
    return None if at["entered"] is None else {**at, "days": at["entered"], **_FRESH}


def _window(
    listing: Listing, paginator: TimeWindow, at: Cursor, given: Answer | None
) -> Generator[Page, None, Cursor | None]:
    """The pages of one window; returns the cursor that leads into the next."""
    begins, ends = _bounds(at)
    seen: set[int] = set()
    for page in counted(_inside(listing, paginator, at), paginator.inner, at["inner"], given):
        told = _told_apart(listing, page)
        ids = {hash(one) for one in told}
        if not seen.isdisjoint(ids):
            raise fault(listing, f"an id stands on two pages of {begins}..{ends}")
        seen |= ids
        mark = short_hash("\n".join(told)) if told else None
        if mark in at["before"]:
            raise fault(listing, f"a page of {begins}..{ends} repeats one of an earlier window")
        at = {**at, "inner": page.next_cursor, "here": [*at["here"], *([mark] if mark else [])][-KEPT_PAGES:]}
        cursor: Cursor | None = at
        if page.next_cursor is None:
            answer = Answer(page.body, {}, page.answer, "")
            cursor = _following(paginator, at, total_of(listing, answer, str(paginator.inner.total)))
        yield replace(page, label=f"{begins}..{ends} {page.label}", next_cursor=cursor)
    return cursor


def _told_apart(listing: Listing, page: Page) -> list[str]:
    """What tells each record of a page apart; one without any of it is landing's to refuse."""
    records = json_records(listing, Answer(page.body, {}, page.answer, ""))
    told = [[field_of(record, name) for name in listing.key] for record in records if isinstance(record, dict)]
    return [repr(values) for values in told if any(value is not None for value in values)]


def partitioned(
    listing: Listing,
    partition: Partition,
    values: Sequence[str],
    resume: Cursor | None,
    pages_for: Callable[[str, Cursor | None], Iterator[Page]],
) -> Iterator[Page]:
    """The pages of each value in order. What goes wrong within one value begins again with that value.

    A cursor counts values, so it is of use only while they are the same: else all begins again.
    """
    values = list(dict.fromkeys(values))
    start: Cursor = {"kind": "partition", "partition": 0, "value_sha": short_hash(repr(values)), "inner": None}
    at = begin(listing, resume, start)
    if at["value_sha"] != start["value_sha"]:
        raise fault(listing, f"the values of {partition.name} changed while they were asked for")
    for place in range(at["partition"], len(values)):
        here = at if place == at["partition"] else {**start, "partition": place}
        following = {**start, "partition": place + 1} if place + 1 < len(values) else None
        try:
            for page in pages_for(values[place], here["inner"]):
                cursor = following if page.next_cursor is None else {**here, "inner": page.next_cursor}
                label = f"[{partition.name}={shown(values[place])}] {page.label}"
                yield replace(page, label=label, next_cursor=cursor)
        except PagingFaultError as error:
            restart_at = _restart(start, place, error.restart_at)
            raise PagingFaultError(error.what, error.where, error.next_step, restart_at) from None


def _restart(start: Cursor, place: int, inner: dict[str, Any] | None) -> Cursor | None:
    return None if place == 0 and inner is None else {**start, "partition": place, "inner": inner}


def shown(value: str) -> str:
    """A value as it may stand in a label: short, without signs that a terminal would obey, and still its own."""
    plain = "".join(sign for sign in value if sign.isprintable())
    return value if plain == value and len(value) <= 60 else f"{plain[:40]}~{short_hash(value)}"
