"""From a paginator to its pages. Pure logic: who asks is handed in, so that no test of it needs a socket."""

import datetime as dt
from collections.abc import Iterator

from connectors.drivers.pages import Cursor, Page
from connectors.drivers.paging_counted import by_key, counted, single
from connectors.drivers.paging_parts import Listing
from connectors.drivers.paging_tokens import chained
from connectors.drivers.paging_windows import windowed
from connectors.spec import (
    CursorInBody,
    CursorInHeader,
    Keyset,
    LinkHeader,
    NextLink,
    Offset,
    PageNumber,
    Paginator,
    SinglePage,
    TimeWindow,
    TokenInPost,
)


def page_through(
    listing: Listing, paginator: Paginator, resume: Cursor | None, days: tuple[dt.date, dt.date]
) -> Iterator[Page]:
    """The pages of a listing from a cursor on (None: from its start). `days`: first and last, for time windows."""
    match paginator:
        case PageNumber() | Offset():
            return counted(listing, paginator, resume)
        case Keyset():
            return by_key(listing, paginator, resume)
        case CursorInBody() | CursorInHeader() | NextLink() | LinkHeader() | TokenInPost():
            return chained(listing, paginator, resume)
        case SinglePage():
            return single(listing, paginator, resume)
        case TimeWindow():
            return windowed(listing, paginator, resume, *days)


def needs_json(paginator: Paginator) -> bool:
    """Whether a paginator must look into the body."""
    match paginator:
        case CursorInHeader() | LinkHeader():
            return False
        case SinglePage():
            return paginator.total is not None
        case _:
            return True
