"""What planned faults make of an answer: another status, another page, a false envelope, a spoilt body."""

import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from connectors.spec import RestRequest
from sandbox.standin.encode import member_name, set_path
from sandbox.standin.faults import PlantedFault
from sandbox.standin.pages import Asked, Envelope, View, envelope_of, next_link
from sandbox.standin.records import Entry
from sandbox.standin.wire import Reply, gzip_bomb, http_date

DAY: Final = 86_400
_STATUSES: Final[Mapping[str, tuple[int, Callable[[float, str], dict[str, str]]]]] = {
    "status_429_seconds": (429, lambda wait, _: {"Retry-After": f"{wait:g}"}),
    "status_429_date": (429, lambda wait, _: {"Retry-After": http_date(wait)}),
    "status_429_beyond_budget": (429, lambda _wait, _address: {"Retry-After": str(DAY)}),
    "down": (503, lambda _wait, _address: {}),
    "no_content": (204, lambda _wait, _address: {}),
    "redirect": (302, lambda _, address: {"Location": f"http://localhost{address}"}),
    "clock_skew": (503, lambda wait, _: {"Date": http_date(DAY), "Retry-After": http_date(DAY + wait)}),
    "secret_in_error": (400, lambda _wait, _address: {}),
}
"""Status and headers, by the seconds to wait and the address; any other name ends with its status."""
ELSEWHERE: Final = "http://elsewhere.invalid"
HTML: Final = "<!doctype html><html><body><h1>系统维护中</h1><p>请稍后再试</p></body></html>"


def refusal_of(fault: PlantedFault, sent: Mapping[str, str], address: str) -> Reply:
    """What a fault of stage `status` answers; `sent` are the request's headers, `address` its port, path and query."""
    status, headers = _STATUSES.get(fault.name, (0, lambda _wait, _address: {}))
    answer: dict[str, Any] = {"code": "FAULT", "message": "无法处理"}
    if fault.name == "secret_in_error":
        answer["request"] = dict(sent)
    body = b"" if status == 204 else json.dumps(answer, ensure_ascii=False).encode()
    kind = {} if status == 204 else {"Content-Type": "application/json"}
    asked = headers(1 if fault.seconds is None else fault.seconds, address)
    return Reply(status or int(fault.name.removeprefix("status_")), body, {**kind, **asked})


def page_of(view: View, fault: PlantedFault) -> tuple[list[Entry] | None, int | None]:
    """The records that a fault of stage `view` puts on this page, with the total it then declares; None: no change."""
    place = _place(view, fault)
    if place is None:
        return None, None
    page = place // view.size * view.size
    match fault.name:
        case "duplicated_page":
            struck, shown = (page, page - view.size) if page else (view.size, 0)
            return (_cut(view, shown) if view.start == struck and _cut(view, struck) else None), None
        case "reordered_pages":
            partner = page + view.size if page + view.size < len(view.listing) else page - view.size
            swapped = {page: partner, partner: page}.get(view.start, -1)
            return (_cut(view, swapped) if partner >= 0 and swapped >= 0 else None), None
        case "duplicated_record":
            struck = page + view.size if page + view.size < len(view.listing) else page
            return ([*view.entries, view.listing[place]] if view.start == struck else None), None
    return _moved(view, fault, page)


def _moved(view: View, fault: PlantedFault, page: int) -> tuple[list[Entry] | None, int | None]:
    """From a page on, the first record is gone and all others move up; a client that begins again reads all."""
    if view.start == 0:
        if fault.phase == "moving":
            fault.phase = "waiting"
            fault.struck += 1
        return None, None
    if view.start < page or (fault.times is not None and fault.struck >= fault.times):
        return None, None
    fault.phase = "moving"
    return view.listing[view.start + 1 : view.start + 1 + view.size], len(view.listing) - 1


def _place(view: View, fault: PlantedFault) -> int | None:
    """Where in a listing the fault's record stands; where each value has its own listing, in the longest of them."""
    entries = view.stock.entries
    if view.stock.partitions is not None and entries:
        longest, _ = Counter(entry.partition for entry in entries).most_common(1)[0]
        entries = [entry for entry in entries if entry.partition == longest]
    target = fault.target(len(entries), view.size)
    if target >= len(entries):
        return None
    return next((place for place, entry in enumerate(view.listing) if entry is entries[target]), None)


def _cut(view: View, start: int) -> list[Entry]:
    return view.listing[start : start + view.size] if start >= 0 else []


