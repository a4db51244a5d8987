"""The manifest of an edition: what files it holds, their hashes, and the inputs they were made from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from editions.places import MANIFEST, SUMS
from ledger.files import file_sha256

FORMAT = 2
"""Number of the layout that is sealed; part of the recipe, so a new layout makes new editions."""
LONGEST_PATH = 255
READ = (1, FORMAT)
"""The layouts that are read: 1 has no sums, signatures, descriptors, code, kind and raw objects."""


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
    """JSON with sorted keys, in UTF-8, with an end of line; equal values give equal bytes."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2, allow_nan=False)
    return (text + "\n").encode("utf-8")


def describe_file(root: Path, name: str, rows: int | None, audience: str) -> SealedFile:
    """The manifest's line for the file `name` under `root`."""
    path = root / name
    return SealedFile(name, file_sha256(path), path.stat().st_size, rows, audience)


def write_manifest(root: Path, head: Mapping[str, Any], files: list[SealedFile]) -> str:
    """Write `manifest.json` and `SHA256SUMS` under `root`: `head` and the files; returns the manifest's SHA-256."""
    listed = [asdict(file) for file in sorted(files, key=lambda file: file.path)]
    content = canonical_json({**head, "format": FORMAT, "files": listed})
    (root / MANIFEST).write_bytes(content)
    (root / SUMS).write_text(sums_of(content), encoding="utf-8", newline="\n")
    return hashlib.sha256(content).hexdigest()


def sums_of(manifest: bytes) -> str:
    """The text of `SHA256SUMS` beside a manifest of these bytes: each file, and the manifest itself."""
    hashes = {file["path"]: file["sha256"] for file in json.loads(manifest)["files"]}
    hashes[MANIFEST] = hashlib.sha256(manifest).hexdigest()
    return "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(hashes.items()))


def _require_readable(file: SealedFile) -> None:
    kinds = (file.path, str), (file.sha256, str), (file.bytes, int), (file.rows or 0, int)
    # No sealed file has a longer path, and the system refuses to look one up.
    if not all(isinstance(value, kind) for value, kind in kinds) or len(file.path.encode()) > LONGEST_PATH:
        raise ValueError(f"file {str(file.path)[:40]!r} is not described as files are")


def read_manifest(edition: Path) -> dict[str, Any]:
    """The manifest of an edition's folder, as a dictionary.

    Raises `ManifestError` where it is not there or is not what `write_manifest` writes.
    """
    path = edition / MANIFEST
    try:
        found = json.loads(path.read_bytes())
        if found["format"] not in READ:
            raise ValueError(f"format {found['format']}, this jifen reads formats up to {FORMAT}")
        for entry in found["files"]:
            _require_readable(SealedFile(**entry))
        return dict(found)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ManifestError(
            f"{path} cannot be read ({error}). Whose: data. "
            "Run `jifen edition verify`, or rebuild the edition with `jifen run`."
        ) from error
