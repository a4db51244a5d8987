"""A dlt `rest_api` configuration as a source file."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from connectors.importing.access import api_key, base_variable, below, plain_headers, secret_free, stand_in
from connectors.importing.dlt_file import read_dlt
from connectors.importing.dlt_hints import take_hints, take_incremental
from connectors.importing.dlt_paging import paginator_of
from connectors.importing.draft import DatasetDraft, clean_body, clean_params, source_text, with_parents_first
from connectors.importing.findings import Findings, Outside, Part, looks_secret
from connectors.importing.names import dotted, snake

_PARENT = re.compile(r"\{resources\.([^.{}]+)\.([^{}]+)\}")
_NOT_OURS = {
    "table_name": "the dataset is named by the resource",
    "max_table_nesting": "nested values land as JSON in _extra, in no table of their own",
    "parallelized": "see connection.limits.connections",
    "selected": "a dataset that is not wanted is left out of the file",
    "processing_steps": "code that changes or drops records: filters and arithmetic belong into the staging model",
    "include_from_parent": "join the parent in the staging model",
    "response_actions": "statuses: 429 and 5xx are tried again, others stop; codes in the body: request.answered",
}


def dlt_text(path: Path, findings: Findings) -> str:
    """The source file for the configuration in `path`."""
    config = Part(read_dlt(path, findings), "config", findings)
    client = config.part("client")
    defaults = dict(config.part("resource_defaults").items())
    resources = config.members("resources")
    config.rest()
    base = base_variable(client.take("base_url"), findings, "client.base_url")
    headers = client.take("headers")
    fixed: dict[str, str] = {}
    auth = _auth(client.take("auth"), base, findings, "client.auth", _auth_in_headers(headers, fixed, findings))
    shared = {"paginator": client.take("paginator")}
    client.rest({"session": "code, which is not run here"})
    drafts = [_dataset(resource, defaults, shared, findings) for resource in resources]
    datasets = with_parents_first(_linked([draft for draft in drafts if draft is not None], findings), findings)
    connection = {"base_url": {"env": f"{findings.source}_base_url".upper()}, "auth": auth}
    if fixed:
        connection["headers"] = fixed
    return source_text(findings, "dlt rest_api", path.name, connection, datasets)


def _auth(value: Any, base: str, findings: Findings, path: str, found: dict[str, Any] | None) -> dict[str, Any]:
    if value is None:
        return found or {"kind": "none"}
    if isinstance(value, Outside):
        return stand_in(findings, path, f"{value.told}, which is not run here")
    part = Part({"type": value} if isinstance(value, str) else value, path, findings)
    kind = part.text("type", "bearer")

    def variable(role: str, key: str) -> dict[str, str]:
        return findings.variable(role, part.take(key), f"{path}.{key}")

    made: dict[str, Any] | None = None
    if kind == "bearer":
        made = {"kind": "bearer", "token": variable("token", "token")}
    elif kind == "http_basic":
        made = {"kind": "basic", "user": variable("user", "username"), "password": variable("password", "password")}
    elif kind == "api_key":
        place, name = part.text("location", "header"), part.text("name", "Authorization") or "Authorization"
        if place in ("header", "query", "param"):
            made = api_key("header" if place == "header" else "param", name, variable("api_key", "api_key"))
    elif kind == "oauth2_client_credentials":
        made = _client_credentials(part, base, findings)
    if made is None:
        findings.hide(dict(part.items()))
        return stand_in(findings, path, "is an auth that a source file has no kind for")
    part.rest({"default_token_expiration": "the agency's own answer says how long a token lives"})
    return made


def _client_credentials(part: Part, base: str, findings: Findings) -> dict[str, Any] | None:
    path = below(part.take("access_token_url"), base, findings, f"{part.path}.access_token_url")
    made = {
        "kind": "oauth2_client_credentials",
        "token_path": path or "/TODO/token",
        "client_id": findings.variable("client_id", part.take("client_id"), f"{part.path}.client_id"),
        "client_secret": findings.variable("client_secret", part.take("client_secret"), f"{part.path}.client_secret"),
        "send": "body",
    }
    asked = part.part("access_token_request_data")
    asked.take("grant_type")
    if (scope := asked.text("scope")) is not None:
        made["scope"] = scope
    asked.rest()
    if part.take("access_token") is not None:
        findings.drop(f"{part.path}.access_token", "a token of some day: one is asked for when it is needed")
    return made


def _auth_in_headers(headers: Any, fixed: dict[str, str], findings: Findings) -> dict[str, Any] | None:
    """The header that proves who we are, as an auth; `fixed` gains the others that are plain."""
    found = None
    part = Part(headers, "client.headers", findings)
    for name, value in part.items():
        is_secret = isinstance(value, Outside) or looks_secret(name, value)
        if is_secret and found is None:
            found = api_key("header", name, findings.variable("api_key", value, f"client.headers.{name}"))
            findings.variables[found["key"]["env"]] += (
                f"; the whole value of the header {name}, with any word before the token"
            )
        else:
            fixed |= plain_headers([(name, value)], findings, "client.headers")
    return found


def _dataset(
    resource: Any, defaults: dict[str, Any], shared: dict[str, Any], findings: Findings
) -> DatasetDraft | None:
    """One resource with the defaults under it; None, and named, where it cannot be asked for."""
    if isinstance(resource, str):
        resource = {"name": resource, "endpoint": {"path": resource}}
    if not isinstance(resource, dict):
        told = resource.told if isinstance(resource, Outside) else "not a mapping"
        findings.drop("resources", f"left out: a resource that is {told}")
        return None
    merged = _over(defaults, resource)
    if isinstance(merged.get("endpoint"), str):
        merged["endpoint"] = {"path": merged["endpoint"]}
    part = Part(merged, f"resources[{snake(str(merged.get('name')))}]", findings)
    name = part.text("name") or "unnamed"
    endpoint = part.part("endpoint")
    draft = DatasetDraft(snake(name), part.path, {})
    _request(endpoint, name, draft, shared, findings)
    take_hints(part, draft, findings)
    part.rest(_NOT_OURS)
    return draft


def _over(defaults: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any]:
    """The defaults with the resource over them, two levels deep as dlt does it: endpoint and its params are merged."""
    merged = {**defaults, **resource}
    below_, above = defaults.get("endpoint"), resource.get("endpoint")
    above = {"path": above} if isinstance(above, str) else above
    if isinstance(below_, dict) and isinstance(above, dict):
        merged["endpoint"] = {**below_, **above}
        params = [part.get("params") or {} for part in (below_, above)]
        if all(isinstance(one, dict) for one in params):
            merged["endpoint"]["params"] = {**params[0], **params[1]}
    return merged


def _request(endpoint: Part, name: str, draft: DatasetDraft, shared: dict[str, Any], findings: Findings) -> None:
    method = (endpoint.text("method", "GET") or "GET").upper()
    path, _, query = (endpoint.text("path", name) or name).partition("?")
    params: dict[str, Any] = {**dict(parse_qsl(query)), **dict(endpoint.part("params").items())}
    if method not in ("GET", "POST"):
        findings.drop(f"{endpoint.path}.method", f"{method}: a source is only read, by GET or POST")
        method = "GET"
    draft.request["path"] = below(path, "", findings, f"{endpoint.path}.path") if "://" not in path else "/TODO"
    if "://" in path:
        findings.drop(f"{endpoint.path}.path", "TODO: an absolute address; here paths lie below the base address")
    if method == "POST":
        draft.request["method"] = "POST"
    incremental = endpoint.take("incremental")
    _bound_params(params, incremental, draft, findings, f"{endpoint.path}.params")
    if incremental is not None and "since" not in draft.request:
        take_incremental(incremental, None, draft, findings, f"{endpoint.path}.incremental")
    draft.paginator = paginator_of(
        endpoint.take("paginator") or shared["paginator"], params, method, findings, f"{endpoint.path}.paginator"
    )
    if clean := clean_params(params, findings, f"{endpoint.path}.params"):
        draft.request["params"] = clean
    if body := clean_body(endpoint.take("json"), findings, f"{endpoint.path}.json"):
        draft.request["body"] = body
    _path_placeholders(draft, findings)
    _selector(endpoint, draft, findings)
    for key in ("headers", "auth", "data"):
        if (value := endpoint.take(key)) is not None:
            findings.hide(value)
            findings.drop(f"{endpoint.path}.{key}", "a source has one auth and no headers or form of a dataset's own")
    endpoint.rest(_NOT_OURS)


def _bound_params(params: dict[str, Any], incremental: Any, draft: DatasetDraft, findings: Findings, path: str) -> None:
    """Parameters that are filled in from a parent's record or from the newest change that is held."""
    for name, value in list(params.items()):
        text = value if isinstance(value, str) else ""
        if isinstance(value, dict) and value.get("type") == "incremental":
            take_incremental(params.pop(name), name, draft, findings, f"{path}.{name}")
        elif isinstance(value, dict) and value.get("type") == "resolve":
            del params[name]
            parent, field = str(value.get("resource")), str(value.get("field"))
            in_path = "{" + name + "}" in str(draft.request["path"])
            _partition(draft, name, parent, field, None if in_path else name, findings)
        elif match := _PARENT.fullmatch(text):
            del params[name]
            _partition(draft, snake(f"{match[1]}_{match[2]}"), match[1], match[2], name, findings)
        elif "{incremental." in text:
            del params[name]
            if "start_value" in text or "last_value" in text:
                take_incremental(incremental, name, draft, findings, f"{path}.{name}")
            else:
                findings.drop(f"{path}.{name}", "asked for up to now: no upper bound is sent")
        elif "{resources." in text:
            del params[name]
            findings.drop(f"{path}.{name}", "TODO: a parent's value with text around it")


