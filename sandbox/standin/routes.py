"""From a request to the dataset that it asks for: paths, methods and fixed parameters."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from connectors.drivers.paging import TimeWindow
from connectors.spec import Dataset, RestRequest
from sandbox.standin.gate import Call
from sandbox.standin.pages import Asked, RefusedError
from sandbox.standin.records import Stock

DOWNLOADS: Final = "/_reports/{job}"


@dataclass(frozen=True)
class Match:
    """Which dataset a path leads to, in which role (data, create, status, download), and what the path held."""

    stock: Stock
    role: str
    held: Mapping[str, str]


def places(request: RestRequest) -> list[tuple[str, str, str, Mapping[str, Any]]]:
    """Role, path, method and fixed parameters of all that a dataset answers to."""
    if request.job is None:
        return [("data", str(request.path), request.method, {**request.params, **request.body})]
    job = request.job
    return [
        ("create", job.create_path, "POST", {**request.params, **job.create_body}),
        ("status", job.status_path, "GET", {}),
        ("download", job.download_path or DOWNLOADS, "GET", {}),
    ]


def held_in(template: str, raw_path: str) -> dict[str, str] | None:
    """What stands in the places of a path, or None where it is another path."""
    pattern = re.sub(r"\\\{([a-z][a-z0-9_]*)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
    found = re.fullmatch(pattern, raw_path)
    return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}


def _body_of(call: Call) -> dict[str, Any]:
    """The fields of a body, those of its parts by dotted names."""
    kind = call.headers.get("content-type", "")
    if "form-urlencoded" in kind:
        return dict(parse_qsl(call.body.decode("latin-1"), keep_blank_values=True))
    if not call.body or "json" not in kind:
        return {}
    try:
        body = json.loads(call.body)
    except ValueError:
        raise RefusedError(400, "BAD_JSON", "the body is no JSON") from None
    return _flat(body) if isinstance(body, dict) else {}


def _flat(part: Mapping[str, Any], lead: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in part.items():
        found |= _flat(value, f"{lead}{name}.") if isinstance(value, dict) else {lead + name: value}
    return found


def meets(dataset: Dataset, request: RestRequest, fixed: Mapping[str, Any], call: Call) -> bool:
    """Whether a request names what its path needs; a parameter that varies only has to be present."""
    given = {**dict(call.query), **_body_of(call)}
    asked_anew = {request.since.param} if request.since else set()
    asked_anew |= {request.partition.param} if request.partition and request.partition.param else set()
    inner = dataset.paginator.inner if isinstance(dataset.paginator, TimeWindow) else None
    for part in (dataset.paginator, inner):
        named = vars(part) if part is not None else {}
        asked_anew |= {value for name, value in named.items() if name.endswith("_param") or name == "token_field"}
    same = str if request.body_as == "form" else lambda value: value
    wanted = {name: value for name, value in _flat(fixed).items() if name not in asked_anew}
    if any(name in fixed and name not in given for name in asked_anew):
        return False
    return all(name in given and same(given[name]) == same(value) for name, value in wanted.items())


def asked_for(match: Match, call: Call, origin: str, secret_params: frozenset[str]) -> Asked:
    """A request as its paging sees it, without whatever in its query is a secret."""
    query = tuple((name, value) for name, value in call.query if name not in secret_params)
    body = {name: str(value) for name, value in _body_of(call).items() if value is not None}
    params = {**dict(query), **body}
    request = match.stock.dataset.request
    partition = request.partition if isinstance(request, RestRequest) else None
    value = None
    if partition is not None:
        value = match.held.get(partition.name, params.get(partition.param or ""))
    return Asked(params, query, call.raw_path, origin, value)
