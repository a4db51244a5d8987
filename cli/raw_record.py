"""The very record behind a figure: its raw page read again, and the one record on it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.explain_command import RecordLostError
from connectors.decoders.decode import decode
from connectors.errors import ConnectorError
from connectors.raw import RawDamagedError, read_raw
from connectors.source_files import SOURCES_DIR, read_source

UNLABELLED = "raw page"


def raw_record(data_dir: Path, evidence: Mapping[str, Any]) -> Any:
    """The record as the agency sent it, by the page's hash and its position there; None where it is not on that page.

    Raises `RecordLostError` where the page or the source that says how to read it cannot be had.
    """
    try:
        return _read(data_dir, evidence)
    except (RawDamagedError, ConnectorError) as error:
        raise RecordLostError(str(error)) from error
    except FileNotFoundError as error:
        raise RecordLostError(
            f"{error.filename} is not there, and says how a page of {evidence['source']} is read. Whose: config. "
            "Next: restore the source file"
        ) from error


def _read(data_dir: Path, evidence: Mapping[str, Any]) -> Any:
    dataset = read_source(SOURCES_DIR / f"{evidence['source']}.yml").dataset(str(evidence["dataset"]))
    body = read_raw(data_dir, str(evidence["raw_sha256"]))
    for chunk in decode(dataset, UNLABELLED, body):
        for place, position in enumerate(chunk.positions):
            if position == evidence["raw_position"]:
                return chunk.raw(place)
    return None
