"""How an agency cuts a long answer into pages: one class for each `kind`, with its settings and how it pages by them.

Pure logic: the listing brings what sends the requests, so that no test needs a socket.
"""

import datetime as dt
import math
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field

from connectors.drivers.listing import Answer, Listing, Question, Seen, mark_of, short_hash
from connectors.drivers.pages import Cursor, Page
from connectors.drivers.retry import TryAgainError
from connectors.errors import ConnectorError, PagingFaultError
from connectors.json_path import MissingFieldError, at_path, field_of
from connectors.strict import DottedPath, Rules, Strict, one_of
from connectors.verdicts import says_more

MOST_EMPTY_PAGES = 1000
KEPT_PAGES = 12
Days = tuple[dt.date, dt.date]


class Paging(Strict):
    """What all paginators have in common. A kind is a class below this one that declares its `kind`."""

    kind: str
    takes_any_form: ClassVar[bool] = False
    """Whether it need not look into the body, unless a total is declared to stand there."""
    is_counted: ClassVar[bool] = False
    """Whether its pages are cut by counting: what moves in the listing while we read may be skipped unseen."""

    @property
    def total_path(self) -> str | None:
        """Where an answer declares how many records there are in all; None where none does."""
        path: str | None = getattr(self, "total", None)
        return path

    @property
    def needs_json(self) -> bool:
        """Whether it must look into the body."""
        return self.total_path is not None or not self.takes_any_form

    @property
    def page_size(self) -> int | None:
        """How many records a page may hold at most, where we choose it."""
        size: int | None = getattr(self, "size", None)
        return size

    def cut_smaller(self) -> Self:
        """The same in smaller pages, so that their edges fall between other records."""
        # Not to half: each old edge would be one again. A page of one cannot be cut smaller, so it is made longer: the
        # same cut would prove nothing.
        return self.model_copy(update={"size": self.page_size and (self.page_size * 3 // 4 or 2)})

    def pages(
        self, listing: Listing, resume: Cursor | None, _days: Days, given: Answer | None = None
    ) -> Iterator[Page]:
        """The pages of a listing from a cursor on (None: from its start).

        `days`: first and last, for time windows. `given` is the first answer, for a caller that has it already.
        """
        at: Cursor | None = listing.begin(resume, {"kind": self.kind, **self._beginning()})
        seen = Seen((at or {}).get("marks", []))
        while at is not None:
            with closing(self._answers(listing, at) if given is None else _one(given)) as answers:
                for answer in answers:
                    page, before = self._page(listing, at, answer, seen), at
                    yield page
                    at = page.next_cursor
                    if at is None or not self._goes_on(before, at):
                        break
            given = None

    def _answers(self, listing: Listing, at: Cursor) -> Generator[Answer, None, None]:
        """The answers from a place on, as far as they can be requested before they are read."""
        yield listing.ask(self._question(at))

    def _goes_on(self, _before: Cursor, _at: Cursor) -> bool:
        """Whether the next of the answers requested ahead begins at this place."""
        return True

    def _beginning(self) -> Cursor:
        """Where it begins, beside its kind."""
        return {}

    def _question(self, at: Cursor) -> Question:
        """What to ask at a place."""
        raise NotImplementedError

    def _page(self, listing: Listing, at: Cursor, answer: Answer, seen: Seen) -> Page:
        """The page that an answer holds, with the place of the next one, if it adds up."""
        raise NotImplementedError


class Counted(Paging):
    """Where the list ends: at a declared total of records, which must be met; without one, as the source file says.

    A total that moves or is not met is a fault, and so is one that is met while the page behind it holds more records:
    a number of pages, say, that was taken for the number of records. `until: empty` reads until a page holds nothing,
    and, where the pages before it were full, the one behind it neither: what moves in the list while it is read is then
    not noticed. Once the first page has said how many there are, the rest is requested ahead, as far as the limits
    allow. Landing judges records that came twice.
    """

    is_counted = True
    size_param: str | None = None
    """Left out where the agency does not let us choose how long a page is."""
    size: int | None = Field(default=None, gt=0)
    total: DottedPath | None = None
    until: Literal["empty"] | None = None

    def _rules(self) -> Rules:
        ends = [name for name in ("total", "total_pages", "until") if getattr(self, name, None) is not None]
        known = "total, total_pages or until: empty" if hasattr(self, "total_pages") else "total or until: empty"
        yield len(ends) == 1, f"the end of the list is found by {known}: name one of them"
        fault = "size_param and size go together: name both or none"
        yield (self.size_param is None) == (self.size is None), fault

    @property
    def pages_path(self) -> str | None:
        """Where an answer declares how many pages there are."""
        path: str | None = getattr(self, "total_pages", None)
        return path

    def _place(self, at: Cursor, ahead: int) -> tuple[str, int]:
        """The parameter and its value that ask for a page, so many pages ahead."""
        raise NotImplementedError

    def _beginning(self) -> Cursor:
        """At the first page; `step` is how many records the pages so far hold each."""
        first = getattr(self, "first", 1)
        return {"size": self.size, "page": first, "received": 0, "total": None, "step": None, "marks": []}

    def _question(self, at: Cursor, ahead: int = 0) -> Question:
        name, value = self._place(at, ahead)
        return Question({name: str(value), **({self.size_param: str(self.size)} if self.size_param else {})})

    def _answers(self, listing: Listing, at: Cursor) -> Generator[Answer, None, None]:
        """The answers from a place on: one where nothing is known yet, else as many as are still wanted."""
        yield from listing.in_order(self._question(at, ahead) for ahead in self._ahead(at))

    def _ahead(self, at: Cursor) -> Iterable[int]:
        """How many pages to request from a place on, counted from 0; without end where an empty page ends it."""
        if at["step"] is None:
            return range(1)
        if self.until is not None:
            return count()
        if self.pages_path is not None:
            return range(at["total"] - (at["page"] - self._beginning()["page"]))
        return range(math.ceil((at["total"] - at["received"]) / at["step"]))

    def _page(self, listing: Listing, at: Cursor, answer: Answer, seen: Seen) -> Page:
        records = listing.json_records(answer)
        label = f"from {at['received']}" if isinstance(self, Offset) else f"page {at['page']}"
        path = self.total or self.pages_path
        total = None if path is None else listing.total(answer, path, at["total"])
        is_last = self._is_last(listing, at, len(records), total)
        if is_last and total is None and says_more(answer.value):
            raise listing.fault(f"{label} is empty and says that more follow")
        if is_last and total is None and at["received"] and not self._is_ended_short(at):
            self._refuse_gap(listing, at, label, seen)
        if seen.again(self._mark(answer, records)):
            hint = ": declare `total` where the agency gives its last page again beyond the end" if path is None else ""
            raise listing.fault(f"{label} repeats an earlier one{hint}")
        following = {
            **at,
            "page": at["page"] + 1,
            "received": at["received"] + len(records),
            "total": total,
            "step": at["step"] or len(records),
            "marks": seen.kept,
        }
        # With a shorter last page, or a total of one, the total can only be a number of records.
        if is_last and path is not None and total != 1 and len(records) >= following["step"]:
            self._refuse_more(listing, following, records, seen, path)
        return Page(label, answer.body, None if is_last else following, answer.value)

    def _mark(self, answer: Answer, records: list[Any]) -> str | None:
        # Where no number of records is met in the end, one record that comes again is a page that comes again.
        return mark_of(answer, records) if self.total else short_hash(repr(records)) if records else None

    def _is_ended_short(self, at: Cursor) -> bool:
        """Whether the page before this one was the first that was not full: a second sign of the end.

        Without it each part of a partitioned listing would cost a third request, and agencies count requests.
        """
        pages, full = at["page"] - self._beginning()["page"], at["size"] or at["step"]
        return bool((pages - 1) * full < at["received"] < pages * full)

    def _refuse_gap(self, listing: Listing, at: Cursor, label: str, seen: Seen) -> None:
        """Raise a fault where the page behind an empty one holds new records: that one was not the end."""
        answer, more = self._behind(listing, self._question(at, 1))
        if more and not seen.again(self._mark(answer, more)):
            raise listing.fault(f"{label} is empty, and the page behind it holds {len(more)} records")

    def _behind(self, listing: Listing, question: Question) -> tuple[Answer, list[Any]]:
        """A page behind the end and its records; none where an agency refuses the request or fails at it."""
        answer = Answer(b"", {}, None, "")
        try:
            answer = listing.ask(replace(question, once=True))
            return answer, listing.json_records(answer)
        except (ConnectorError, TryAgainError):
            return answer, []

    def _is_last(self, listing: Listing, at: Cursor, got: int, total: int | None) -> bool:
        """Whether the list ends with this page; pages that do not add up to what is declared are a fault."""
        if total is None:
            return not got
        if self.pages_path is not None:
            if (got == 0) != (total == 0):
                raise listing.fault(f"page {at['page']} holds {got} records, of {total} pages declared")
            return bool(at["page"] - self._beginning()["page"] + 1 >= total)
        received = at["received"] + got
        if received > total or (not got and received < total):
            raise listing.fault(f"{received} records for a declared total of {total}")
        return bool(received >= total)

    def _refuse_more(self, listing: Listing, behind: Cursor, records: list[Any], seen: Seen, path: str) -> None:
        """Raise an error where the page behind the last one holds new records: the declared total is not the end.

        Requested once for a listing and all its parts, since it proves the declaration. An agency may refuse the
        request, fail at it, or answer with a page it gave before: then there is nothing behind the end.
        """
        if "end" in listing.proved or not records:
            return
        answer, more = self._behind(listing, self._question(behind))
        known = set(map(repr, records))
        if any(repr(record) not in known for record in more) and not seen.again(self._mark(answer, more)):
            total = listing.total(answer, path, behind["total"])
            found = f"{total} at {path} is met, and the page behind it holds {len(more)} more records"
            raise listing.refusal(f"{found}: see whether {path} counts records or pages (total, total_pages)")
        listing.proved.add("end")


class PageNumber(Counted):
    """Pages by number, until the declared total of records (or of pages) is there, or until a page is empty."""

    kind: Literal["page_number"]
    page_param: str
    first: int = Field(default=1, ge=0)
    total_pages: DottedPath | None = None

    def _place(self, at: Cursor, ahead: int) -> tuple[str, int]:
        return self.page_param, at["page"] + ahead


class Offset(Counted):
    """Records from a place in the list on, until the declared total is there, or until a page is empty."""

    kind: Literal["offset"]
    offset_param: str

    def _place(self, at: Cursor, ahead: int) -> tuple[str, int]:
        return self.offset_param, at["received"] + ahead * (at["step"] or 1)

    def _goes_on(self, before: Cursor, at: Cursor) -> bool:
        return bool(at["received"] - before["received"] == at["step"])


class Sized(Paging):
    """Pages whose length we choose."""

    size_param: str
    size: int = Field(gt=0)


class Chained(Paging):
    """Each answer names how to request the next one; without that it is the last.

    An empty page that names itself as the next is the last one too, once it does so twice. Any other token met
    before would lead round in a circle: a fault. The last few thousand tokens are remembered; Brent's mark in the
    cursor finds longer circles, and those that a process began before it died. A declared total must stay, and
    be met in the end.
    """

    def _token(self, listing: Listing, answer: Answer) -> str | int | None:
        """What asks for the next page, None where this is the last."""
        raise NotImplementedError

    def _question(self, at: Cursor) -> Question:
        return Question(link=at["token"])

    def _beginning(self) -> Cursor:
        return {
            "token": None,
            "page": 1,
            "received": 0,
            "total": None,
            "empty": [0, ""],
            "trail": ["", 1, 0],
            "marks": [],
        }

    def _page(self, listing: Listing, at: Cursor, answer: Answer, seen: Seen) -> Page:
        records, label = listing.records(answer), f"page {at['page']}"
        received = at["received"] + len(records or ())
        token = self._token(listing, answer)
        if records == [] and token is not None and token == at["token"]:
            if not at.get("again"):
                # The end, or a fault that passes: the same page is requested once more.
                return Page(label, answer.body, {"kind": self.kind, **at, "again": True}, answer.value)
            token = None
        if token is not None:
            listing.bounded(str(token), "token of the next page")
        total = None if self.total_path is None else listing.total(answer, self.total_path, at["total"])
        if total is not None and (received > total or (token is None and received < total)):
            raise listing.fault(f"{received} records for a declared total of {total}")
        if token is None and says_more(answer.value):
            raise listing.fault(f"{label} says that more follow, and names no next page")
        if token is None and total is None and at["page"] == 1:
            self._refuse_unnamed(listing, answer, records)
        if listing.at is None and not answer.body and (token is not None or at["page"] > 1):
            # An empty body may mean that there is no record at all, but never in the middle of a list.
            raise listing.fault(f"{label} is empty")
        if seen.again(mark_of(answer, records)):
            raise listing.fault(f"{label} repeats an earlier one")
        following = None
        if token is not None:
            following = {
                "kind": self.kind,
                "token": token,
                "page": at["page"] + 1,
                "received": received,
                "total": total,
                "empty": _nothing_new(listing, at["empty"], answer, records),
                "trail": _trail(listing, at["trail"], at["token"], token, seen),
                "marks": seen.kept,
            }
        return Page(label, answer.body, following, answer.value)

    def _refuse_unnamed(self, listing: Listing, answer: Answer, records: list[object] | None) -> None:
        """An error where a whole first page has no place for the next token at all: its path is most likely a slip."""
        if self.page_size is None or not hasattr(self, "next") or len(records or ()) < self.page_size:
            return
        try:
            at_path(answer.value, self.next)
        except MissingFieldError as error:
            whole = f"a whole page of {self.page_size} records came and nothing leads on"
            raise listing.refusal(f"{whole}: {error}; see `next`, or ask for pages of another size") from None


def _nothing_new(listing: Listing, before: list[Any], answer: Answer, records: list[object] | None) -> list[Any]:
    """How many pages in a row held nothing, or the very same as the one before, and a hash of the last.

    Some agencies send one or two such pages, none sends a thousand.
    """
    number, last = before
    held = short_hash(answer.body if records is None else repr(records))
    number = number + 1 if records == [] or held == last else 0
    if number > MOST_EMPTY_PAGES:
        raise listing.refusal(f"{number} pages in a row hold no record, or the same, and each names a next one")
    return [number, held]


def _trail(listing: Listing, trail: list[Any], asked: Any, token: str | int, seen: Seen) -> list[Any]:
    """Brent's way to find a circle: a mark that stays put for 1, 2, 4, 8 … steps, and is met again in any circle."""
    mark, power, steps = trail
    found = short_hash(str(token))
    if found == mark or token == asked or seen.again(found, "token:"):
        raise listing.fault("the token of the next page was given before")
    return [found, power * 2, 0] if steps + 1 >= power else [mark, power, steps + 1]


class CursorAsked(Sized, Chained):
    """The cursor goes among the parameters."""

    cursor_param: str

    def _question(self, at: Cursor) -> Question:
        cursor = {} if at["token"] is None else {self.cursor_param: at["token"]}
        return Question({**cursor, self.size_param: str(self.size)})


class CursorInBody(CursorAsked):
    """Each answer holds the cursor of the next page; none, null or empty text ends it.

    A first page that is whole and has no place for a cursor is an error: the path is most likely wrong.
    """

    kind: Literal["cursor_body"]
    next: DottedPath
    total: DottedPath | None = None

    def _token(self, listing: Listing, answer: Answer) -> str | None:
        token = listing.stated(answer, self.next)
        return None if token is None else str(token)


class CursorInHeader(CursorAsked):
    """Each answer holds the cursor of the next page in a header; without the header it is the last."""

    kind: Literal["cursor_header"]
    takes_any_form = True
    header: str

    def _token(self, _listing: Listing, answer: Answer) -> str | None:
        return answer.headers.get(self.header) or None


class NextLink(Chained):
    """Each answer holds the address of the next page, absolute or not, on the same host; none, null or "" ends it."""

    kind: Literal["next_link"]
    next: DottedPath
    total: DottedPath | None = None

    def _token(self, listing: Listing, answer: Answer) -> str | None:
        link = listing.stated(answer, self.next)
        return None if link is None else listing.path_of(str(link), answer.url)


_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*-]+(?:\s*=\s*(?:"[^"]*"|[^"\s;,]+))?)*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^"\s;,]+))', re.IGNORECASE)


