"""Airbyte's paginators as ours."""

import re
from dataclasses import dataclass
from typing import Any

from connectors.importing.draft import size_in, take_size
from connectors.importing.findings import Findings, Part
from connectors.importing.manifest import plain

_STEPS = r"((?:\.get\(\s*['\"][^'\"]+['\"](?:\s*,[^()]*)?\)|\[\s*['\"][^'\"]+['\"]\s*\]|\.\w+)+)"
_RESPONSE = re.compile(r"^\{\{\s*response" + _STEPS + r"\s*\}\}$")
_HEADERS = re.compile(r"^\{\{\s*headers" + _STEPS + r"\s*\}\}$")
_LAST_RECORD = re.compile(r"^\{\{\s*(?:last_record|last_records\[-1\])" + _STEPS + r"\s*\}\}$")
_ONE_STEP = re.compile(r"\.get\(\s*['\"]([^'\"]+)['\"][^()]*\)|\[\s*['\"]([^'\"]+)['\"]\s*\]|\.(\w+)")


def path_in(pattern: re.Pattern[str], text: str) -> list[str] | None:
    """The steps of an expression such as `{{ response['meta']['next'] }}`; None where it is no plain path."""
    match = pattern.match(text.strip())
    return [a or b or c for a, b, c in _ONE_STEP.findall(match[1])] if match else None


def response_path(text: str) -> str | None:
    """The dotted path of an expression over the answer's body."""
    steps = path_in(_RESPONSE, text)
    return None if steps is None or any("." in step or " " in step for step in steps) else ".".join(steps)


@dataclass(frozen=True)
class _Option:
    """Where a paginator puts a value: `request_parameter`, `body_json`, `header`, `path`, or nowhere."""

    path: str
    place: str | None
    field: str | None


def paginator_of(value: Any, params: dict[str, Any], method: str, findings: Findings, path: str) -> dict[str, Any]:
    """One paginator; none at all means one page."""
    part = Part(value, path, findings)
    kind = part.text("type", "NoPagination")
    strategy = part.part("pagination_strategy")
    token, sized = _option(part.part("page_token_option")), _option(part.part("page_size_option"))
    part.rest()
    if kind == "NoPagination":
        return {"kind": "single"}
    makers = {"PageIncrement": _counted, "OffsetIncrement": _counted, "CursorPagination": _cursor}
    named = strategy.text("type", "") or ""
    if kind != "DefaultPaginator" or named not in makers:
        why = "TODO: a paginator of its own code; `single` stands in its place, with a total that must be named"
        findings.drop(path, why)
        strategy.items()
        return {"kind": "single", "total": "TODO.total"}
    made = makers[named](strategy, token, named, method, findings)
    _add_size(made, strategy, sized, params, findings)
    strategy.rest()
    return made


def _option(part: Part) -> _Option:
    kind, place, steps = part.text("type"), part.text("inject_into"), part.take("field_path")
    field = ".".join(str(step) for step in steps) if isinstance(steps, list) else part.text("field_name")
    part.rest()
    return _Option(part.path, "path" if kind == "RequestPath" else place, field)


def _add_size(
    made: dict[str, Any], strategy: Part, option: _Option, params: dict[str, Any], findings: Findings
) -> None:
    """The page size: a part of most paginators; for those that follow links, a parameter of the first request."""
    text = str(plain(strategy.take("page_size")))
    size = int(text) if re.fullmatch(r"[1-9]\d{0,8}", text) else None
    fits = "request_parameter" if made["kind"] != "post_token" else "body_json"
    if made["kind"] in ("link_header", "next_link"):
        if size is not None and option.place == "request_parameter" and option.field is not None:
            params[option.field] = size
        return
    if option.field is not None and option.place == fits and size is not None:
        params.pop(option.field, None)
        made |= {"size_param": option.field, "size": size}
        return
    if option.place not in (None, fits):
        findings.drop(option.path, f"TODO: the page size goes into the {option.place}; here into another place")
    is_free = made["kind"] in ("page_number", "offset") and option.field is None
    made |= size_in(params) if is_free else take_size(params, size, findings, f"{strategy.path}.page_size")


def _in_query(token: _Option, default: str, findings: Findings) -> str:
    if token.place == "request_parameter" and token.field is not None:
        return token.field
    told = token.place or "no option"
    findings.drop(token.path, f"TODO: the place of the next page is told in {told}; here it is a parameter")
    return token.field or default


def _counted(strategy: Part, token: _Option, named: str, _method: str, findings: Findings) -> dict[str, Any]:
    why = (
        "pages are read until one is empty; where the answer declares how many records there are, name it as `total` "
        "instead, which proves more"
    )
    findings.drop(strategy.path, why)
    strategy.take("inject_on_first_request")
    if named == "OffsetIncrement":
        return {"kind": "offset", "offset_param": _in_query(token, "TODO_offset", findings), "until": "empty"}
    first = strategy.number("start_from_page", 0)
    param = _in_query(token, "TODO_page", findings)
    return {"kind": "page_number", "page_param": param, "first": first, "until": "empty"}


def _cursor(strategy: Part, token: _Option, _named: str, method: str, findings: Findings) -> dict[str, Any]:
    value = strategy.text("cursor_value", "") or ""
    condition = strategy.text("stop_condition")
    header, record, body = path_in(_HEADERS, value), path_in(_LAST_RECORD, value), response_path(value)
    if header is not None and [step.lower() for step in header[:2]] == ["link", "next"]:
        return {"kind": "link_header"}
    if record is not None and len(record) == 1:
        told = "TODO: see whether the ids ascend as numbers or as text (order), and where they start (start)"
        findings.drop(strategy.path, told)
        return {"kind": "keyset", "after_param": _in_query(token, "TODO_after", findings), "cursor": record[0]}
    inner = value.strip().removeprefix("{{").removesuffix("}}").strip()
    if condition is not None and not (inner and inner in condition):
        why = "here the end is where no further cursor comes: check that it is so"
        findings.drop(f"{strategy.path}.stop_condition", why)
    if header is not None:
        param = _in_query(token, "TODO_cursor", findings)
        return {"kind": "cursor_header", "cursor_param": param, "header": header[-1]}
    if body is None:
        findings.drop(f"{strategy.path}.cursor_value", "TODO: an expression that is no plain path")
    if token.place == "path":
        return {"kind": "next_link", "next": body or "TODO.next"}
    if method == "POST" and token.place in ("body_json", "body_data"):
        return {"kind": "post_token", "token_field": token.field or "TODO_token", "next": body or "TODO.next"}
    return {
        "kind": "cursor_body",
        "cursor_param": _in_query(token, "TODO_cursor", findings),
        "next": body or "TODO.next",
    }
