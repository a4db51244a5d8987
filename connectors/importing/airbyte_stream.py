"""The parts of an Airbyte stream: schema, records, partitions, cursor, errors, decoder."""

import math
import re
from typing import Any

from connectors.importing.airbyte_paging import response_path
from connectors.importing.draft import DatasetDraft
from connectors.importing.findings import Findings, Outside, Part
from connectors.importing.manifest import plain
from connectors.importing.names import snake

_TYPES = {"string": "varchar", "integer": "bigint", "number": "decimal(20, 4)", "boolean": "boolean"}
_FORMATS = {"date": "date", "date-time": "timestamp"}
_INTERVAL = re.compile(r"stream_(?:interval|slice)(?:\.|\[\s*['\"])(start_time|end_time)")
_SLICE = re.compile(r"\{\{\s*stream_(?:partition|slice)(?:\.(\w+)|\[\s*['\"]([^'\"]+)['\"]\s*\])\s*\}\}")
_DAYS = {"D": 1.0, "W": 7.0, "M": 30.0, "Y": 365.0}
_PREDICATE = re.compile(r"^\{\{\s*(response[^=!<>]*?)\s*(!=|==)\s*['\"]?([\w.-]+)['\"]?\s*\}\}$")


def take_schema(value: Any, draft: DatasetDraft, findings: Findings, path: str) -> None:
    """Columns from an inline JSON schema; nested fields have none and land as JSON in `_extra`."""
    loaders = value if isinstance(value, list) else [value]
    for loader in loaders:
        part = Part(loader, path, findings)
        kind = part.text("type", "none")
        schema = part.part("schema") if kind == "InlineSchemaLoader" else None
        if schema is None:
            findings.drop(path, f"TODO: the schema is not in the file ({kind}): write the columns")
            part.items()
            continue
        left = []
        for field, told in schema.part("properties").items():
            if (data_type := _data_type(told)) is None:
                left.append(field)
            else:
                draft.column(str(field), data_type)
        if left:
            findings.drop(
                f"{path}.schema", f"nested or of no one type, left to _extra as JSON: {', '.join(map(str, left))}"
            )
        part.rest()


def _data_type(told: Any) -> str | None:
    if not isinstance(told, dict):
        return None
    stated = told.get("type")
    kinds = [kind for kind in (stated if isinstance(stated, list) else [stated]) if kind != "null"]
    if kinds == ["string"]:
        return _FORMATS.get(str(told.get("format")), "varchar")
    return _TYPES.get(str(kinds[0])) if len(kinds) == 1 else None


def take_selector(part: Part, draft: DatasetDraft, findings: Findings) -> None:
    """Where the records stand in the answer."""
    part.take("type")
    extractor = part.part("extractor")
    kind, steps = extractor.text("type", "DpathExtractor"), extractor.members("field_path")
    usable = kind == "DpathExtractor" and all(re.fullmatch(r"[^.*\s{}]+", str(step)) for step in steps)
    if not usable:
        findings.drop(extractor.path, "TODO: chooses or is code; name where the list of records stands")
        extractor.items()
    records = ".".join(str(step) for step in steps) if usable else "TODO.records"
    if draft.decoder["kind"] == "json" and records:
        draft.decoder["records"] = records
    if draft.decoder["kind"] == "xml":
        draft.decoder["record"] = "/".join(records.split(".")[1:]) or "TODO"
    extractor.rest()
    part.rest(
        {
            "record_filter": "a filter: it belongs into the staging model",
            "schema_normalization": "types are checked by the columns",
        }
    )


def take_decoder(value: Any, findings: Findings, path: str) -> dict[str, Any]:
    """How the bytes become records: JSON where nothing is said."""
    part = Part(value, path, findings)
    kind = part.text("type", "JsonDecoder")
    made: dict[str, Any]
    if kind in ("GzipDecoder", "ZipfileDecoder"):
        made = take_decoder(part.take("decoder"), findings, f"{path}.decoder")
        made["archive"] = "gzip" if kind == "GzipDecoder" else "zip"
    elif kind == "CsvDecoder":
        encoding, delimiter = (part.text("encoding", "utf-8") or "").lower(), part.text("delimiter", ",") or ","
        known = {"utf-8-sig": "utf-8", "utf8": "utf-8", "gb2312": "gbk"}.get(encoding, encoding)
        if known not in ("utf-8", "gb18030", "gbk", "utf-16"):
            findings.drop(f"{path}.encoding", "TODO: an encoding that is not read here; utf-8 stands in its place")
            known = "utf-8"
        made = {"kind": "csv", "encoding": known, "delimiter": {"\\t": "\t"}.get(delimiter, delimiter[:1])}
    else:
        made = {"JsonDecoder": {"kind": "json"}, "JsonlDecoder": {"kind": "jsonl"}, "XmlDecoder": {"kind": "xml"}}.get(
            kind or "", {}
        )
        if not made:
            findings.drop(path, f"TODO: {kind} is not read here; json stands in its place")
            made = {"kind": "json"}
            part.items()
    part.rest()
    return made


