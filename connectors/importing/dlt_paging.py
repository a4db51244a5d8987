"""dlt's paginators as ours."""

from typing import Any

from connectors.importing.draft import size_in, take_size
from connectors.importing.findings import Findings, Outside, Part
from connectors.importing.names import dotted

_STOPS = {
    "stop_after_empty_page": "an empty page before what is declared is a fault here",
    "has_more_path": "not needed: the end is known from the total or from the next page's token",
    "maximum_page": "a limit for trials: here all of it is read",
    "maximum_offset": "a limit for trials: here all of it is read",
    "page": "a start other than the first page: here all of it is read",
    "offset": "a start other than the first record: here all of it is read",
}


def paginator_of(value: Any, params: dict[str, Any], method: str, findings: Findings, path: str) -> dict[str, Any]:
    """One paginator; what says the page size is taken out of the parameters."""
    if isinstance(value, Outside):
        findings.drop(path, f"{value.told}, which is not run here")
        value = None
    part = Part({"type": value} if isinstance(value, str) else value, path, findings)
    kind = part.text("type", "auto")
    makers = {
        "single_page": _single,
        "header_link": _link_header,
        "json_link": _next_link,
        "json_response": _next_link,
        "cursor": _cursor,
        "header_cursor": _header_cursor,
        "offset": _offset,
        "page_number": _page_number,
    }
    if kind in makers:
        made = makers[kind](part, params, method, findings)
    else:
        why = "dlt finds the paginator by trying" if kind == "auto" else "is a paginator that is not known"
        findings.drop(
            path, f"{why}; TODO: look at an answer and choose one. `single` stands, with a total that must be named"
        )
        made = {"kind": "single", "total": "TODO.total"}
        part.items()
    part.rest(_STOPS)
    return made


def _single(_part: Part, _params: dict[str, Any], _method: str, _findings: Findings) -> dict[str, Any]:
    return {"kind": "single"}


def _link_header(part: Part, _params: dict[str, Any], _method: str, findings: Findings) -> dict[str, Any]:
    if (rel := part.text("links_next_key", "next")) != "next":
        findings.drop(f"{part.path}.links_next_key", f"the link is named {rel}; here rel=next is followed")
    return {"kind": "link_header"}


def _next_link(part: Part, _params: dict[str, Any], _method: str, findings: Findings) -> dict[str, Any]:
    return {"kind": "next_link", "next": _path(part, "next_url_path", "next", findings)}


def _cursor(part: Part, params: dict[str, Any], method: str, findings: Findings) -> dict[str, Any]:
    following = _path(part, "cursor_path", "cursors.next", findings)
    in_body = part.text("cursor_body_path")
    sized = take_size(params, None, findings, f"{part.path}.limit")
    if in_body is not None and method == "POST":
        if "." in in_body:
            findings.drop(f"{part.path}.cursor_body_path", "TODO: the token goes to the top of the body here")
        return {"kind": "post_token", "token_field": in_body.replace(".", "_"), **sized, "next": following}
    if in_body is not None:
        findings.drop(f"{part.path}.cursor_body_path", "TODO: a token in the body goes with method POST")
    named = part.text("cursor_param", "cursor" if in_body is None else "TODO_cursor")
    return {"kind": "cursor_body", "cursor_param": named, **sized, "next": following}


def _header_cursor(part: Part, params: dict[str, Any], _method: str, findings: Findings) -> dict[str, Any]:
    header, named = part.text("cursor_key", "next"), part.text("cursor_param", "cursor")
    sized = take_size(params, None, findings, f"{part.path}.limit")
    return {"kind": "cursor_header", "cursor_param": named, **sized, "header": header}


def _offset(part: Part, params: dict[str, Any], _method: str, findings: Findings) -> dict[str, Any]:
    _no_body_path(part, ("offset_body_path", "limit_body_path"), findings)
    if part.take("offset", 0) != 0:
        findings.drop(f"{part.path}.offset", _STOPS["offset"])
    size_param = part.text("limit_param", "limit") or "limit"
    params.pop(size_param, None)
    size = max(1, part.number("limit", 100))
    return {
        "kind": "offset",
        "offset_param": part.text("offset_param", "offset"),
        "size_param": size_param,
        "size": size,
        **_total(part, findings),
    }


def _page_number(part: Part, params: dict[str, Any], _method: str, findings: Findings) -> dict[str, Any]:
    _no_body_path(part, ("page_body_path",), findings)
    first = part.number("base_page", 0)
    if part.take("page", first) != first:
        findings.drop(f"{part.path}.page", _STOPS["page"])
    page_param = part.text("page_param", "page")
    made = {"kind": "page_number", "page_param": page_param, **size_in(params), "first": first}
    if "total_path" in part and not part.has_null("total_path"):
        # What dlt calls a total is the number of pages here, and that of records for an offset.
        return {**made, "total_pages": _path(part, "total_path", "total", findings)}
    return {**made, **_until_empty(part, findings)}


def _total(part: Part, findings: Findings) -> dict[str, str]:
    """Where the number of records is declared: `total` where nothing is said; null says that it is nowhere."""
    is_null = part.has_null("total_path")
    if is_null or (part.take("stop_after_empty_page") is True and "total_path" not in part):
        return _until_empty(part, findings)
    return {"total": _path(part, "total_path", "total", findings)}


def _until_empty(part: Part, findings: Findings) -> dict[str, str]:
    part.take("total_path")
    findings.drop(
        f"{part.path}.total_path",
        "pages are read until one is empty, as dlt does; where the answer declares how many records there are, name it "
        "as `total` instead, which proves more",
    )
    return {"until": "empty"}


def _path(part: Part, key: str, default: str, findings: Findings) -> str:
    text = part.text(key, default) or default
    if found := dotted(text):
        return found
    findings.drop(f"{part.path}.{key}", "TODO: chooses or counts, which a dotted path cannot")
    return f"TODO.{key}"


def _no_body_path(part: Part, keys: tuple[str, ...], findings: Findings) -> None:
    for key in keys:
        if part.take(key) is not None:
            findings.drop(f"{part.path}.{key}", "TODO: this paginator puts its numbers into the query here")
