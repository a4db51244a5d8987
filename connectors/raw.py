"""The raw store: every body exactly as received, compressed, named by the sha256 of what was received."""

import hashlib
from pathlib import Path

from connectors.drivers.pages import Page
from ledger.data_folder import raw_path
from ledger.files import WRITTEN_ONCE, write_durably
from ledger.store import Row


class RawDamagedError(RuntimeError):
    """A raw object is missing, or its content does not match the hash in its name."""


def keep_raw(data_dir: Path, body: bytes) -> str:
    """Store a body, unless it is there already, and answer its sha256. When this returns, it survives a power cut."""
    sha256 = hashlib.sha256(body).hexdigest()
    path = raw_path(data_dir, sha256)
    if path.exists():
        return sha256
    import pyarrow as pa  # a tenth of a second, which a page that is there already does not need

    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, pa.Codec("zstd").compress(body, asbytes=True), mode=WRITTEN_ONCE)
    return sha256


def read_raw(data_dir: Path, sha256: str) -> bytes:
    """The body as received, its hash checked again."""
    import pyarrow as pa

    path = raw_path(data_dir, sha256)
    try:
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
            body: bytes = stream.read()
    except OSError as error:
        raise RawDamagedError(
            f"raw object {path} cannot be read: {error}. Next: restore {path} from the backup."
        ) from error
    if hashlib.sha256(body).hexdigest() != sha256:
        raise RawDamagedError(f"raw object {path} does not match its hash. Next: restore it from the backup.")
    return body


def page_of(data_dir: Path, row: Row) -> Page:
    """The page that a row of the ledger names, its body read back."""
    sha256 = row["raw_sha256"]
    return Page(row["label"], read_raw(data_dir, sha256), sequence=row["sequence"], sha256=sha256)
