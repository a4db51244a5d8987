"""What an edition holds, in the words of two open standards: Data Package v2 and Open Data Contract Standard 3.1.

Both are made from the manifest's tables with their columns, types and descriptions.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from editions.manifest import SealedFile, canonical_json

DATAPACKAGE = "datapackage.json"
CONTRACTS = "contracts"
CONTRACT_VERSION = "1.0.0"
"""Version of the tables' layout; it is raised when a column is removed or changes its meaning."""
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_KINDS: Mapping[str, tuple[str, str]] = {
    "VARCHAR": ("string", "string"),
    "BOOLEAN": ("boolean", "boolean"),
    "DATE": ("date", "date"),
    "TIMESTAMP": ("datetime", "timestamp"),
    "DECIMAL": ("number", "number"),
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), ("integer", "integer")),
}
"""DuckDB's types: the name of each in Data Package, and in the contract."""

Table = Mapping[str, Any]
"""A table of the manifest: audience, description, key, columns (name, type, description, description_zh)."""


class TypeUnknownError(ValueError):
    """A column is of a type that the descriptors have no name for: a fault of the dbt project."""


def datapackage(
    head: Mapping[str, Any],
    tables: Mapping[str, Table],
    files: Sequence[SealedFile],
    *,
    delivery_id: str | None = None,
    encoding: str = "utf-8-sig",
) -> bytes:
    """`datapackage.json` of an edition, or of a delivery: each CSV file with its bytes, hash and columns.

    Without the Parquet files: a validator that cannot read them would pass a wrong hash. `sha256sum -c` checks them.
    """
    resources = [
        {
            "name": _name(file).replace("_", "-"),
            "path": file.path,
            "title": _name(file),
            "description": tables[_name(file)]["description"],
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": encoding,
            "bytes": file.bytes,
            "hash": f"sha256:{file.sha256}",
            "schema": _schema(tables[_name(file)]),
        }
        for file in sorted(files, key=lambda file: file.path)
        if file.path.endswith(".csv")
    ]
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": f"jifen-{(delivery_id or head['edition_id']).replace('_', '-')}",
        "id": f"urn:jifen:delivery:{delivery_id}" if delivery_id else f"urn:jifen:edition:{head['edition_id']}",
        "title": "企业创新积分 Enterprise innovation points",
        "description": f"{head['as_of']}, {head['ruleset_id']}",
        "version": CONTRACT_VERSION,
        "resources": resources,
    }
    return canonical_json(package)


def contract(name: str, table: Table) -> bytes:
    """The contract of one table: what each column is, in Chinese and English, and what identifies a row."""
    file = f"{'tables' if table['audience'] == 'zone' else 'extracts'}/{name}.parquet"
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"urn:jifen:table:{name}",
        "name": name,
        "version": CONTRACT_VERSION,
        "status": "active",
        "domain": "enterprise innovation points",
        "description": {"purpose": table["description"]},
        "servers": [{"server": "edition", "type": "local", "path": file, "format": "parquet"}],
        "schema": [
            {
                "name": name,
                "physicalName": name,
                "physicalType": "file",
                "logicalType": "object",
                "description": table["description"],
                "properties": [_property(column, table["key"]) for column in table["columns"]],
            }
        ],
    }
    text = yaml.dump(document, Dumper=_DUMPER, allow_unicode=True, sort_keys=False, width=120)
    return str(text).encode()


def title_of(description_zh: str) -> str:
    """The header of a column: its description up to the first punctuation mark."""
    return re.split("[：；，（]", description_zh)[0]


def _name(file: SealedFile) -> str:
    return file.path.rpartition("/")[2].removesuffix(".csv")


def _schema(table: Table) -> dict[str, Any]:
    fields = [
        {
            "name": column["name"],
            "type": _kind(column)[0],
            "title": title_of(column["description_zh"]),
            "description": _both(column),
        }
        for column in table["columns"]
    ]
    return {"fields": fields, **({"primaryKey": list(table["key"])} if table["key"] else {})}


def _property(column: Mapping[str, str], key: Sequence[str]) -> dict[str, Any]:
    place = key.index(column["name"]) + 1 if column["name"] in key else None
    return {
        "name": column["name"],
        "businessName": title_of(column["description_zh"]),
        "description": _both(column),
        "logicalType": _kind(column)[1],
        "physicalType": column["type"],
        **({"primaryKey": True, "primaryKeyPosition": place, "required": True} if place else {}),
    }


def _both(column: Mapping[str, str]) -> str:
    return f"{column['description_zh']} | {column['description']}"


def _kind(column: Mapping[str, str]) -> tuple[str, str]:
    kind = _KINDS.get(column["type"].partition("(")[0])
    if kind is None:
        raise TypeUnknownError(
            f"column {column['name']} is of type {column['type']}, which the descriptors have no name for. "
            "Whose: config (dbt_project). Cast it in the model to a text, a number, a day or a yes and no."
        )
    return kind
