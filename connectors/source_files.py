"""Reading source files: one YAML for each agency, which dbt reads too, so ours stands under `config.meta`."""

import hashlib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from connectors.errors import ConfigError
from connectors.spec import Dataset, Source, parts_of
from ledger.settings import PROJECT_DIR

T = TypeVar("T", bound=BaseModel)

_OUTERMOST = {"version", "sources"}
SOURCES_DIR = PROJECT_DIR / "connectors" / "sources"


def read_source(path: Path) -> Source:
    """Read and check one source file; its stem is its name. Any fault is a `ConfigError` that names the place."""
    text = path.read_bytes()
    next_step = f"mend it, then jifen source test {path.stem}"
    try:
        return _source(path.stem, yaml.safe_load(text), hashlib.sha256(text).hexdigest())
    except ValidationError as error:
        problem = "; ".join(_fault(one) for one in error.errors(include_url=False, include_input=False))
    except KeyError as error:
        problem = f"there is no `{error.args[0]}` where one belongs"
    except UnicodeDecodeError as error:
        problem = f"it is not UTF-8 (byte {error.start})"
    except (ValueError, TypeError, yaml.YAMLError) as error:
        problem = str(error)
    raise ConfigError(f"not a valid source file: {problem}.", str(path), next_step)


def _source(stem: str, content: Any, sha256: str) -> Source:
    if unknown := sorted(content.keys() - _OUTERMOST):
        raise ValueError(f"unknown words at the top: {', '.join(unknown)}; there are {', '.join(sorted(_OUTERMOST))}")
    (entry,) = content["sources"]
    if entry["name"] != stem:
        raise ValueError(f"the source is named {entry['name']}, its file {stem}")
    meta = dict(entry["config"]["meta"])
    meta.pop("external_location", None)
    connection, request = parts_of(meta["driver"])
    datasets = []
    for table in entry["tables"]:
        fields = dataset_fields(stem, table)
        # By its driver first: else a slip in one word is told once for each driver that it does not fit.
        fields["request"] = _part(request, fields["request"], f"{table['name']}.request")
        datasets.append(_part(Dataset, fields, table["name"]))
    meta["connection"] = _part(connection, meta["connection"], "connection")
    return Source(name=stem, description=entry["description"], datasets=tuple(datasets), sha256=sha256, **meta)


def _part(kind: type[T], value: Any, place: str) -> T:
    """One part of the file, checked by its own class; a fault is told with its place and without what stood there."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        told = "; ".join(_fault(one, place) for one in error.errors(include_url=False, include_input=False))
        raise ValueError(told) from None


def _fault(error: Any, *place: str) -> str:
    # Never the input: somebody may have written a secret where the name of a variable belongs.
    where = ".".join([*place, *(str(step) for step in error["loc"])])
    told = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {told}" if where else told


def dataset_fields(source: str, table: dict[str, Any]) -> dict[str, Any]:
    """One table of a source file as the fields of a `Dataset`, not checked yet."""
    meta = table["config"]["meta"]
    columns = []
    for column in table["columns"]:
        fields = {key: value for key, value in column.items() if key not in ("config", "data_tests")}
        rules = dict(column.get("config", {}).get("meta", {}))
        rules["source_field"] = rules.pop("field", column["name"])
        columns.append({**fields, **rules})
    return {"source": source, "name": table["name"], "description": table["description"], "columns": columns, **meta}


def read_sources(folder: Path = SOURCES_DIR) -> list[Source]:
    """Every source file of a folder, in order of name."""
    return [read_source(path) for path in sorted(folder.glob("*.yml"))]
