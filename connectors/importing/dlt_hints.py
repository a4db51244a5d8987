"""What dlt is told about a resource's table (keys, columns, contract, disposition), as parts of a dataset."""

import math
import re
from typing import Any

from connectors.importing.draft import DatasetDraft
from connectors.importing.findings import Findings, Outside, Part
from connectors.importing.names import dotted, snake

_TYPES = {
    "text": "varchar",
    "bigint": "bigint",
    "bool": "boolean",
    "timestamp": "timestamp",
    "date": "date",
    "double": "decimal(20, 6)",
}
_MODES = ("freeze", "evolve", "discard_value", "discard_row")


def take_hints(part: Part, draft: DatasetDraft, findings: Findings) -> None:
    """Primary key, columns, contract, disposition; what merges by key is an upsert."""
    _columns(part, draft, findings)
    draft.key = _names(part.take("primary_key"), f"{part.path}.primary_key", findings) or draft.key
    if not draft.key:
        findings.drop(
            f"{part.path}.primary_key", "TODO: none is declared; a key is what tells a correction from a new record"
        )
    for field in draft.key:
        draft.column(field, required=True)
    _contract(part, draft, findings)
    _disposition(part, draft, findings)


def take_incremental(value: Any, param: str | None, draft: DatasetDraft, findings: Findings, path: str) -> None:
    """A change feed: which parameter asks for what is new, by which column, from where on."""
    part = Part(value, path, findings)
    part.take("type")
    cursor = dotted(part.text("cursor_path", "") or "")
    param = part.text("start_param") or param
    start, lag = part.take("initial_value"), part.take("lag", 0)
    if part.take("end_param") is not None:
        findings.drop(f"{path}.end_param", "asked for up to now: no upper bound is sent")
    part.rest({"end_value": "a limit for backfills: here all of it is read", "convert": "code, which is not run here"})
    if not cursor or "." in cursor or param is None:
        findings.drop(
            path, "TODO: needs a parameter to ask with, and a cursor at the top of the record; all is read each time"
        )
        return
    if isinstance(start, (int, float)) and not isinstance(start, bool):
        findings.drop(path, "TODO: the cursor is a number; since goes by a date or a time. All is read each time")
        return
    if not isinstance(start, str):
        told = start.told if isinstance(start, Outside) else "absent"
        findings.drop(f"{path}.initial_value", f"TODO: {told}; 1970-01-01 stands in its place")
        start = "1970-01-01T00:00:00+00:00"
    is_date = (
        re.fullmatch(r"\d{4}-\d\d-\d\d", start) is not None and re.search(r"(?i)(date|_on|day)$", cursor) is not None
    )
    column = draft.column(cursor, "date" if is_date else "timestamp")
    days = math.ceil(lag / 86400) if isinstance(lag, (int, float)) else 0
    draft.request["since"] = {"param": param, "column": column, "start": start, "lookback_days": days}
    draft.load = "upsert"


def _names(value: Any, path: str, findings: Findings) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return list(value)
    if value is not None:
        findings.drop(path, "is not a name or a list of names")
    return []


def _columns(part: Part, draft: DatasetDraft, findings: Findings) -> None:
    """Hints by name, or as a list of them."""
    value = part.take("columns")
    if isinstance(value, list):
        value = {str(one.get("name")): one for one in value if isinstance(one, dict)}
    if value is not None and not isinstance(value, dict):
        findings.drop(f"{part.path}.columns", "made by code, which is not run here: TODO write the columns")
        return
    for name, hints in (value or {}).items():
        hint = Part(hints, f"{part.path}.columns.{name}", findings)
        hint.take("name")
        data_type = hint.text("data_type", "text") or "text"
        ours = _decimal(hint) if data_type in ("decimal", "wei") else _TYPES.get(data_type)
        if ours is None:
            findings.drop(hint.path, f"type {data_type}: left to _extra, as JSON")
            hint.items()
            continue
        draft.column(name, ours, required=hint.take("nullable") is False)
        if hint.take("primary_key") is True:
            draft.key.append(name)
        if hint.take("hard_delete") is True:
            findings.drop(
                f"{hint.path}.hard_delete",
                "TODO: deletes: {kind: tombstone, column, values}, with the values that mean deleted",
            )
        hint.rest()


def _decimal(hint: Part) -> str:
    precision, scale = hint.number("precision", 20), hint.number("scale", 2)
    return f"decimal({min(38, max(1, precision))}, {min(scale, precision)})"


def _contract(part: Part, draft: DatasetDraft, findings: Findings) -> None:
    value = part.take("schema_contract")
    if isinstance(value, str):
        value = {"columns": value, "data_type": value}
    contract = Part(value, f"{part.path}.schema_contract", findings)
    modes = {key: mode for key in ("columns", "data_type") if (mode := contract.text(key)) is not None}
    for key, mode in list(modes.items()):
        if mode not in _MODES:
            findings.drop(f"{contract.path}.{key}", "is no mode that we know")
            del modes[key]
    contract.rest({"tables": "a source file declares every dataset: no table can come of itself"})
    if modes:
        draft.extras["schema_contract"] = modes


def _disposition(part: Part, draft: DatasetDraft, findings: Findings) -> None:
    value = part.take("write_disposition")
    told = Part({"disposition": value} if isinstance(value, str) else value, f"{part.path}.write_disposition", findings)
    disposition, strategy = told.text("disposition"), told.text("strategy", "delete-insert")
    told.rest()
    if disposition == "merge":
        draft.load = "upsert"
        if strategy == "scd2":
            findings.drop(
                f"{told.path}.strategy", "history is kept by itself here: every batch stays, by the day it was learnt"
            )
    elif disposition == "append":
        findings.drop(
            told.path, "append keeps every read; here the newest whole read or the newest record for each key counts"
        )
    merge_key = _names(part.take("merge_key"), f"{part.path}.merge_key", findings)
    if len(merge_key) == 1 and draft.load == "upsert":
        draft.extras["deletes"] = {"kind": "replace_by", "column": draft.column(merge_key[0], required=True)}
    elif merge_key:
        findings.drop(
            f"{part.path}.merge_key",
            f"TODO: replace_by goes by one column; this has {', '.join(map(snake, merge_key))}",
        )
