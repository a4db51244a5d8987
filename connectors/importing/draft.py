"""A source file in the making: what both importers fill in, with safe values where the other tool knows nothing."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from connectors.importing.findings import Findings, Outside, Part, looks_secret
from connectors.importing.names import snake
from connectors.source_files import dataset_fields
from connectors.spec import Dataset
from connectors.yaml_text import Noted, comment_lines, yaml_lines
from ledger.yaml_file import read_yaml

MADE_UP_CEILING = 1_000_000
SIZE_NAMES = (
    "per_page",
    "page_size",
    "pageSize",
    "pagesize",
    "perPage",
    "limit",
    "size",
    "count",
    "rows",
    "max_results",
)
"""Parameters by which APIs are told how many records make a page."""


@dataclass
class DatasetDraft:
    """One dataset. `columns` by the agency's name of the field, in order."""

    name: str
    path: str
    """Where it stood in the other file, for what is said about it."""
    request: dict[str, Any]
    paginator: dict[str, Any] | None = None
    decoder: dict[str, Any] = field(default_factory=lambda: {"kind": "json"})
    load: str = "snapshot"
    key: list[str] = field(default_factory=list)
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)
    """Further parts of `meta`: schema_contract, deletes."""

    def column(self, source_field: str, data_type: str = "varchar", required: bool = False) -> str:
        """The name of the column for a field of the agency; it is added where it is not there."""
        column = self.columns.get(source_field)
        if column is None:
            taken = {other["name"] for other in self.columns.values()}
            name, number = snake(source_field), 2
            while name in taken:
                name, number = f"{snake(source_field)}_{number}", number + 1
            column = self.columns[source_field] = {"name": name, "data_type": data_type, "required": False}
        column["required"] = column["required"] or required
        name = column["name"]
        return str(name)

    @property
    def parent(self) -> str | None:
        """The dataset this one takes its partitions from."""
        parent = self.request.get("partition", {}).get("dataset")
        return None if parent is None else str(parent)


def with_parents_first(datasets: list[DatasetDraft], findings: Findings) -> list[DatasetDraft]:
    """In an order where a parent stands before its children; a child without its parent is left out, and named."""
    done: list[DatasetDraft] = []
    left = [dataset for dataset in datasets if _is_whole(dataset, findings)]
    while left:
        names = {dataset.name for dataset in done}
        ready = [d for d in left if d.parent is None or d.parent in names]
        if not ready:
            for dataset in left:
                findings.drop(dataset.path, f"left out: its parent {dataset.parent} is not here or is its own child")
            break
        done.append(ready[0])
        left.remove(ready[0])
    return done


def _is_whole(draft: DatasetDraft, findings: Findings) -> bool:
    """Whether the source file's grammar takes this dataset; one that it does not take would cost all the others."""
    table = read_yaml("\n".join(yaml_lines(_table(draft))))
    try:
        Dataset.model_validate(dataset_fields(findings.source, table))
    except ValidationError as error:
        told = [f"{'.'.join(map(str, one['loc']))} {one['msg']}" for one in error.errors(include_input=False)]
        findings.drop(draft.path, f"left out: {told[0]}")
        return False
    return True


def source_text(
    findings: Findings, tool: str, file: str, connection: dict[str, Any], datasets: list[DatasetDraft]
) -> str:
    """The whole file: at its head the variables and all that was not carried over."""
    name = findings.source
    meta = {
        "agency": Noted({"zh": name, "en": name}, "TODO: the agency's names, for people"),
        "driver": "rest",
        "connection": connection,
    }
    entry = {
        "name": name,
        "description": f"Imported from {tool}.",
        "config": {"meta": meta},
        "tables": [_table(dataset) for dataset in datasets],
    }
    body = yaml_lines({"version": 2, "sources": [entry]})
    return "\n".join([*_head(findings, tool, file), *body]) + "\n"


def _head(findings: Findings, tool: str, file: str) -> list[str]:
    lines = comment_lines(
        f"Imported from {tool}: {file}. Go through every TODO and every line under NOT CARRIED before the first pull."
    )
    lines += ["#", "# Into .env (and the names into .env.example):"]
    lines += [line for name, told in sorted(findings.variables.items()) for line in comment_lines(f"{name}: {told}")]
    if findings.not_carried:
        lines += ["#"]
        lines += [line for told in findings.not_carried for line in comment_lines(f"NOT CARRIED: {told}")]
    return lines


