"""The manifest of an edition: what files it holds, their hashes, and the inputs they were made from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from editions.places import MANIFEST

FORMAT = 1
"""Number of the layout that is sealed; part of the recipe, so a new layout makes new editions."""


class ManifestError(ValueError):
    """The manifest of an edition is not there or cannot be read."""


@dataclass(frozen=True)
class SealedFile:
    """One file of an edition; `rows` is None for what is not a table, `path` is relative with forward slashes."""

    path: str
    sha256: str
    bytes: int
    rows: int | None
    audience: str


def canonical_json(value: Any) -> bytes:
    """The one way JSON is written here: sorted keys, UTF-8, an end of line; equal values give equal bytes."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2, allow_nan=False)
    return (text + "\n").encode("utf-8")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def describe_file(root: Path, name: str, rows: int | None, audience: str) -> SealedFile:
    """The manifest's line for the file `name` under `root`."""
    path = root / name
    return SealedFile(name, file_sha256(path), path.stat().st_size, rows, audience)


def write_manifest(root: Path, head: Mapping[str, Any], files: list[SealedFile]) -> str:
    """Write `manifest.json` under `root`: `head` and the files by path; answers its SHA-256."""
    listed = [asdict(file) for file in sorted(files, key=lambda file: file.path)]
    content = canonical_json({**head, "format": FORMAT, "files": listed})
    (root / MANIFEST).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def read_manifest(edition: Path) -> dict[str, Any]:
    """The manifest of an edition's folder, as a dictionary.

    Raises `ManifestError` where it is not there or is not what `write_manifest` writes.
    """
    path = edition / MANIFEST
    try:
        found = json.loads(path.read_bytes())
        if found["format"] != FORMAT:
            raise ValueError(f"format {found['format']}, this jifen reads format {FORMAT}")
        for entry in found["files"]:
            SealedFile(**entry)
        return dict(found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ManifestError(
            f"{path} cannot be read ({error}). Whose: data. "
            "Run `jifen edition verify`, or rebuild the edition with `jifen run`."
        ) from error
