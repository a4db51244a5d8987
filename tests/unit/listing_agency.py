"""An agency for tests of paging: it answers every paginator's questions from a list, and lies when told to."""

import datetime as dt
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import TypeAdapter
from requests.structures import CaseInsensitiveDict

from connectors.drivers.listing import Answer, Listing
from connectors.drivers.paging import Keyset, Offset, PageNumber, Paginator, TimeWindow
from connectors.json_path import RecordsAt

URL = "https://agency.example/api/list"
SIZE = 3
DAYS = (dt.date(2025, 1, 1), dt.date(2025, 1, 9))

DECLARED: dict[str, dict[str, Any]] = {
    "page_number": {"page_param": "page", "size_param": "size", "size": SIZE, "total": "total"},
    "offset": {"offset_param": "from", "size_param": "size", "size": SIZE, "total": "total"},
    "cursor_body": {"cursor_param": "cursor", "size_param": "size", "size": SIZE, "next": "next"},
    "cursor_header": {"cursor_param": "cursor", "size_param": "size", "size": SIZE, "header": "X-Next"},
    "next_link": {"next": "next", "total": "total"},
    "link_header": {},
    "post_token": {"token_field": "cursor", "size_param": "size", "size": SIZE, "next": "next", "total": "total"},
    "keyset": {"after_param": "after", "cursor": "id", "size_param": "size", "size": SIZE},
    "single": {"total": "total"},
    "time_window": {
        "from_param": "from_day",
        "to_param": "to_day",
        "start": "2025-01-01",
        "cap": 7,
        "inner": {"kind": "offset", "offset_param": "from", "size_param": "size", "size": SIZE, "total": "total"},
    },
}


def paginator_of(kind: str, **changes: Any) -> Paginator:
    """The paginator of a kind, as a source file would declare it."""
    return TypeAdapter(Paginator).validate_python({"kind": kind, **DECLARED[kind], **changes})


def records(count: int, days: int = 5) -> list[dict[str, Any]]:
    """Records with ascending ids, spread over the first days of 2025."""
    return [{"id": n * 2 + 1, "day": f"2025-01-{n % days + 1:02}", "name": f"企业 {n}"} for n in range(count)]


@dataclass
class ListingAgency:
    """Answers questions as an honest agency would; `lie(number, told)` may change what the nth answer says."""

    paginator: Paginator
    listing: list[dict[str, Any]]
    ahead: int = 1
    lie: Any = None
    link: str = '<{link}>; rel="next"'
    asked: list[dict[str, Any]] = field(default_factory=list)
    last_page: list[Any] = field(default_factory=list)

    def ask(self, question):
        given = dict(question.params) | dict(question.body)
        if question.link is not None:
            given = {name: values[0] for name, values in parse_qs(urlsplit(question.link).query).items()}
        self.asked.append(given)
        return self.answer(given)

    def in_order(self, questions):
        ahead, left = deque(), iter(questions)
        while True:
            while len(ahead) < self.ahead and (question := next(left, None)) is not None:
                ahead.append(self.ask(question))
            if not ahead:
                return
            yield ahead.popleft()

    def answer(self, given):
        inner = self.paginator.inner if isinstance(self.paginator, TimeWindow) else self.paginator
        listing = self.listing
        if inner is not self.paginator:
            listing = [r for r in listing if given["from_day"] <= r["day"] <= given["to_day"]]
        size = int(given.get("size", len(listing) if inner.kind == "single" else SIZE))
        start = self.start_of(inner, given, listing, size)
        page = listing[start : start + size]
        following = start + size if start + size < len(listing) else None
        told = {"items": page, "total": len(listing), "next": following}
        if self.lie is not None:
            told = self.lie(len(self.asked), told, self.last_page)
        if len(listing) <= getattr(self.paginator, "cap", len(listing)):
            # A page that only tells that its window is too long is never kept.
            self.last_page = page
        return self.told(inner, told)

    def start_of(self, inner, given, listing, size):
        match inner:
            case PageNumber():
                return (int(given["page"]) - inner.first) * size
            case Offset():
                return int(given["from"])
            case Keyset():
                return sum(1 for record in listing if record["id"] <= int(given["after"]))
        return int(given.get("cursor", "t0").removeprefix("t"))

    def told(self, inner, told):
        headers = CaseInsensitiveDict()
        token = None if told["next"] is None else f"t{told['next']}"
        body = {**told, "next": told.get("raw_next", token)}
        link = None if token is None else f"{URL}?cursor={token}"
        match inner.kind:
            case "next_link":
                body["next"] = link
            case "link_header" if link:
                headers["Link"] = f'<{URL}?cursor=t0>; rel="first", {self.link.format(link=link)}'
            case "cursor_header" if token:
                headers["X-Next"] = token
        return Answer(json.dumps(body).encode(), headers, body, URL)


def listing_of(agency: ListingAgency) -> Listing:
    """The agency's one listing, as a driver would page through it."""
    return Listing(agency, "tax.statements", RecordsAt("items"), key=("id",))


def agency_of(kind: str, count: int = 20, ahead: int = 1, lie: Any = None, link: str | None = None, **changes: Any):
    """An agency of so many records, paged by a kind of paginator."""
    agency = ListingAgency(paginator_of(kind, **changes), records(count), ahead, lie)
    agency.link = link or agency.link
    return agency


def through(agency: ListingAgency, resume: Any = None, days: tuple[dt.date, dt.date] = DAYS):
    """The agency's pages."""
    return agency.paginator.pages(listing_of(agency), resume, days)


def ids(pages: Any) -> list[int]:
    """The ids on pages."""
    return [record["id"] for page in pages for record in page.answer["items"]]
