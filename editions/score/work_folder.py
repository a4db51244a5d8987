"""The work folder of one call: removed when the call ends, or by the next call if it was killed."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from editions.durable import remove_tree

RUNNING = ".jifen-running"
"""The file that a call holds locked in its folder; the system releases the lock when the process ends."""


@contextmanager
def work_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A fresh folder in `parent`, removed when the work is done or has failed, unless `keep` was called.

    Folders of this prefix whose call was killed are removed first. Raises `OSError` where `parent` cannot be written.
    """
    _remove_abandoned(parent, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    with _running(folder):
        try:
            yield folder
        finally:
            if (folder / RUNNING).exists():
                remove_tree(folder)


def keep(folder: Path) -> None:
    """Keep a call's folder: neither this call nor a later one removes it."""
    (folder / RUNNING).unlink()


@contextmanager
def _running(folder: Path) -> Iterator[None]:
    # Locked before it gets its name: another call could else take the folder for an abandoned one.
    unnamed = folder / f"{RUNNING}.new"
    with unnamed.open("wb") as handle:
        # A file system without locks gives none to a later call either: the folder stays.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(folder / RUNNING)
        yield


def _remove_abandoned(parent: Path, prefix: str) -> None:
    for folder in parent.glob(f"{prefix}*"):
        # The folder may be in use, kept, or gone by now: it is left alone then.
        with suppress(OSError):
            if folder.lstat().st_uid == os.geteuid() and not folder.is_symlink():
                with (folder / RUNNING).open("r+b") as handle:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    remove_tree(folder)
