"""The folders of editions, and `editions/current`: the pointer that readers follow, a link replaced in one step.

Imports nothing slow: `jifen explain` must answer at once.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from editions.durable import sync

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
"""The hashes of all files, the manifest's too, as `sha256sum -c` reads them."""
POINTER = "current"
DROPPED = "dropped.json"
"""The file in an edition whose tables the retention policy dropped; it holds the day."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What may be the name of an edition or of a run, and so of a folder."""


class EditionMissingError(LookupError):
    """An edition is not there: lost, or never published."""

    state = "not_found"


class EditionNameError(EditionMissingError, ValueError):
    """A text that cannot be the id of an edition; nothing was looked up."""


class EditionDroppedError(EditionMissingError):
    """The tables of an edition were dropped by the retention policy; its proof is still there."""

    state = "dropped"


def parent_of(manifest: Mapping[str, Any]) -> str | None:
    """The edition that this one followed, and that its gate compared it with, by its manifest; None of the first."""
    found = manifest.get("parent", manifest.get("compared_with"))
    return None if found is None else str(found)


class PointerError(RuntimeError):
    """`current` is a file or a folder, and not a link to an edition."""


class EditionUnknownError(RuntimeError):
    """Readers follow an edition that the ledger does not know."""


def editions_dir(data_dir: Path) -> Path:
    """Where the editions of a data folder stand."""
    return data_dir / "editions"


def edition_path(data_dir: Path, edition_id: str) -> Path:
    """The folder of one edition, whether it is there or not. Raises `EditionNameError` for no plain name."""
    if not NAME.fullmatch(edition_id) or edition_id == POINTER:
        raise EditionNameError(
            f"{edition_id!r} cannot be the id of an edition. Whose: data (mistyped). Next: jifen edition list"
        )
    return editions_dir(data_dir) / edition_id


def split_path(data_dir: Path, then: str, now: str) -> Path:
    """The file in which a diff keeps what moved each enterprise between two editions; it can be made again."""
    for edition_id in (then, now):
        edition_path(data_dir, edition_id)
    return data_dir / "splits" / f"{then}..{now}.parquet"


def require_edition(data_dir: Path, edition_id: str) -> Path:
    """The folder of an edition that is there. Raises `EditionMissingError` where it is not."""
    path = edition_path(data_dir, edition_id)
    require_kept(path)
    if not (path / MANIFEST).is_file():
        raise EditionMissingError(
            f"edition {edition_id} is not at {path}. Whose: data (the folder was moved or lost). Restore that folder "
            f"from a backup and check it with `jifen edition verify {edition_id}`; `jifen edition list` names them all."
        )
    return path


def is_dropped(edition: Path) -> bool:
    """Whether an edition's tables were dropped."""
    return (edition / DROPPED).is_file()


def dropped_on(edition: Path) -> str:
    """The day on which the tables of an edition were dropped."""
    return str(json.loads((edition / DROPPED).read_bytes())["dropped_on"])


def require_kept(edition: Path) -> None:
    """Raise `EditionDroppedError` for an edition of which only the proof is left."""
    if is_dropped(edition):
        raise EditionDroppedError(
            f"edition {edition.name} was dropped on {dropped_on(edition)} by the policy of retention: its manifest, "
            f"sums and signature are there, its tables are not. Whose: config. Next: jifen edition rebuild "
            f"{edition.name} --keep FOLDER, or restore that folder from a backup"
        )


def read_current(data_dir: Path) -> str | None:
    """The id that `current` points at, or None where nothing was published."""
    try:
        return str((editions_dir(data_dir) / POINTER).readlink())
    except FileNotFoundError:
        return None
    except OSError:
        raise PointerError(
            f"{editions_dir(data_dir) / POINTER} is no link, as a copy that follows links leaves it: what readers find "
            "there never moves. Whose: data. Next: move it away, then jifen run, which sets the link again"
        ) from None


def point_current(data_dir: Path, edition_id: str) -> None:
    """Move `current` to an edition: a reader sees the old one or the new one, never neither.

    The ledger decides whether it may move (`ledger.publications.publish` compares and swaps): call this after it.
    Raises `EditionMissingError` when the edition is not there.
    """
    require_edition(data_dir, edition_id)
    folder = editions_dir(data_dir)
    draft = folder / f".{POINTER}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(edition_id)
    draft.replace(folder / POINTER)
    sync(folder)


def repair_current(data_dir: Path, ledger_current: str | None) -> bool:
    """Bring the pointer in line with the ledger after a crash between the two; returns whether it had to move.

    Raises `EditionMissingError` when the ledger's current edition has no folder, even if the pointer still names it:
    nothing can be compared with it or sent from it. Raises `EditionUnknownError` where the ledger has no edition and
    readers follow one. The pointer is left as it is.
    """
    if ledger_current is not None:
        require_edition(data_dir, ledger_current)
    if read_current(data_dir) == ledger_current:
        return False
    if ledger_current is None:
        # The pointer moves after its row is written: another ledger than this one published what it names.
        raise EditionUnknownError(
            f"readers of {data_dir} follow edition {read_current(data_dir)}, and the ledger knows of none. "
            "Whose: config. Next: restore the ledger from its backup, or check JIFEN_DATA_DIR and JIFEN_LEDGER_URL"
        )
    point_current(data_dir, ledger_current)
    return True
