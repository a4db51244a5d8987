"""The very record behind a figure: its raw page read again, and the one record on it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.decoders.decode import decode
from connectors.raw import read_raw
from connectors.source_files import SOURCES_DIR, read_source

UNLABELLED = "raw page"


def raw_record(data_dir: Path, evidence: Mapping[str, Any]) -> Any:
    """The record as the agency sent it, by the page's hash and its position there; None where it is not on that page.

    Raises `RawDamagedError` where the page is lost, `ConfigError` where the source is no longer declared.
    """
    dataset = read_source(SOURCES_DIR / f"{evidence['source']}.yml").dataset(str(evidence["dataset"]))
    body = read_raw(data_dir, str(evidence["raw_sha256"]))
    for chunk in decode(dataset, UNLABELLED, body):
        for place, position in enumerate(chunk.positions):
            if position == evidence["raw_position"]:
                return chunk.raw(place)
    return None
