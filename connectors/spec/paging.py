"""How an agency cuts a long answer into pages: one class for each `kind` of paginator."""

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from connectors.spec.base import DottedPath, Strict


class _Sized(Strict):
    size_param: str
    size: int = Field(gt=0)


class _Counted(Strict):
    """Where the list ends: at a declared total of records, which must be met, or, where none is told, otherwise.

    `until: empty` reads until a page holds nothing: what moves in the list while it is read is then not noticed.
    """

    size_param: str | None = None
    """Left out where the agency lets nobody choose how long a page is."""
    size: int | None = Field(default=None, gt=0)
    total: DottedPath | None = None
    until: Literal["empty"] | None = None

    @model_validator(mode="after")
    def _ends_once(self) -> Self:
        ends = [name for name in ("total", "total_pages", "until") if getattr(self, name, None) is not None]
        if len(ends) != 1:
            known = "total, total_pages or until: empty" if hasattr(self, "total_pages") else "total or until: empty"
            raise ValueError(f"the end of the list is told by {known}: name one of them")
        if (self.size_param is None) != (self.size is None):
            raise ValueError("size_param and size go together: name both or none")
        return self


class PageNumber(_Counted):
    """Pages by number, until the declared total of records (or of pages) is there, or until a page is empty."""

    kind: Literal["page_number"]
    page_param: str
    first: int = Field(default=1, ge=0)
    total_pages: DottedPath | None = None


class Offset(_Counted):
    """Records from a place in the list on, until the declared total is there, or until a page is empty."""

    kind: Literal["offset"]
    offset_param: str


class CursorInBody(_Sized):
    """Each answer holds the cursor of the next page; none, null or empty text ends it.

    A first page that is whole and has no place for a cursor is an error: the path is most likely wrong.
    """

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

    @model_validator(mode="after")
    def _total_told(self) -> Self:
        if self.inner.total is None:
            raise ValueError("inner needs a total: by it a window is known to fit under the cap")
        return self


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


def total_path(paginator: Paginator | None) -> str | None:
    """Where an answer declares how many records there are in all; None where nothing says so."""
    inner = paginator.inner if isinstance(paginator, TimeWindow) else paginator
    return getattr(inner, "total", None)
