"""Verification of an edition: every file is compared with the manifest, and there must be no other file."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from editions import signature
from editions.drop import PROOF
from editions.manifest import ManifestError, SealedFile, read_manifest, sums_of
from editions.places import DROPPED, MANIFEST, SUMS, dropped_on, is_dropped
from editions.signature import SIGNATURES, Keys
from ledger.files import file_sha256
from ledger.minisign import SignatureError


@dataclass(frozen=True)
class Finding:
    """One fault of an edition. `problem` is a word for programs, `message` a sentence for people."""

    path: str
    problem: str
    message: str


def verify(
    path: Path, manifest_sha256: str | None = None, keys: Keys | None = None, *, is_signed: bool = False
) -> list[Finding]:
    """Compare the edition in `path` with its manifest; no finding means that it is intact.

    `manifest_sha256` is the hash in the ledger: without it a manifest that was forged with its files goes unnoticed. If
    `keys` are given, a signature must be by one of them; if `is_signed`, there must be a signature.
    """
    edition = path.resolve()
    if not edition.is_dir():
        return [Finding(".", "missing", f"there is no edition at {path}")]
    try:
        manifest = read_manifest(edition)
    except ManifestError as error:
        return [Finding(MANIFEST, "unreadable", str(error))]
    findings: list[Finding] = []
    found = hashlib.sha256((edition / MANIFEST).read_bytes()).hexdigest()
    if manifest_sha256 is not None and found != manifest_sha256:
        findings.append(Finding(MANIFEST, "sha256", f"is {found}, the ledger holds {manifest_sha256}"))
    files = [SealedFile(**entry) for entry in manifest["files"]]
    beside = {MANIFEST}
    if is_dropped(edition):
        findings.append(
            Finding(".", "dropped", f"its tables were dropped on {dropped_on(edition)} by the policy of retention")
        )
        files, beside = [file for file in files if file.path in PROOF], {MANIFEST, DROPPED}
    for file in files:
        findings.extend(_check(edition, file))
    if manifest["format"] > 1:
        beside |= {SUMS, *(SIGNATURES if signature.is_signed(edition) else ())}
        findings += _sums(edition)
    return [*findings, *_signed(edition, manifest, keys, is_signed), *_extra_files(edition, files, beside)]


def _sums(edition: Path) -> list[Finding]:
    path = edition / SUMS
    if _is_behind_link(edition, SUMS) or not path.is_file():
        return [Finding(SUMS, "missing", "is no file in the folder")]
    if path.read_bytes() != sums_of((edition / MANIFEST).read_bytes()).encode():
        return [Finding(SUMS, "sha256", "has other hashes than the manifest")]
    return []


def _signed(edition: Path, manifest: Mapping[str, Any], keys: Keys | None, must_be: bool) -> list[Finding]:
    if not signature.is_signed(edition):
        return [Finding(SIGNATURES[0], "missing", "is not there, and the edition was signed")] if must_be else []
    if keys is None:
        return []
    try:
        signature.signer_of(edition, str(manifest["edition_id"]), keys)
    except SignatureError as error:
        name, _, why = str(error).partition(" ")
        return [Finding(name, "signature", why)]
    return []


def _check(edition: Path, file: SealedFile) -> list[Finding]:
    path = edition / file.path
    if not _is_inside(file.path):
        return [Finding(file.path, "outside", "the manifest names a path outside the edition; it was not opened")]
    if _is_behind_link(edition, file.path):
        return [Finding(file.path, "link", "is a link, or stands behind one; an edition holds only files")]
    if not path.is_file():
        return [Finding(file.path, "missing", "is in the manifest but not in the folder")]
    different = next(_differences(path, file), None)
    if different is None:
        return []
    problem, found, listed = different
    return [Finding(file.path, problem, f"{problem} {found}, the manifest says {listed}")]


def _differences(path: Path, file: SealedFile) -> Iterator[tuple[str, object, object]]:
    # Cheapest first, and only the first is reported: a file of another length has another hash as well.
    if path.stat().st_size != file.bytes:
        yield "bytes", path.stat().st_size, file.bytes
    elif (found := file_sha256(path)) != file.sha256:
        yield "sha256", found, file.sha256
    # The hash covers the rows of a CSV file; a Parquet file has its own count.
    elif path.suffix == ".parquet" and (rows := _count_rows(path)) != file.rows:
        yield "rows", rows, file.rows


def _is_behind_link(edition: Path, name: str) -> bool:
    # A link could lead out of the edition: none is followed, nor any folder that is one.
    return any((edition / part).is_symlink() for part in (name, *map(str, PurePosixPath(name).parents)))


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and not set("\\\0") & set(name)


def _count_rows(path: Path) -> int | None:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return None


def _extra_files(edition: Path, files: Sequence[SealedFile], beside: set[str]) -> list[Finding]:
    listed = {file.path for file in files} | beside
    folders = {str(parent) for name in listed for parent in PurePosixPath(name).parents}
    findings = []
    for path in sorted(edition.rglob("*")):
        name = path.relative_to(edition).as_posix()
        known = name in folders if path.is_dir() and not path.is_symlink() else name in listed
        if not known:
            findings.append(Finding(name, "extra", "is in the folder but not in the manifest"))
    return findings
