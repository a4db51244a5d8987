"""Configurations of other tools to import: those that stand in `importing/`, and small ones made for one test."""

import json
import tempfile
from pathlib import Path

import yaml

from connectors.importing.convert import import_source
from connectors.source_files import read_source

FIXTURES = Path(__file__).parent / "importing"
ALL = [
    (folder, path) for folder in ("dlt", "airbyte") for path in sorted((FIXTURES / folder).iterdir()) if path.is_file()
]


def carry(tool, path):
    """Import a file, read the result, and answer both."""
    imported = import_source(tool, path)
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / f"{imported.name}.yml"
        written.write_text(imported.text, encoding="utf-8")
        return read_source(written), imported


def fixture(tool, name):
    return FIXTURES / tool / name


def a_dlt_file(tmp_path, client=None, **resource):
    config = {
        "client": {
            "base_url": "https://a.example",
            "auth": {"token": "${A_TOKEN}"},
            "paginator": "single_page",
            **(client or {}),
        },
        "resources": [{"name": "rows", "primary_key": "id", **resource}],
    }
    config["resources"][0].setdefault("endpoint", {"path": "rows", "data_selector": "$"})
    path = tmp_path / "made.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def an_airbyte_file(tmp_path, stream=None, **retriever):
    requester = {"type": "HttpRequester", "url_base": "https://a.example", "path": "rows"}
    told = {
        "type": "SimpleRetriever",
        "requester": {**requester, **retriever.pop("requester", {})},
        "record_selector": {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": ["data"]}},
        **retriever,
    }
    manifest = {
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "streams": [
            {"type": "DeclarativeStream", "name": "rows", "primary_key": "id", "retriever": told, **(stream or {})}
        ],
    }
    path = tmp_path / "made.yaml"
    path.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    return path
