"""How an agency cuts a long answer into pages: one class for each `kind` of paginator."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from connectors.spec.base import DottedPath, Strict


class _Sized(Strict):
    size_param: str
    size: int = Field(gt=0)


class PageNumber(_Sized):
    """Pages by number, until the declared total is there; the records got must equal it."""

    kind: Literal["page_number"]
    page_param: str
    first: int = Field(default=1, ge=0)
    total: DottedPath


class Offset(_Sized):
    """Records from a place in the list on, until the declared total is there; the records got must equal it."""

    kind: Literal["offset"]
    offset_param: str
    total: DottedPath


class CursorInBody(_Sized):
    """Each answer holds the cursor of the next page; none, null or empty text ends it."""

    kind: Literal["cursor_body"]
    cursor_param: str
    next: DottedPath
    total: DottedPath | None = None


class CursorInHeader(_Sized):
    """Each answer holds the cursor of the next page in a header; without the header it is the last."""

    kind: Literal["cursor_header"]
    cursor_param: str
    header: str


class NextLink(Strict):
    """Each answer holds the address of the next page, absolute or not, on the same host; none, null or "" ends it."""

    kind: Literal["next_link"]
    next: DottedPath
    total: DottedPath | None = None


class LinkHeader(Strict):
    """The `Link` header names the next page (`rel="next"`), on the same host; without it the page is the last."""

    kind: Literal["link_header"]


class Keyset(_Sized):
    """Records after the last id seen, ids ascending; an empty page ends it."""

    kind: Literal["keyset"]
    after_param: str
    cursor: str
    start: str = "0"
    order: Literal["number", "text"] = "number"


class TokenInPost(_Sized):
    """A POST whose JSON body holds the token of the page, which the answer before it gave; none, null or "" ends it."""

    kind: Literal["post_token"]
    token_field: str
    next: DottedPath
    total: DottedPath | None = None


class SinglePage(Strict):
    """All of it in one answer."""

    kind: Literal["single"]
    total: DottedPath | None = None


class TimeWindow(Strict):
    """A listing that may be paged only so deep: cut into windows of days, each halved until it fits under the cap.

    Both ends of a window are included in what is asked for. A window whose records move while it is read is read once
    more; if they still move the window is quarantined and the dataset is not promoted.
    """

    kind: Literal["time_window"]
    from_param: str
    to_param: str
    start: dt.date
    cap: int = Field(gt=0)
    inner: PageNumber | Offset = Field(discriminator="kind")


Paginator = Annotated[
    PageNumber
    | Offset
    | CursorInBody
    | CursorInHeader
    | NextLink
    | LinkHeader
    | Keyset
    | TokenInPost
    | SinglePage
    | TimeWindow,
    Field(discriminator="kind"),
]