def _linked_next(answer: Answer) -> set[str]:
    """The addresses that the `Link` header of an answer calls the next page."""
    found = set()
    for target, attributes in _LINK.findall(answer.headers.get("Link") or ""):
        relation = _REL.search(attributes)
        if relation and "next" in (relation[1] or relation[2] or "").lower().split():
            found.add(target)
    return found


class LinkHeader(Chained):
    """The `Link` header names the next page (`rel="next"`), on the same host; without it the page is the last."""

    kind: Literal["link_header"]
    takes_any_form = True

    def _token(self, listing: Listing, answer: Answer) -> str | None:
        found = _linked_next(answer)
        if len(found) > 1:
            raise listing.refusal("the Link header names two next pages")
        return listing.path_of(found.pop(), answer.url) if found else None


class TokenInPost(Sized, Chained):
    """A POST whose JSON body holds the token of the page, which the answer before it gave; none, null or "" ends it."""

    kind: Literal["post_token"]
    token_field: str
    next: DottedPath
    total: DottedPath | None = None

    def _question(self, at: Cursor) -> Question:
        """The token in the body, a number as a number."""
        named = {} if at["token"] is None else {self.token_field: at["token"]}
        return Question(body={**named, self.size_param: self.size})

    def _token(self, listing: Listing, answer: Answer) -> str | int | None:
        return listing.stated(answer, self.next)


