"""`editions/current`: the one pointer readers follow, a relative link that is replaced in one step."""

import os
from pathlib import Path

from editions.durable import sync_folder
from editions.places import (
    POINTER,
    EditionMissingError,
    EditionNameError,
    edition_path,
    editions_dir,
    read_current,
    require_edition,
)

__all__ = [
    "POINTER",
    "EditionMissingError",
    "EditionNameError",
    "edition_path",
    "editions_dir",
    "point_current",
    "read_current",
    "repair_current",
    "require_edition",
]


def point_current(data_dir: Path, edition_id: str) -> None:
    """Move `current` to an edition: a reader sees the old one or the new one, never neither.

    Whether it may move is the ledger's to say (`ledger.publications.publish` compares and swaps): call this after it.
    Raises `EditionMissingError` when the edition is not there.
    """
    require_edition(data_dir, edition_id)
    folder = editions_dir(data_dir)
    draft = folder / f".{POINTER}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(edition_id)
    draft.replace(folder / POINTER)
    sync_folder(folder)


def repair_current(data_dir: Path, ledger_current: str | None) -> bool:
    """Bring the pointer in line with the ledger after a crash between the two; answers whether it had to move.

    Raises `EditionMissingError` when the ledger's current edition has no folder, even if the pointer still names it:
    nothing can be compared with it or sent from it. The pointer is left as it is.
    """
    if ledger_current is not None:
        require_edition(data_dir, ledger_current)
    if read_current(data_dir) == ledger_current:
        return False
    if ledger_current is not None:
        point_current(data_dir, ledger_current)
        return True
    (editions_dir(data_dir) / POINTER).unlink()
    sync_folder(editions_dir(data_dir))
    return True