def take_cursor(value: Any, params: dict[str, Any], draft: DatasetDraft, findings: Findings, path: str) -> None:
    """A change feed by date: from which parameter, column, start and lookback."""
    asked = {
        match[1]: name for name, text in params.items() if isinstance(text, str) and (match := _INTERVAL.search(text))
    }
    for name in asked.values():
        del params[name]
    if value is None:
        return
    part = Part(value, path, findings)
    kind, cursor = part.text("type"), part.text("cursor_field")
    start_option, end_option = part.part("start_time_option"), part.part("end_time_option")
    start_option.take("type"), end_option.take("type")
    in_query = start_option.text("inject_into") == "request_parameter"
    param = (start_option.text("field_name") if in_query else None) or asked.get("start_time")
    if "end_time" in asked or end_option.items():
        findings.drop(f"{path}.end_time_option", "asked for up to now: no upper bound is sent")
    if part.take("step") is not None:
        findings.drop(
            f"{path}.step",
            "asked for in one piece; where the agency caps how deep one may page, see paginator time_window",
        )
    if part.text("datetime_format", "%Y-%m-%d") not in (
        "%Y-%m-%d",
        "%Y-%m-%dT%H:%M:%S%z",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%dT%H:%M:%S",
    ):
        findings.drop(f"{path}.datetime_format", "TODO: the bound is sent as ISO 8601 here")
    if kind != "DatetimeBasedCursor" or cursor is None or param is None:
        findings.drop(path, "TODO: needs a parameter to ask with, and a date or time to go by; all is read each time")
        part.items()
        return
    start = _start(part.take("start_datetime"), findings, f"{path}.start_datetime")
    lookback = _days(part.text("lookback_window"), findings, f"{path}.lookback_window")
    for key in ("cursor_granularity", "cursor_datetime_formats", "end_datetime", "is_compare_strictly"):
        part.take(key)
    part.rest()
    column = draft.column(cursor, "timestamp")
    if draft.columns[cursor]["data_type"] not in ("date", "timestamp"):
        draft.columns[cursor]["data_type"] = "timestamp"
    draft.request["since"] = {"param": param, "column": column, "start": start, "lookback_days": lookback}
    draft.load = "upsert"


def _start(value: Any, findings: Findings, path: str) -> str:
    value = plain(value.get("datetime") if isinstance(value, dict) else value)
    if isinstance(value, Outside) or value is None:
        told = value.told if isinstance(value, Outside) else "absent"
        findings.drop(path, f"TODO: {told}; 1970-01-01 stands in its place")
        return "1970-01-01T00:00:00+00:00"
    return str(value)


def _days(text: str | None, findings: Findings, path: str) -> int:
    """`P7D`, `PT36H` as whole days, rounded up."""
    if text is None:
        return 0
    if match := re.fullmatch(r"P(\d+)([DWMY])", text):
        return math.ceil(int(match[1]) * _DAYS[match[2]])
    if match := re.fullmatch(r"PT(\d+)([HMS])", text):
        return math.ceil(int(match[1]) * {"H": 3600, "M": 60, "S": 1}[match[2]] / 86400)
    findings.drop(path, "TODO: a time that is no plain ISO duration; 0 days stand in its place")
    return 0


def take_errors(value: Any, draft: DatasetDraft, findings: Findings, path: str) -> None:
    """Codes in the body are carried; what our retries do anyway says nothing; the rest is named."""
    part = Part(value, path, findings)
    for at, handler in enumerate(part.members("error_handlers")):
        take_errors(handler, draft, findings, f"{path}.error_handlers[{at}]")
    for key in ("type", "max_retries"):
        part.take(key)
    for at, strategy in enumerate(part.members("backoff_strategies")):
        inner = Part(strategy, f"{path}.backoff_strategies[{at}]", findings)
        if inner.text("type") == "WaitTimeFromHeader" and (inner.text("header") or "").lower() == "retry-after":
            continue
        inner.items()
        findings.drop(inner.path, "attempts are spaced with full jitter, and by Retry-After where the agency sends it")
    for at, one in enumerate(part.members("response_filters")):
        _response_filter(Part(one, f"{path}.response_filters[{at}]", findings), draft, findings)
    part.rest()


def _response_filter(part: Part, draft: DatasetDraft, findings: Findings) -> None:
    action, codes, predicate = part.text("action", "FAIL"), part.members("http_codes"), part.text("predicate")
    part.items()
    is_ours = all(str(code) == "429" or str(code).startswith("5") for code in codes)
    if codes and is_ours and action in ("RETRY", "RATE_LIMITED") and predicate is None:
        return
    if predicate is not None and action is not None and _answered(predicate, action, draft):
        return
    told = f" for {', '.join(str(code) for code in codes)}" if codes else ""
    why = "429 and 5xx are tried again, every other refusal stops; see request.answered for codes in the body"
    findings.drop(part.path, f"{action}{told}: {why}")


def _answered(predicate: str, action: str, draft: DatasetDraft) -> bool:
    """Carry `response.code != 0` that fails, and a code that is tried again, to `request.answered`."""
    match = _PREDICATE.match(predicate)
    code = response_path("{{ " + match[1] + " }}") if match else None
    if match is None or code is None:
        return False
    answered = draft.request.get("answered")
    if action == "FAIL" and match[2] == "!=" and answered is None:
        draft.request["answered"] = {"code": code, "ok": [match[3]]}
        return True
    if action == "RETRY" and match[2] == "==" and answered is not None and answered["code"] == code:
        answered.setdefault("retry", []).append(match[3])
        return True
    return False


def fill_path(path: str, findings: Findings, where: str) -> str:
    """A path with `{name}` where a partition's value goes; what nothing fills in is named."""

    def place(match: re.Match[str]) -> str:
        return "{" + snake(match[1] or match[2]) + "}"

    filled = _SLICE.sub(place, path)
    if "{{" in filled:
        findings.drop(where, "TODO: an expression in the path; it stands as TODO")
        filled = re.sub(r"\{\{.*?\}\}", "TODO", filled)
    return filled


def slice_param(params: dict[str, Any], name: str) -> str | None:
    """The parameter that holds the value of a partition, taken out."""
    for param, text in list(params.items()):
        if isinstance(text, str) and (match := _SLICE.fullmatch(text.strip())) and snake(match[1] or match[2]) == name:
            del params[param]
            return param
    return None
