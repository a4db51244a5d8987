"""Listings where each answer says how to ask for the next: a cursor, a link, or a token for the body of a POST."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from connectors.drivers.hosts import host_key
from connectors.drivers.pages import Cursor, Page
from connectors.drivers.paging_parts import (
    Answer,
    Listing,
    Question,
    Seen,
    begin,
    bounded,
    fault,
    mark_of,
    records_of,
    refusal,
    short_hash,
    total_of,
)
from connectors.json_path import MissingFieldError, at_path
from connectors.spec import CursorInBody, CursorInHeader, LinkHeader, NextLink, TokenInPost
from connectors.verdicts import says_more

Chained = CursorInBody | CursorInHeader | NextLink | LinkHeader | TokenInPost

MOST_EMPTY_PAGES = 1000
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*-]+(?:\s*=\s*(?:"[^"]*"|[^"\s;,]+))?)*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^"\s;,]+))', re.IGNORECASE)


def chained(listing: Listing, paginator: Chained, resume: Cursor | None) -> Iterator[Page]:
    """Pages for as long as each names the next. A token met before would lead round in a circle: a fault.

    The last few thousand tokens are remembered; Brent's mark in the cursor finds longer circles, and those that a
    process began before it died. A declared total must stay, and be met in the end.
    """
    start = {"kind": paginator.kind, "token": None, "page": 1, "received": 0, "total": None, "empty": 0}
    at = begin(listing, resume, {**start, "trail": ["", 1, 0], "marks": []})
    pages_seen, tokens_seen = Seen(at["marks"]), Seen([short_hash(str(at["token"]))] if at["token"] else [])
    while True:
        answer = listing.asker.ask(_question(paginator, at["token"]))
        records = records_of(listing, answer)
        received = at["received"] + len(records or ())
        token = _next(listing, paginator, answer)
        total = _total(listing, paginator, answer, at["total"])
        if total is not None and (received > total or (token is None and received < total)):
            raise fault(listing, f"{received} records for a declared total of {total}")
        if token is None and says_more(answer.value):
            raise fault(listing, f"page {at['page']} says that more follow, and names no next page")
        if token is None and total is None and at["page"] == 1:
            _refuse_unnamed(listing, paginator, answer, records)
        if listing.at is None and not answer.body and (token is not None or at["page"] > 1):
            # A form that may be empty says "no record at all" so, and never in the middle of a list.
            raise fault(listing, f"page {at['page']} is empty")
        if pages_seen.again(mark_of(answer, records)):
            raise fault(listing, f"page {at['page']} repeats an earlier one")
        label, following = f"page {at['page']}", None
        if token is not None:
            following = {
                "kind": paginator.kind,
                "token": token,
                "page": at["page"] + 1,
                "received": received,
                "total": total,
                "empty": _empty(listing, at["empty"], records),
                "trail": _trail(listing, at["trail"], token, tokens_seen),
                "marks": pages_seen.kept,
            }
        yield Page(label, answer.body, following, answer.value)
        if following is None:
            return
        at = following


def _question(paginator: Chained, token: Any) -> Question:
    match paginator:
        case CursorInBody() | CursorInHeader():
            cursor = {} if token is None else {paginator.cursor_param: token}
            return Question({**cursor, paginator.size_param: str(paginator.size)})
        case TokenInPost():
            named = {} if token is None else {paginator.token_field: token}
            return Question(body={**named, paginator.size_param: paginator.size})
        case NextLink() | LinkHeader():
            return Question(link=token)


def _next(listing: Listing, paginator: Chained, answer: Answer) -> str | int | None:
    """The token of the next page, None where this is the last."""
    token: str | int | None
    match paginator:
        case CursorInBody() | TokenInPost():
            # Into a body it goes as it came, a number as a number.
            token = _stated(listing, answer, paginator.next)
            token = str(token) if isinstance(paginator, CursorInBody) and token is not None else token
        case CursorInHeader():
            token = answer.headers.get(paginator.header) or None
        case NextLink():
            link = _stated(listing, answer, paginator.next)
            token = _same_house(listing, answer, None if link is None else str(link))
        case LinkHeader():
            token = _same_house(listing, answer, _link_named_next(listing, answer.headers.get("Link") or ""))
    if token is not None:
        bounded(listing, str(token), "token of the next page")
    return token


def _refuse_unnamed(listing: Listing, paginator: Chained, answer: Answer, records: list[object] | None) -> None:
    """An error where a whole first page has no place for the next token at all: its path is most likely a slip."""
    if not isinstance(paginator, (CursorInBody, TokenInPost)) or len(records or ()) < paginator.size:
        return
    try:
        at_path(answer.value, paginator.next)
    except MissingFieldError as error:
        whole = f"a whole page of {paginator.size} records came and nothing leads on"
        raise refusal(listing, f"{whole}: {error}; see `next`, or ask for pages of another size") from None


def _stated(listing: Listing, answer: Answer, path: str) -> str | int | None:
    try:
        stated: str | int | None = at_path(answer.value, path)
    except MissingFieldError:
        return None
    if stated is None or stated == "":
        return None
    if isinstance(stated, bool) or not isinstance(stated, (str, int)):
        raise refusal(listing, f"{path} is neither text nor a number")
    return stated


def _link_named_next(listing: Listing, header: str) -> str | None:
    found = set()
    for target, attributes in _LINK.findall(header):
        relation = _REL.search(attributes)
        if relation and "next" in (relation[1] or relation[2] or "").lower().split():
            found.add(target)
    if len(found) > 1:
        raise refusal(listing, "the Link header names two next pages")
    return found.pop() if found else None


def _same_house(listing: Listing, answer: Answer, link: str | None) -> str | None:
    """Path and query of a link that stays on the host we asked; any other would be shown our credentials."""
    return None if link is None else path_on_host(listing, answer.url, link)


def path_on_host(listing: Listing, asked: str, link: str) -> str:
    """Path and query of a link, absolute or relative to `asked`, if it stays on the host that was asked."""
    if not link.isprintable() or any(sign in link for sign in ' \\"<>'):
        raise refusal(listing, "the link to the next page is no address")
    try:
        target = urlsplit(urljoin(asked, link))
        if target.username is not None or host_key(target.geturl()) != host_key(asked):
            raise refusal(listing, "the link to the next page leads to another host")
    except ValueError:
        raise refusal(listing, "the link to the next page is no address") from None
    return (target.path or "/") + (f"?{target.query}" if target.query else "")


def _total(listing: Listing, paginator: Chained, answer: Answer, before: int | None) -> int | None:
    path = getattr(paginator, "total", None)
    if path is None:
        return None
    total = total_of(listing, answer, path, before)
    if before is not None and total != before:
        raise fault(listing, f"the declared total moved from {before} to {total}")
    return total


def _empty(listing: Listing, before: int, records: list[object] | None) -> int:
    """How many pages in a row held nothing: some agencies send one or two, none sends a thousand."""
    empty = before + 1 if records is not None and not records else 0
    if empty > MOST_EMPTY_PAGES:
        raise refusal(listing, f"{empty} pages in a row hold no record and each names a next one")
    return empty


def _trail(listing: Listing, trail: list[object], token: str | int, seen: Seen) -> list[object]:
    """Brent's way to find a circle: a mark that stays put for 1, 2, 4, 8 … steps, and is met again in any circle."""
    mark, power, steps = str(trail[0]), int(str(trail[1])), int(str(trail[2]))
    found = short_hash(str(token))
    if found == mark or seen.again(found):
        raise fault(listing, "the token of the next page was given before")
    if steps + 1 >= power:
        return [found, power * 2, 0]
    return [mark, power, steps + 1]