def _table(dataset: DatasetDraft) -> dict[str, Any]:
    key = [dataset.column(field, required=True) for field in dataset.key]
    if not key:
        key = [dataset.column("TODO_key", required=True)]
    meta: dict[str, Any] = {
        "critical": False,
        "coverage": Noted("partial", "TODO: full, where an enterprise that is absent has none"),
        "load": dataset.load,
        "key": key,
        "request": dataset.request,
    }
    if dataset.paginator is not None:
        meta["paginator"] = dataset.paginator
    meta["decoder"] = dataset.decoder
    meta["volume"] = Noted(
        {"floor": 1, "ceiling": MADE_UP_CEILING}, "TODO: about 80 per cent and twice of what a healthy night holds"
    )
    meta["freshness"] = Noted(
        {"unwatched": f"imported: nobody has said yet how new {dataset.name} must be"}, "TODO: {column, days}"
    )
    meta["continuity"] = Noted(
        {"unwatched": f"imported: nobody has said yet how steady {dataset.name} must be"},
        "TODO: {shrink_pct} or {column, period}",
    )
    meta |= dataset.extras
    columns = [_column(source_field, column) for source_field, column in dataset.columns.items()]
    told = (
        "TODO: a column for each field that is needed, with type and rules; fields without one land as JSON in _extra"
    )
    return {
        "name": dataset.name,
        "description": f"Imported: {dataset.name}. One row per {', '.join(key)}.",
        "config": {"meta": meta},
        "columns": Noted(columns, told),
    }


def _column(source_field: str, column: dict[str, Any]) -> dict[str, Any]:
    rules: dict[str, Any] = {"field": source_field}
    if column["required"]:
        rules["required"] = True
    return {"name": column["name"], "data_type": column["data_type"], "config": {"meta": rules}}


def size_in(params: dict[str, Any]) -> dict[str, Any]:
    """`size_param` and `size` of a paginator, taken out of the parameters of the request where they hold it."""
    for name in SIZE_NAMES:
        if name in params and str(params[name]).isdigit() and int(params[name]) > 0:
            return {"size_param": name, "size": int(params.pop(name))}
    return {}


def take_size(params: dict[str, Any], given: int | None, findings: Findings, path: str) -> dict[str, Any]:
    """The same for a paginator that needs them."""
    if sized := size_in(params):
        return sized
    findings.drop(path, "TODO: the parameter that says how many records make a page is not in the file")
    return {"size_param": "TODO_size", "size": given or 100}


def clean_params(params: dict[str, Any], findings: Findings, path: str) -> dict[str, str]:
    """Parameters as text; what is secret, made by code or not a plain value is named instead of copied."""
    clean: dict[str, str] = {}
    for name, value in params.items():
        place = f"{path}.{name}"
        if isinstance(value, Outside):
            findings.drop(
                place, f"TODO: comes from {value.told}; write the value, or name it under auth where it is secret"
            )
            clean[name] = f"TODO_{snake(value.name or name)}"
        elif looks_secret(name, value):
            findings.secrets.add(str(value))
            findings.drop(
                place, "looks like a secret, and is not copied: it belongs under connection.auth, by variable"
            )
        elif isinstance(value, (str, int, float)):
            clean[name] = str(value)
        elif value is not None:
            findings.hide(value)
            findings.drop(place, "is a list or a mapping, which no parameter can be here")
    return clean


def clean_body(body: Any, findings: Findings, path: str) -> dict[str, Any]:
    """The body of a POST, however deep; what is secret or made by code is named instead of copied."""
    clean: dict[str, Any] = {}
    for name, value in Part(body, path, findings).items():
        place = f"{path}.{name}"
        if isinstance(value, Outside):
            findings.drop(place, f"TODO: comes from {value.told}; write the value")
        elif isinstance(value, dict):
            clean[name] = clean_body(value, findings, place)
        elif isinstance(value, list):
            inner = clean_body({str(at): one for at, one in enumerate(value)}, findings, place)
            clean[name] = list(inner.values())
        elif looks_secret(name, value):
            findings.secrets.add(str(value))
            findings.drop(place, "looks like a secret, and is not copied")
        else:
            clean[name] = value
    return clean