def _partition(draft: DatasetDraft, name: str, parent: str, field: str, param: str | None, findings: Findings) -> None:
    """Ask once for each record of the parent. The parent's column is found when all datasets are there."""
    ours = snake(name)
    if param is None:
        draft.request["path"] = str(draft.request["path"]).replace("{" + name + "}", "{" + ours + "}")
    if "partition" in draft.request:
        findings.drop(draft.path, "TODO: a second parent, and a dataset has one: what is asked for is not the same")
        return
    partition: dict[str, Any] = {"name": ours, "dataset": snake(parent), "column": field}
    if param is not None:
        partition["param"] = param
    draft.request["partition"] = partition


def _path_placeholders(draft: DatasetDraft, findings: Findings) -> None:
    for match in _PARENT.finditer(str(draft.request["path"])):
        name = snake(f"{match[1]}_{match[2]}")
        draft.request["path"] = str(draft.request["path"]).replace(match[0], "{" + name + "}")
        _partition(draft, name, match[1], match[2], None, findings)
    known = "{" + str(draft.request.get("partition", {}).get("name")) + "}"
    for placeholder in re.findall(r"\{[^{}]*\}", str(draft.request["path"])):
        if placeholder != known:
            findings.drop(f"{draft.path}.endpoint.path", "TODO: a place in the path that nothing fills in")
            draft.request["path"] = str(draft.request["path"]).replace(placeholder, "TODO")
    draft.request["path"] = secret_free(str(draft.request["path"]), findings, f"{draft.path}.endpoint.path")


def _selector(endpoint: Part, draft: DatasetDraft, findings: Findings) -> None:
    selector = endpoint.text("data_selector")
    records = "TODO.records" if selector is None else dotted(selector)
    if selector is None:
        why = (
            "TODO: dlt looks for the list by itself; name where it stands, or take it out where the answer is the list"
        )
        findings.drop(f"{endpoint.path}.data_selector", why)
    elif records is None:
        findings.drop(f"{endpoint.path}.data_selector", "TODO: chooses or counts, which a dotted path cannot")
        records = "TODO.records"
    draft.decoder = {"kind": "json", **({"records": records} if records else {})}


def _linked(drafts: list[DatasetDraft], findings: Findings) -> list[DatasetDraft]:
    """Partitions name the column of their parent, which is added to it; two datasets of one name are two by number."""
    by_name: dict[str, DatasetDraft] = {}
    for draft in drafts:
        if draft.name in by_name:
            findings.drop(draft.path, "a second resource of the same name is left out")
        by_name.setdefault(draft.name, draft)
    for draft in by_name.values():
        partition = draft.request.get("partition")
        if partition is not None and partition["dataset"] in by_name:
            partition["column"] = by_name[partition["dataset"]].column(partition["column"], required=True)
    return list(by_name.values())
