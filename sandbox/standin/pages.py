"""How a simulated agency cuts its list: which records a request asks for, and what it declares of the next page."""

import base64
import binascii
import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from connectors.drivers import paging
from connectors.spec import Since
from sandbox.standin.records import Entry, Stock
from sandbox.standin.rows import window_column

_SHANGHAI = ZoneInfo("Asia/Shanghai")
MAXIMUM_SIZE = 1_000


class RefusedError(Exception):
    """A request is refused: with status, code and message."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})


@dataclass
class View:
    """What a request asks for: a listing (filtered, in the agency's order) from `start` on, `size` records."""

    stock: Stock
    listing: list[Entry]
    start: int
    size: int

    @property
    def entries(self) -> list[Entry]:
        """The records of this page."""
        return self.listing[self.start : self.start + self.size]

    @property
    def places(self) -> list[int]:
        """Where the records of this page stand in the agency's list."""
        return [entry.index for entry in self.entries]


@dataclass
class Envelope:
    """What an answer holds beside its records: values in the body by dotted path, and headers."""

    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request for records, as far as its paging goes: parameters of query and body, its path and its own address."""

    params: Mapping[str, str]
    query: tuple[tuple[str, str], ...]
    path: str
    origin: str
    partition: str | None = None


def _paginator(stock: Stock) -> Any:
    """How the list is cut, within a window where there are any."""
    paginator = stock.dataset.paginator
    return paginator.inner if isinstance(paginator, paging.TimeWindow) else paginator


def page_size(stock: Stock) -> int:
    """How many records a page of this dataset holds by its source file; all of them where it has no pages."""
    paginator = _paginator(stock)
    is_cut = isinstance(paginator, (paging.NextLink, paging.LinkHeader, paging.PageNumber, paging.Offset))
    return int(getattr(paginator, "size", 0) or 0) or (10 if is_cut else 10**9)


def view_of(stock: Stock, asked: Asked) -> View:
    """The page a request asks for; raises `RefusedError` where there is no such page."""
    listing = _filtered(stock, asked)
    paginator = stock.dataset.paginator
    if isinstance(paginator, paging.TimeWindow):
        listing = _within(stock, paginator, listing, asked)
        view = _counted(stock, paginator.inner, listing, asked)
        if view.start >= paginator.cap:
            raise RefusedError(400, "RESULT_WINDOW_TOO_LARGE", f"only the first {paginator.cap} records can be paged")
        return view
    match paginator:
        case paging.PageNumber() | paging.Offset():
            return _counted(stock, paginator, listing, asked)
        case paging.Keyset():
            return _after(stock, paginator, listing, asked)
        case None | paging.SinglePage():
            return View(stock, listing, 0, 10**9)
    return View(stock, listing, _start_of(stock, asked, _token_name(paginator)), _size(stock, asked))


def _filtered(stock: Stock, asked: Asked) -> list[Entry]:
    listing = stock.entries
    if stock.partitions is not None:
        if asked.partition is None:
            raise RefusedError(400, "MISSING_PARAMETER", "the value of the partition is missing")
        if asked.partition not in stock.partitions:
            raise RefusedError(404, "NOT_FOUND", "no such value")
        listing = [entry for entry in listing if entry.partition == asked.partition]
    since = stock.dataset.since
    if isinstance(since, Since):
        if stock.feed is None or since.param in asked.params:
            bound = moment(asked.params.get(since.param), since.param)
            listing = [entry for entry in listing if instant(entry.typed[since.column]) >= bound]
        listing.sort(key=lambda entry: (instant(entry.typed[since.column]), entry.index))
    return listing


def instant(value: Any) -> dt.datetime:
    """A typed date or timestamp as an instant: a day begins in the agency's own time zone."""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=dt.UTC)
    return dt.datetime.combine(value, dt.time(), _SHANGHAI)


def moment(text: str | None, name: str) -> dt.datetime:
    """A parameter as an instant; without an offset it is the agency's own time."""
    if text is None:
        raise RefusedError(400, "MISSING_PARAMETER", f"{name} is missing")
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(400, "BAD_PARAMETER", f"{name} is no ISO date") from None
    return found if found.tzinfo else found.replace(tzinfo=_SHANGHAI)


def _within(stock: Stock, paginator: paging.TimeWindow, listing: list[Entry], asked: Asked) -> list[Entry]:
    """Records of the days from one to the other, both included, in order of day."""
    column = window_column(stock.dataset)
    first, last = (moment(asked.params.get(name), name).date() for name in (paginator.from_param, paginator.to_param))
    days = [(instant(entry.typed[column]).astimezone(_SHANGHAI).date(), entry) for entry in listing]
    return [entry for day, entry in sorted(days, key=lambda pair: (pair[0], pair[1].index)) if first <= day <= last]


def _whole(text: Any, name: str) -> int:
    text = str(text)
    if not (text.isascii() and text.isdigit()):
        raise RefusedError(400, "BAD_PARAMETER", f"{name} must be a whole number")
    return int(text)


def _size(stock: Stock, asked: Asked) -> int:
    name, usual = getattr(_paginator(stock), "size_param", None), page_size(stock)
    size = usual if name is None else _whole(asked.params.get(name, usual), name)
    return min(max(size, 1), MAXIMUM_SIZE)


def _counted(stock: Stock, paginator: paging.PageNumber | paging.Offset, listing: list[Entry], asked: Asked) -> View:
    size = _size(stock, asked)
    if isinstance(paginator, paging.Offset):
        name = paginator.offset_param
        return View(stock, listing, _whole(asked.params.get(name, 0), name), size)
    number = _whole(asked.params.get(paginator.page_param, paginator.first), paginator.page_param)
    if number < paginator.first:
        raise RefusedError(400, "BAD_PARAMETER", f"pages begin at {paginator.first}")
    return View(stock, listing, (number - paginator.first) * size, size)


def _after(stock: Stock, paginator: paging.Keyset, listing: list[Entry], asked: Asked) -> View:
    name = next(c.name for c in stock.dataset.columns if c.source_field == paginator.cursor)
    text = asked.params.get(paginator.after_param, paginator.start)
    is_number = paginator.order == "number"
    after: Any = _whole(text, "id") if is_number else text

    def key_of(entry: Entry) -> Any:
        return int(str(entry.typed[name])) if is_number else str(entry.typed[name])

    start = sum(1 for entry in listing if key_of(entry) <= after)
    return View(stock, sorted(listing, key=key_of), start, _size(stock, asked))


def _token_name(paginator: Any) -> str:
    match paginator:
        case paging.CursorInBody() | paging.CursorInHeader():
            return paginator.cursor_param
        case paging.TokenInPost():
            return paginator.token_field
    return "_cursor"


def token_of(stock: Stock, start: int) -> str:
    """The opaque token of a place in the list: the same each time, and of no use for another dataset."""
    seal = hashlib.sha256(f"{stock.seed}{start}".encode()).hexdigest()[:10]
    return base64.urlsafe_b64encode(f"{start}.{seal}".encode()).decode()


def _start_of(stock: Stock, asked: Asked, name: str) -> int:
    token = asked.params.get(name)
    if token is None or token in ("", "None"):
        return 0
    try:
        start = int(base64.urlsafe_b64decode(token.encode()).decode().partition(".")[0])
    except (ValueError, binascii.Error):
        start = -1
    if start < 0 or token_of(stock, start) != token:
        raise RefusedError(400, "BAD_CURSOR", "no such cursor")
    return start


def next_link(stock: Stock, asked: Asked, start: int, *, origin: str | None = None) -> str:
    """The address of a page: absolute where the dataset's name has an even length, relative where not."""
    kept = [(name, value) for name, value in asked.query if name != "_cursor"]
    address = f"{asked.path}?{urlencode([*kept, ('_cursor', token_of(stock, start))])}"
    is_absolute = origin is not None or len(stock.dataset.name) % 2 == 0
    return f"{origin or asked.origin}{address}" if is_absolute else address


def envelope_of(view: View, asked: Asked, total: int | None = None, following: int | None = None) -> Envelope:
    """The envelope of a page; `total` and `following` are given where a fault falsifies them."""
    stock, envelope, inner = view.stock, Envelope(), _paginator(view.stock)
    if (path := getattr(inner, "total", None)) is not None:
        envelope.body[path] = len(view.listing) if total is None else total
    if (path := getattr(inner, "total_pages", None)) is not None:
        envelope.body[path] = -(-len(view.listing) // view.size)
    end = view.start + len(view.entries)
    if following is None:
        following = end if end < len(view.listing) else None
    match inner:
        case paging.CursorInBody() | paging.TokenInPost():
            # How a list ends differs from agency to agency: null, or an empty text.
            last = None if len(stock.dataset.name) % 2 else ""
            envelope.body[inner.next] = last if following is None else token_of(stock, following)
        case paging.NextLink():
            envelope.body[inner.next] = None if following is None else next_link(stock, asked, following)
        case paging.CursorInHeader() if following is not None:
            envelope.headers[inner.header] = token_of(stock, following)
        case paging.LinkHeader() if following is not None:
            first, after = next_link(stock, asked, 0), next_link(stock, asked, following)
            envelope.headers["Link"] = f'<{first}>; rel="first", <{after}>; rel="next"'
    return envelope
