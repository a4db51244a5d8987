"""Files that survive a power cut, and folders that are read-only once they are sealed."""

import os
import shutil
from pathlib import Path

FILE_MODE = 0o400
FOLDER_MODE = 0o500


def sync(path: Path) -> None:
    """Have the system put a file's bytes or a folder's entries on disk: without it a power cut may undo a rename.

    Another process may have written the file.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_read_only(root: Path) -> None:
    """Sync every file and folder under `root`, then take the write permission from them."""
    for path in sorted(root.rglob("*"), reverse=True):
        sync(path)
        path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)
    sync(root)
    root.chmod(FOLDER_MODE)


def remove_tree(root: Path) -> None:
    """Remove a folder, sealed or not; a folder that is not there is ignored."""
    if not root.exists():
        return
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir() and not path.is_symlink())):
        folder.chmod(0o700)
    shutil.rmtree(root)