def has_false_total(view: View, fault: PlantedFault) -> bool:
    """Whether this page declares a false total: from the fault's position to the end of the list."""
    target = fault.target(len(view.stock.entries), view.size)
    return any(entry.index >= target for entry in view.entries)


def false_envelope(
    view: View, asked: Asked, fault: PlantedFault, envelope: Envelope, sent: Mapping[str, str]
) -> Envelope:
    """The envelope of an answer under a fault of stage `answer`."""
    count = len(view.listing)
    match fault.name:
        case "total_too_high":
            return envelope_of(view, asked, total=count + 1)
        case "total_too_low":
            # Never a total at which a page ends: a client could not notice that.
            return envelope_of(view, asked, total=max(0, count - (2 if (count - 1) % view.size == 0 else 1)))
        case "repeated_token" | "token_loop":
            return envelope_of(view, asked, following=view.start if fault.name == "repeated_token" else 0)
        case "secret_in_200":
            return Envelope({**envelope.body, "debug": dict(sent)}, envelope.headers)
    return _elsewhere(view, asked, envelope)


def _elsewhere(view: View, asked: Asked, envelope: Envelope) -> Envelope:
    """The next page (after the last one: the first) at an address that is not the agency's."""
    end = view.start + len(view.entries)
    link = next_link(view.stock, asked, end if end < len(view.listing) else 0, origin=ELSEWHERE)
    paginator: Any = view.stock.dataset.paginator
    if paginator.kind == "link_header":
        return Envelope(envelope.body, {**envelope.headers, "Link": f'<{link}>; rel="next"'})
    return Envelope({**envelope.body, paginator.next: link}, envelope.headers)


def _error_in_200(_view: View, _body: bytes) -> bytes:
    return json.dumps({"error": {"code": 50_001, "message": "系统繁忙"}}, ensure_ascii=False).encode()


def _in_place_of_records(view: View, body: bytes, what: Any) -> bytes:
    answer = json.loads(body)
    set_path(answer, str(view.stock.dataset.decoder.records), what)  # type: ignore[union-attr]
    return json.dumps(answer, ensure_ascii=False).encode()


def _answered(view: View, *, is_busy: bool) -> bytes:
    request = view.stock.dataset.request
    answered = request.answered if isinstance(request, RestRequest) else None
    if answered is None:
        raise ValueError(f"{view.stock.dataset.address} does not answer with codes")
    answer: dict[str, Any] = {}
    set_path(answer, answered.code, answered.retry[0] if is_busy else "E9999")
    set_path(answer, answered.message or "message", "系统繁忙" if is_busy else "无权访问")
    return json.dumps(answer, ensure_ascii=False).encode()


def archive_bomb(decoder: Any) -> bytes:
    """A gzip or a zip of about a megabyte that unfolds to a gigabyte of blanks."""
    if decoder.archive == "gzip":
        return gzip_bomb(1024)
    return _zip_bomb(member_name(decoder.kind, decoder.member))


@cache
def _zip_bomb(member: str) -> bytes:
    body, block = io.BytesIO(), b" " * (1 << 20)
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed, packed.open(member, "w") as file:
        for _ in range(1024):
            file.write(block)
    return body.getvalue()


BODIES: Final[Mapping[str, Callable[[View, bytes], bytes]]] = {
    "html_error_page": lambda _view, _body: HTML.encode(),
    "truncated_json": lambda _view, body: body[: len(body) // 2],
    "empty_body": lambda _view, _body: b"",
    "error_in_200": _error_in_200,
    "null_records": lambda view, body: _in_place_of_records(view, body, None),
    "text_for_records": lambda view, body: _in_place_of_records(view, body, ""),
    "object_for_records": lambda view, body: _in_place_of_records(view, body, {}),
    "callback": lambda _view, body: b"callback(" + body + b");",
    "two_answers": lambda _view, body: body + body,
    "comma_at_the_end": lambda _view, body: body[:-1] + b"," + body[-1:],
    "wide_encoding": lambda _view, body: body.decode().encode("utf-16"),
    "answered_refusal": lambda view, _body: _answered(view, is_busy=False),
    "answered_busy": lambda view, _body: _answered(view, is_busy=True),
    "wrong_encoding": lambda _view, body: body.decode().encode("gbk", "replace"),
    "byte_order_mark": lambda _view, body: b"\xef\xbb\xbf" + body.removeprefix(b"\xef\xbb\xbf"),
    "archive_bomb": lambda view, _body: archive_bomb(view.stock.dataset.decoder),
}
"""The body under each fault of stage `body`, from the page and the body as it was."""
