"""Reading source files: one YAML for each agency, which dbt reads too, so ours stands under `config.meta`."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from connectors.errors import ConfigError
from connectors.spec import Dataset, Source, parts_of
from ledger.settings import PROJECT_DIR
from ledger.yaml_file import read_yaml

T = TypeVar("T", bound=BaseModel)

_ANY_ZONE = ZoneInfo("UTC")
"""Whether a value can be met does not depend on the zone."""

_PART_WANTED = {"model_attributes_type", "model_type", "dict_type", "union_tag_not_found"}

_OUTERMOST = {"version", "sources"}
_BESIDE_META = {"meta", "tags", "enabled", "event_time", "freshness", "loaded_at_field", "loaded_at_query"}
"""What may stand under a `config`: ours and dbt's own words."""
_TOP = {"source", "name", "description", "columns", "datasets", "sha256", "data_type", "freshness"}
"""Fields of our classes that stand outside `config.meta`, or that no file says; `freshness` is dbt's word there too."""
SOURCES_DIR = PROJECT_DIR / "connectors" / "sources"


def read_source(path: Path) -> Source:
    """Read and check one source file; its stem is its name. Any fault is a `ConfigError` that names the place."""
    text = path.read_bytes()
    next_step = f"fix it, then jifen source test {path.stem}"
    try:
        return _source(path.stem, read_yaml(text), hashlib.sha256(text).hexdigest())
    except KeyError as error:
        problem = f"there is no `{error.args[0]}` where one belongs"
    except (ValueError, TypeError) as error:
        problem = faults_of(error, Source)
    raise ConfigError(f"not a valid source file: {problem}.", str(path), next_step)


def _source(stem: str, content: Any, sha256: str) -> Source:
    # It imports pyarrow, and who reads sink files alone waits for none of it: `jifen status` answers at once.
    from connectors.columns import tombstones_of

    content = _mapping(content, "the file")
    if unknown := sorted(content.keys() - _OUTERMOST):
        raise ValueError(f"unknown words at the top: {', '.join(unknown)}; there are {', '.join(sorted(_OUTERMOST))}")
    entries = content["sources"]
    if not isinstance(entries, list) or len(entries) != 1:
        raise ValueError("sources: a list with one source belongs here")
    entry = _mapping(entries[0], "sources")
    if entry["name"] != stem:
        raise ValueError(f"the source is named {entry['name']}, its file {stem}")
    meta = dict(_meta(entry, "the source", Source))
    # A word of dbt-duckdb: where it finds the files of a source.
    meta.pop("external_location", None)
    connection, request = parts_of(meta["driver"])
    datasets = []
    for table in entry["tables"]:
        fields = dataset_fields(stem, _mapping(table, "tables"))
        # By its driver first: else a slip in one word is reported once for each driver that it does not fit.
        fields["request"] = _part(request, fields["request"], f"{table['name']}.request")
        dataset = _part(Dataset, fields, table["name"])
        tombstones_of(dataset, {column.name: column.missing_markers for column in dataset.columns}, _ANY_ZONE)
        datasets.append(dataset)
    meta["connection"] = _part(connection, meta["connection"], "connection")
    return Source(name=stem, description=entry["description"], datasets=tuple(datasets), sha256=sha256, **meta)


def _mapping(part: Any, place: str) -> dict[str, Any]:
    if not isinstance(part, dict):
        raise ValueError(f"{place}: names with values belong here")
    return part


def _meta(part: Mapping[str, Any], place: str, kind: type[BaseModel]) -> dict[str, Any]:
    """What stands under `config.meta`; a field of ours beside it would be ignored, and is an error."""
    config = _mapping(part["config"], f"{place}.config")
    beside = (part.keys() & kind.model_fields.keys()) - _TOP | (config.keys() - _BESIDE_META)
    if beside:
        raise ValueError(f"{place}: {', '.join(sorted(beside))} belongs under config.meta")
    return _mapping(config["meta"], f"{place}.config.meta")