class Keyset(Sized):
    """Records after the last id seen, ids ascending; an empty page ends it.

    Ids that do not ascend are a fault, for some would be lost. A record without an id moves nothing; landing refuses
    it.
    """

    kind: Literal["keyset"]
    after_param: str
    cursor: str
    start: str = "0"
    order: Literal["number", "text"] = "number"

    def _beginning(self) -> Cursor:
        return {"after": self.start}

    def _question(self, at: Cursor) -> Question:
        return Question({self.after_param: str(at["after"]), self.size_param: str(self.size)})

    def _page(self, listing: Listing, at: Cursor, answer: Answer, _seen: Seen) -> Page:
        records, after = listing.json_records(answer), at["after"]
        if not records and says_more(answer.value):
            raise listing.fault(f"the page after {after} is empty and says that more follow")
        if not records:
            return Page(f"after {after}", answer.body, None, answer.value)
        ids = self._ids(records)
        floor = int(after) if self.order == "number" else str(after)
        if not ids or not all(lower < upper for lower, upper in pairwise([floor, *ids])):
            raise listing.fault(f"the ids after {after} do not ascend")
        after = listing.bounded(str(ids[-1]), "id")
        return Page(f"up to {after}", answer.body, {"kind": self.kind, "after": after}, answer.value)

    def _ids(self, records: list[Any]) -> list[Any]:
        stated = [field_of(record, self.cursor) for record in records if isinstance(record, dict)]
        if self.order == "text":
            return [found for found in stated if isinstance(found, str)]
        return [number for found in stated if (number := _whole_number(found)) is not None]


