"""How the whole system writes and hashes files: written whole or not at all, and readable by their owner alone."""

import contextlib
import csv
import grp
import hashlib
import io
import logging
import os
import shutil
import stat
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from ledger.env_file import SettingsError

FILE_MODE, FOLDER_MODE = 0o600, 0o700
WRITTEN_ONCE = 0o400
"""The mode of what is never written again: raw objects and landed files."""
PART = ".part"
"""Suffix of a file that is being written; `sweep_parts` removes those that a kill or a full disk left."""

OURS = ("raw", "landed", "quarantine", "editions", "candidates", "returns", "deliveries", "reports", "logs")
"""The folders of a data folder."""

log = logging.getLogger("jifen")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def names_a_file(value: str | Path) -> bool:
    """Whether a variable's value is the path of a file; it may be the secret itself, longer than any file name."""
    return os.path.isfile(value)  # noqa: PTH113 - Path.is_file raises for a name that is too long


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file that staff may have saved from a spreadsheet, which puts a mark at its head."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def opened(content: bytes | Path) -> io.BufferedReader | io.BytesIO:
    """Open bytes in memory or a file, to read them in blocks."""
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)


def files_under(root: Path) -> list[Path]:
    """Every file below a folder; a link is none."""
    return [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]


def bytes_of(files: Iterable[Path]) -> int:
    """What these files take, in bytes."""
    return sum(path.lstat().st_size for path in files)


def size_of(content: bytes | Path) -> int:
    """The number of bytes in memory or in a file."""
    return content.stat().st_size if isinstance(content, Path) else len(content)


@contextlib.contextmanager
def making_of(folder: Path) -> Iterator[Path]:
    """A temporary folder for files that go into `folder` once they are whole; `sweep_parts` removes leftovers."""
    making = folder / f".making{PART}"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=FOLDER_MODE)
    try:
        yield making
    finally:
        shutil.rmtree(making)


def write_durably(path: Path, content: bytes, mode: int = FILE_MODE) -> None:
    """Write a file so that either the whole of it is there under its name or nothing is, also after a power cut."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}{PART}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _give_name(temporary, path, mode)


def publish_durably(temporary: Path, path: Path, mode: int = WRITTEN_ONCE) -> None:
    """Name a file that was written in steps, so that it is there whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("rb") as handle:
        os.fsync(handle.fileno())
    _give_name(temporary, path, mode)


def _give_name(temporary: Path, path: Path, mode: int) -> None:
    temporary.chmod(mode)
    temporary.replace(path)
    keep_names(path.parent)


def keep_names(folder: Path) -> None:
    """See to it that the names of the files in a folder survive a power cut, and not their content alone."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def private() -> Iterator[None]:
    """Files made within, by this process or one that it starts, are for their owner alone, whatever the umask was."""
    before = os.umask(0o777 & ~FOLDER_MODE)
    try:
        yield
    finally:
        os.umask(before)


def close_to_others(data_dir: Path, readers: str | None) -> None:
    """Close a data folder to all but its owner; let the group `readers` through to its editions.

    Closing the folder and those directly in it is enough: others cannot pass them to deeper files. A folder of another
    owner, or one that all may write into (such as /tmp), is left as it is with a warning. Raises `SettingsError` for
    an unknown group.
    """
    group = None if readers is None else group_id(readers)
    # The group passes through the data folder without seeing what is in it, and may list the editions.
    passed = {data_dir: 0o010, data_dir / "editions": 0o050}
    for path in (data_dir, *(data_dir / name for name in OURS)):
        if not path.is_dir() or path.is_symlink():
            continue
        found = path.stat()
        if found.st_uid != os.getuid() or found.st_mode & stat.S_ISVTX:
            log.warning("%s belongs to another user or is open to all: its permissions are left as they are", path)
            continue
        path.chmod(FOLDER_MODE)
        if group is not None and path in passed:
            os.chown(path, -1, group)
            path.chmod(FOLDER_MODE | passed[path])
    for edition in (data_dir / "editions").glob("[!.]*") if group is not None else ():
        if not edition.is_symlink() and edition.stat().st_gid != group:
            open_to_readers(edition, readers)


def open_to_readers(root: Path, readers: str | None) -> None:
    """Let the group `readers`, and no other user, read a sealed folder; without a group it stays closed."""
    if readers is None:
        return
    group = group_id(readers)
    for path in (*root.rglob("*"), root):
        os.chown(path, -1, group, follow_symlinks=False)
        path.chmod(0o550 if path.is_dir() else 0o440)


def group_id(name: str) -> int:
    """The number of a group of the system. Raises `SettingsError` where there is none of this name."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        follows = "make the group, or fix the setting"
        raise SettingsError(f"the system has no group {name}.", "JIFEN_READERS_GROUP", follows) from None


def sweep_parts(data_dir: Path) -> int:
    """Remove files that a kill or a full disk left half written in a data folder; returns how many.

    Call it under the lock of the data folder: what another run is writing would go too.
    """
    found = [
        path
        for name in ("raw", "quarantine", "returns", "deliveries", "reports", "logs", "splits")
        for path in (data_dir / name).rglob(f".*{PART}")
    ]
    found += (data_dir / "landed").glob("*/*/.batch=*.parquet")
    found += (data_dir / "editions").glob(".current.*")
    found += (data_dir / "metrics").glob("*.prom.*")
    found += data_dir.glob(f".*{PART}")
    for path in found:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    return len(found)
