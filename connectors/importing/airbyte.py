"""An Airbyte declarative manifest as a source file."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connectors.importing.access import base_variable, plain_headers, secret_free
from connectors.importing.airbyte_auth import auth_of
from connectors.importing.airbyte_paging import paginator_of
from connectors.importing.airbyte_stream import (
    fill_path,
    slice_param,
    take_cursor,
    take_decoder,
    take_errors,
    take_schema,
    take_selector,
)
from connectors.importing.draft import DatasetDraft, clean_body, clean_params, source_text, with_parents_first
from connectors.importing.findings import Findings, Part
from connectors.importing.manifest import plain, read_manifest, readable
from connectors.importing.names import snake

_NOT_OURS = {
    "transformations": "added and removed fields belong into the staging model",
    "state_migrations": "state of the other tool: the first pull here reads from the start",
    "dynamic_streams": "streams that are found while running: write them as datasets",
    "stream_groups": "datasets of one source are pulled one after the other",
}


def airbyte_text(path: Path, findings: Findings) -> str:
    """The source file for the manifest in `path`."""
    manifest = Part(read_manifest(path), "manifest", findings)
    streams = manifest.members("streams")
    for key in ("type", "version", "check", "description"):
        manifest.take(key)
    limits = _limits(manifest, findings)
    manifest.rest(_NOT_OURS)
    reader = _Streams(findings)
    for stream in streams:
        reader.read(stream, "streams")
    datasets = with_parents_first(reader.datasets, findings)
    connection: dict[str, Any] = {
        "base_url": {"env": f"{findings.source}_base_url".upper()},
        "auth": reader.auth(),
        **limits,
    }
    return source_text(findings, "an Airbyte manifest", path.name, connection, datasets)


def _limits(manifest: Part, findings: Findings) -> dict[str, Any]:
    """How many requests at once, and in a second."""
    limits: dict[str, Any] = {}
    concurrency = manifest.part("concurrency_level")
    level = concurrency.take("default_concurrency")
    if isinstance(level, int) and level > 1:
        limits["connections"] = min(level, 16)
    concurrency.items()
    budget = manifest.part("api_budget")
    policies = budget.members("policies")
    rates = [
        rate for at, one in enumerate(policies) for rate in Part(one, f"{budget.path}.{at}", findings).members("rates")
    ]
    told = [_per_second(rate) for rate in rates if isinstance(rate, dict)]
    if told and None not in told:
        limits["per_second"] = min(number for number in told if number is not None)
    elif policies:
        findings.drop(budget.path, "TODO: state requests a second under connection.limits.per_second")
    budget.items()
    return {"limits": limits} if limits else {}


def _per_second(rate: dict[str, Any]) -> float | None:
    match = re.fullmatch(r"PT(\d+)([SMH])", str(rate.get("interval")))
    if match is None or not str(rate.get("limit")).isdigit():
        return None
    seconds = int(match[1]) * {"S": 1, "M": 60, "H": 3600}[match[2]]
    return round(int(rate["limit"]) / seconds, 4) if seconds and int(rate["limit"]) else None


class _Streams:
    """The streams read so far, and the one host and auth that they share."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._base: str | None = None
        self._auth: Any = None
        self._made: dict[str, Any] | None = None
        self.datasets: list[DatasetDraft] = []

    def auth(self) -> dict[str, Any]:
        """The auth of the streams, or what stands in its place where no stream could be read."""
        return self._made or auth_of(None, "", self._findings, "manifest")

    def read(self, stream: Any, path: str) -> DatasetDraft | None:
        """One stream as a dataset; None, and named, where it cannot be asked for."""
        part = Part(stream, path, self._findings)
        name = part.text("name") or "unnamed"
        part = Part(dict(part.items()), f"streams[{snake(name)}]", self._findings)
        if (there := next((d for d in self.datasets if d.name == snake(name)), None)) is not None:
            return there
        retriever = part.part("retriever")
        kind = retriever.text("type", "SimpleRetriever")
        shape = part.text("type", "DeclarativeStream")
        if shape != "DeclarativeStream" or kind != "SimpleRetriever":
            told = kind if shape == "DeclarativeStream" else shape
            self._findings.drop(
                part.path, f"left out: {told}; for a report that is ordered and fetched see request.job"
            )
            return None
        draft = DatasetDraft(snake(name), part.path, {})
        if not self._retrieve(retriever, part.take("incremental_sync"), draft):
            return None
        take_schema(part.take("schema_loader"), draft, self._findings, f"{part.path}.schema_loader")
        self._keys(part.members("primary_key"), draft)
        part.rest(_NOT_OURS)
        self.datasets.append(draft)
        return draft

    def _keys(self, value: list[Any], draft: DatasetDraft) -> None:
        flat = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in value]
        if not flat or not all(isinstance(one, str) and one for one in flat):
            told = "TODO: none is declared, or it stands deep in the record; name the columns that tell records apart"
            self._findings.drop(f"{draft.path}.primary_key", told)
            return
        draft.key = flat
        for field in flat:
            draft.column(field, required=True)

    def _retrieve(self, retriever: Part, cursor: Any, draft: DatasetDraft) -> bool:
        requester = retriever.part("requester")
        params = self._params(requester)
        if requester.text("type", "HttpRequester") != "HttpRequester" or not self._place(requester, draft):
            self._findings.drop(draft.path, "left out: a requester of its own code, or on another host")
            return False
        method = (requester.text("http_method", "GET") or "GET").upper()
        if method == "POST":
            draft.request["method"] = "POST"
        if not self._partition(retriever.take("partition_router"), params, draft):
            return False
        take_cursor(cursor, params, draft, self._findings, f"{draft.path}.incremental_sync")
        draft.decoder = take_decoder(retriever.take("decoder"), self._findings, f"{draft.path}.decoder")
        draft.paginator = paginator_of(
            retriever.take("paginator"), params, method, self._findings, f"{draft.path}.paginator"
        )
        take_selector(retriever.part("record_selector"), draft, self._findings)
        take_errors(requester.take("error_handler"), draft, self._findings, f"{draft.path}.error_handler")
        self._send(requester, params, draft, method)
        requester.rest({"use_cache": "a parent is pulled once and its landed records are asked"})
        retriever.rest()
        return True

    def _params(self, requester: Part) -> dict[str, Any]:
        given = requester.take("request_parameters")
        if isinstance(given, str):
            self._findings.drop(f"{requester.path}.request_parameters", "TODO: an expression; write the parameters")
        return dict(given) if isinstance(given, dict) else {}

    def _send(self, requester: Part, params: dict[str, Any], draft: DatasetDraft, method: str) -> None:
        """Parameters, body and headers."""
        clean = clean_params(
            {name: plain(value) for name, value in params.items()}, self._findings, f"{draft.path}.request_parameters"
        )
        if clean:
            draft.request["params"] = clean
        body = requester.take("request_body_json")
        wrapped = requester.part("request_body")
        if wrapped.text("type") == "RequestBodyJsonObject":
            body = wrapped.take("value")
        wrapped.rest()
        if isinstance(body, dict) and method == "POST":
            deep = _plain_deep(body)
            if sent := clean_body(deep, self._findings, f"{draft.path}.request_body_json"):
                draft.request["body"] = sent
        elif body is not None:
            self._findings.drop(f"{draft.path}.request_body_json", "an expression, or a body without POST")
        given = [(name, plain(value)) for name, value in requester.part("request_headers").items()]
        if headers := plain_headers(given, self._findings, f"{draft.path}.request_headers"):
            draft.request["headers"] = headers

    def _place(self, requester: Part, draft: DatasetDraft) -> bool:
        """Path below the one base address, and the one auth; False where the stream is on another host."""
        base, path = _address(requester)
        authenticator = requester.take("authenticator")
        if self._base is None:
            self._base, self._auth = base, authenticator
            base_variable(readable(base), self._findings, f"{requester.path}.url_base")
            self._made = auth_of(authenticator, base, self._findings, f"{requester.path}.authenticator")
        if base != self._base and not base.startswith(self._base + "/"):
            return False
        if authenticator != self._auth:
            self._findings.hide(authenticator)
            why = "TODO: another auth than the first stream's; a source has one"
            self._findings.drop(f"{draft.path}.authenticator", why)
        where = f"{draft.path}.path"
        path, _, query = path.partition("?")
        filled = fill_path(base[len(self._base) :] + "/" + path.strip("/"), self._findings, where)
        draft.request["path"] = secret_free(filled, self._findings, where)
        for name, value in parse_qsl(query):
            self._findings.hide(value, name)
            self._findings.drop(where, f"the query in the path is not kept: put {snake(name)} under request.params")
        return True

    def _partition(self, router: Any, params: dict[str, Any], draft: DatasetDraft) -> bool:
        routers = [one for one in (router if isinstance(router, list) else [router]) if one is not None]
        if not routers:
            return True
        part = Part(routers[0], f"{draft.path}.partition_router", self._findings)
        kind = part.text("type")
        parents = part.members("parent_stream_configs")
        if len(routers) > 1 or kind not in ("ListPartitionRouter", "SubstreamPartitionRouter") or len(parents) > 1:
            self._findings.drop(part.path, "left out: asked for by two things at once, and a dataset has one partition")
            return False
        if kind == "ListPartitionRouter":
            name, option = snake(part.text("cursor_field", "") or "partition"), part.part("request_option")
            values = part.take("values")
            if not isinstance(values, list):
                self._findings.drop(f"{part.path}.values", "TODO: not in the file; write the list of values")
                values = ["TODO"]
            made: dict[str, Any] = {"name": name, "values": [str(value) for value in values]}
        else:
            config = Part(parents[0] if parents else None, part.path, self._findings)
            config.take("type")
            name, option = snake(config.text("partition_field", "") or "parent"), config.part("request_option")
            parent = self.read(config.take("stream"), "parent")
            key = config.text("parent_key", "") or ""
            if parent is None or not key or "." in key:
                self._findings.drop(
                    part.path, "left out: its parent cannot be read, or the key stands deep in the record"
                )
                return False
            made = {"name": name, "dataset": parent.name, "column": parent.column(key, required=True)}
            config.rest(
                {
                    "incremental_dependency": "every parent that is held is asked for",
                    "extra_fields": _NOT_OURS["transformations"],
                }
            )
        part.rest()
        return self._placed(made, name, option, params, draft)

    def _placed(
        self, made: dict[str, Any], name: str, option: Part, params: dict[str, Any], draft: DatasetDraft
    ) -> bool:
        """The value goes into the path or into one parameter; anything else leaves the stream out."""
        in_query = option.text("inject_into") == "request_parameter"
        param = (option.text("field_name") if in_query else None) or slice_param(params, name)
        in_path = "{" + name + "}" in str(draft.request["path"])
        option.items()
        if in_path == (param is not None):
            self._findings.drop(
                f"{draft.path}.partition_router",
                "left out: its value goes neither into the path nor into one parameter",
            )
            return False
        draft.request["partition"] = {**made, **({"param": param} if param else {})}
        return True


def _plain_deep(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain_deep(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain_deep(inner) for inner in value]
    return plain(value)


def _address(requester: Part) -> tuple[str, str]:
    """Base address and path, which newer manifests give as one `url`."""
    whole, path = requester.text("url"), requester.text("path", "") or ""
    base = requester.text("url_base") or whole or ""
    if whole is not None and not path:
        parts = urlsplit(whole)
        base, path = f"{parts.scheme}://{parts.netloc}", parts.path
    return base.rstrip("/"), path