def _whole_number(found: Any) -> int | None:
    if isinstance(found, str):
        return int(found) if found.isascii() and found.removeprefix("-").isdigit() and len(found) < 30 else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


_COUNT_HEADERS = ("X-Total-Count", "X-Total", "Total-Count", "Content-Range")
_COUNTED = re.compile(r"(?!bytes)(?:.*/)?\s*([0-9]{1,18})\s*", re.IGNORECASE)
"""A number of records in a header: `100`, or `items 0-4/100`."""


class SinglePage(Paging):
    """All of it in one answer, which must hold as many records as it declares, and name no next page in a header."""

    kind: Literal["single"]
    takes_any_form = True
    total: DottedPath | None = None

    def _question(self, _at: Cursor) -> Question:
        return Question()

    def _page(self, listing: Listing, _at: Cursor, answer: Answer, _seen: Seen) -> Page:
        records = listing.records(answer)
        if self.total is not None and records is not None:
            total = listing.total(answer, self.total)
            if len(records) != total:
                raise listing.fault(f"{len(records)} records for a declared total of {total}")
        elif more := next(self._announced(answer, records), None):
            raise listing.refusal(f"the answer says that there are more records than it holds: {more}")
        return Page("page 1", answer.body, None, answer.value)

    def _announced(self, answer: Answer, records: list[Any] | None) -> Iterator[str]:
        """The headers by which an answer that is taken for the whole announces more."""
        if _linked_next(answer):
            yield "Link has a next page"
        for name in _COUNT_HEADERS if records is not None else ():
            stated = _COUNTED.fullmatch(answer.headers.get(name) or "")
            if stated and int(stated[1]) > len(records or ()):
                yield f"{name} is {int(stated[1])}"