def _part(kind: type[T], value: Any, place: str) -> T:
    """One part of the file, checked by its own class; a fault names the place and not the value."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise ValueError(faults_of(error, kind, place)) from None


def faults_of(error: Exception, kind: Any, *place: str) -> str:
    """The faults that a class found, each with its place and the words allowed there, never with the value."""
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(_fault(one, kind, place) for one in error.errors(include_url=False, include_input=False))


def _fault(error: Any, kind: Any, place: tuple[str, ...]) -> str:
    # Never the input: it may be a secret written in place of the name of a variable.
    where = ".".join([*place, *_steps(kind, error["loc"])])
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = f"no such word; there are {', '.join(_words_of(_classes_at(kind, error['loc'][:-1])))}"
    elif error["type"] == "string_type":
        message = f"{message}: text, so put it in quotation marks"
    elif error["type"] == "tuple_type":
        message = "a list belongs here, such as [a, b]"
    elif error["type"] in _PART_WANTED:
        message = _part_wanted(_classes_at(kind, error["loc"]))
    return f"{where}: {message}" if where else message


def _steps(kind: Any, place: tuple[Any, ...]) -> Iterator[str]:
    """A place as the file has it: without the names of classes that stand in pydantic's."""
    for n, step in enumerate(place):
        if step not in {one.__name__ for one in _classes_at(kind, place[:n])}:
            yield str(step)


def _part_wanted(classes: list[type[BaseModel]]) -> str:
    kinds = [str(kind) for one in classes for kind in _kinds(one)]
    if kinds:
        return f"a part with its kind belongs here: kind: {', '.join(kinds)}"
    return f"a part belongs here, with {', '.join(_words_of(classes))}"


def _classes_at(kind: Any, place: tuple[Any, ...]) -> list[type[BaseModel]]:
    here = list(_classes(kind))
    for step in place:
        named = [one for one in here if step in (one.__name__, *_kinds(one))]
        held = [one.model_fields[step].annotation for one in here if step in one.model_fields]
        here = named or [one for annotation in held for one in _classes(annotation)] or here
    return here


def _words_of(here: list[type[BaseModel]]) -> list[str]:
    """The words that may stand in parts of these classes, as a file writes them."""
    words = {name for one in here for name in one.model_fields}
    if {Dataset, Source} & set(here):
        # `freshness` is a word of dbt's outside of config.meta, and one of ours inside.
        words -= _TOP - {"freshness"}
    return sorted({"field" if word == "source_field" else word for word in words})


def _kinds(one: type[BaseModel]) -> tuple[Any, ...]:
    return get_args(one.model_fields["kind"].annotation) if "kind" in one.model_fields else ()


def _classes(annotation: Any) -> Iterator[type[BaseModel]]:
    """The classes inside an annotation: of a union, an optional part, a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from _classes(part)


def dataset_fields(source: str, table: dict[str, Any]) -> dict[str, Any]:
    """One table of a source file as the fields of a `Dataset`, not checked yet."""
    name = str(table["name"])
    columns = [_column_fields(_mapping(column, f"{name}.columns"), name) for column in table["columns"]]
    meta = _meta(table, name, Dataset)
    if twice := sorted(meta.keys() & {"source", "name", "description", "columns"}):
        raise ValueError(f"{name}.config.meta: {', '.join(twice)} stands outside of config")
    return {"source": source, "name": table["name"], "description": table["description"], "columns": columns, **meta}


def _column_fields(column: dict[str, Any], table: str) -> dict[str, Any]:
    place = f"{table}.columns.{column['name']}"
    fields = {key: value for key, value in column.items() if key not in ("config", "data_tests")}
    config = _mapping(column.get("config", {}), f"{place}.config")
    rules = dict(_mapping(config.get("meta", {}), f"{place}.config.meta"))
    if beside := sorted(config.keys() - {"meta", "tags"}):
        raise ValueError(f"{place}: {', '.join(beside)} belongs under config.meta")
    if twice := sorted(fields.keys() & rules.keys()):
        raise ValueError(f"{place}: {', '.join(twice)} stands twice, inside and outside of config.meta")
    rules["source_field"] = rules.pop("field", column["name"])
    return {**fields, **rules}


def read_sources(folder: Path = SOURCES_DIR) -> list[Source]:
    """Every source file of a folder, in order of name."""
    return [read_source(path) for path in sorted(folder.glob("*.yml"))]
