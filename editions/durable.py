"""Files that survive a power cut, and folders that are read-only once they are sealed."""

import os
import shutil
from pathlib import Path

FILE_MODE = 0o400
FOLDER_MODE = 0o500


def sync_file(path: Path) -> None:
    """Have the system put a file's bytes on disk; another process may have written the file."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Have the system put a folder's entries on disk: without it a power cut may undo a rename."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_read_only(root: Path) -> None:
    """Sync every file and folder under `root`, then take the write permission from them."""
    for path in sorted(root.rglob("*"), reverse=True):
        if path.is_dir():
            sync_folder(path)
            path.chmod(FOLDER_MODE)
        else:
            sync_file(path)
            path.chmod(FILE_MODE)
    sync_folder(root)
    root.chmod(FOLDER_MODE)


def remove_tree(root: Path) -> None:
    """Remove a folder, sealed or not; a folder that is not there is ignored."""
    if not root.exists():
        return
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir() and not path.is_symlink())):
        folder.chmod(0o700)
    shutil.rmtree(root)
