"""Reading source files: one YAML for each agency, which dbt reads too, so ours stands under `config.meta`."""

import hashlib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from connectors.errors import ConfigError
from connectors.spec import Dataset, Source
from ledger.settings import PROJECT_DIR

SOURCES_DIR = PROJECT_DIR / "connectors" / "sources"


def read_source(path: Path) -> Source:
    """Read and check one source file; its stem is its name. Any fault is a `ConfigError` that names the place."""
    text = path.read_bytes()
    try:
        (entry,) = yaml.safe_load(text)["sources"]
        if entry["name"] != path.stem:
            raise ValueError(f"the source is named {entry['name']}, its file {path.stem}")
        meta = dict(entry["config"]["meta"])
        meta.pop("external_location", None)
        datasets = [dataset_fields(path.stem, table) for table in entry["tables"]]
        return Source(
            name=entry["name"],
            description=entry["description"],
            datasets=tuple(Dataset.model_validate(d) for d in datasets),
            sha256=hashlib.sha256(text).hexdigest(),
            **meta,
        )
    except (ValidationError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ConfigError(f"not a valid source file: {error}", str(path), "mend it, then jifen source check") from error


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