class TimeWindow(Paging):
    """A listing that may be paged only so deep: cut into windows of days, each halved until it fits under the cap.

    Both ends of a window are included in the request. A window whose total moves, that gives an id on two of its
    pages, or a page of a window before, is a fault, to be read again from its own beginning; if its records still move
    the window is quarantined and the dataset is not promoted. The cursor holds the window and the place in it:
    `entered` is how many days the cursor that led into this window spoke of (None for the first), `before` and `here`
    are marks of the last pages of earlier windows and of this one.
    """

    kind: Literal["time_window"]
    is_counted = True
    from_param: str
    to_param: str
    start: dt.date
    cap: int = Field(gt=0)
    inner: PageNumber | Offset = Field(discriminator="kind")

    def _rules(self) -> Rules:
        fault = "inner needs a total: by it a window is known to fit under the cap"
        yield self.inner.total is not None, fault

    @property
    def total_path(self) -> str:
        """That of the pages inside a window."""
        return str(self.inner.total)

    @property
    def page_size(self) -> int | None:
        """That of the pages inside a window."""
        return self.inner.size

    def cut_smaller(self) -> Self:
        """The same windows in smaller pages."""
        return self.model_copy(update={"inner": self.inner.cut_smaller()})

    def pages(
        self, listing: Listing, resume: Cursor | None, days: Days, _given: Answer | None = None
    ) -> Iterator[Page]:
        """The pages of window after window, from the first of `days` to the last."""
        first = min(days)
        until = {"from": first.isoformat(), "days": (days[1] - first).days + 1, "until": days[1].isoformat()}
        start = {"kind": self.kind, **until, "entered": None, "inner": None, "before": [], "here": []}
        at: Cursor | None = listing.begin(resume, start)
        while at is not None:
            fitted, given = self._fitted(listing, at)
            try:
                at = yield from self._window(listing, fitted, given)
            except PagingFaultError as error:
                # The cursor that led into this window, as it was given out; None for the first.
                days_asked = fitted["entered"]
                entrance = None if days_asked is None else {**fitted, "days": days_asked, "inner": None, "here": []}
                raise PagingFaultError(error.what, error.where, error.next_step, entrance) from None

    def _inside(self, listing: Listing, at: Cursor) -> Listing:
        begins, ends = _bounds(at)
        days = {self.from_param: begins.isoformat(), self.to_param: ends.isoformat()}
        return replace(listing, params={**listing.params, **days})

    def _fitted(self, listing: Listing, at: Cursor) -> tuple[Cursor, Answer | None]:
        """The window cut down until it fits, and its first page; a window we were in the middle of is as it was."""
        if at["inner"] is not None:
            return at, None
        while True:
            answer = self._inside(listing, at).ask(self.inner._question(self.inner._beginning()))
            is_cut = listing.is_lower_bound(answer, self.total_path) and at["days"] > 1
            total = None if is_cut else listing.total(answer, self.total_path)
            if total is not None and total <= self.cap:
                return at, answer
            if at["days"] == 1:
                raise listing.refusal(f"{total} records on {at['from']} alone, and only {self.cap} may be paged")
            at = {**at, "days": at["days"] // 2}

    def _window(self, listing: Listing, at: Cursor, given: Answer | None) -> Generator[Page, None, Cursor | None]:
        """The pages of one window; returns the cursor that leads into the next."""
        begins, ends = _bounds(at)
        seen: set[int] = set()
        for page in self.inner.pages(self._inside(listing, at), at["inner"], (begins, ends), given):
            answer = Answer(page.body, {}, page.answer, "")
            keys = _keys_of(listing, answer)
            ids = {hash(one) for one in keys}
            if not seen.isdisjoint(ids):
                raise listing.fault(f"an id stands on two pages of {begins}..{ends}")
            seen |= ids
            marks = [short_hash("\n".join(keys))] if keys else []
            if set(marks) & set(at["before"]):
                raise listing.fault(f"a page of {begins}..{ends} repeats one of an earlier window")
            at = {**at, "inner": page.next_cursor, "here": [*at["here"], *marks][-KEPT_PAGES:]}
            cursor = at if page.next_cursor else self._following(at, listing.total(answer, self.total_path))
            yield replace(page, label=f"{begins}..{ends} {page.label}", next_cursor=cursor)
        return cursor

    def _following(self, at: Cursor, total: int) -> Cursor | None:
        """The next window: as long as this one, or twice that where twice as many records would have fitted."""
        ends, until = _bounds(at)[1], dt.date.fromisoformat(at["until"])
        if ends >= until:
            return None
        days = min(at["days"] * (2 if total * 2 <= self.cap else 1), (until - ends).days)
        before = [*at["before"], *at["here"]][-KEPT_PAGES:]
        begins = (ends + dt.timedelta(days=1)).isoformat()
        return {**at, "from": begins, "days": days, "entered": days, "inner": None, "here": [], "before": before}


def _one(answer: Answer) -> Generator[Answer, None, None]:
    yield answer


def _bounds(at: Cursor) -> Days:
    begins = dt.date.fromisoformat(at["from"])
    return begins, begins + dt.timedelta(days=at["days"] - 1)


def _keys_of(listing: Listing, answer: Answer) -> list[str]:
    """The fields that identify each record of a page; landing refuses a record without any of them."""
    records = listing.json_records(answer)
    keys = [[field_of(record, name) for name in listing.key] for record in records if isinstance(record, dict)]
    return [repr(values) for values in keys if any(value is not None for value in values)]


if TYPE_CHECKING:
    Paginator = Paging
else:
    Paginator = one_of(Paging)
