"""Backup and restore: the ledger and the data folder of one moment, at a place that keeps many such moments.

A place holds `objects/`, each file once and named by its sha256, and one list for each backup, which names every file
with its hash. A read-only file that the previous list has with the same size and time is not read again.
"""

import hashlib
import json
import logging
import os
import re
import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import Any

from sqlalchemy import URL, make_url

from connectors.errors import ConfigError, DataError
from connectors.identity_decisions import FILE_NAME as DECISIONS
from editions.durable import FILE_MODE, make_read_only, remove_tree
from editions.places import POINTER, editions_dir
from flows.left_behind import point_to_latest
from ledger.binding import FILE as BINDING
from ledger.binding import bind_again
from ledger.files import FOLDER_MODE, PART, close_to_others, file_sha256, private, publish_durably, write_durably
from ledger.journal import entries
from ledger.runs import exclusive_run
from ledger.settings import Settings
from ledger.store import open_ledger
from ledger.tables import SCHEMA_VERSION

log = logging.getLogger("jifen")

FORMAT = 1
KEPT = ("raw", "landed", "quarantine", "editions", "deliveries", "returns", "reports", DECISIONS, BINDING)
"""What a backup takes of a data folder. Not what is made again, and no keys: those have a safe place of their own."""
LEDGERS = {"sqlite": "ledger.sqlite", "postgresql": "ledger.pgdump"}
RESTORING = ".restoring"
NOT_OURS = ("lost+found", RESTORING)
"""What may stand in a folder that a backup is restored into: that of a disk, and what an earlier try left."""
_MOMENT = "%Y%m%dT%H%M%S%fZ"
_NAME = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{16}")
_OTHER = "take another copy of the backup, or an older one: jifen restore {place} --backup NAME"
_AGAIN = f"jifen backup {{place}}, which keeps it again if the data folder still has it; else {_OTHER}"


@dataclass(frozen=True)
class Backup:
    """A backup, made, checked or restored: its name, and what it holds; `new_*` is what this one added to the place."""

    name: str
    files: int
    bytes: int
    new_files: int = 0
    new_bytes: int = 0


def back_up(settings: Settings, place: Path) -> Backup:
    """Take a backup under the lock of the data folder. One that is interrupted leaves earlier ones as they were."""
    data_dir, place = settings.data_dir, place.absolute()
    if place.resolve().is_relative_to(data_dir.resolve()):
        raise ConfigError("lies within the data folder itself.", str(place), "jifen backup to another disk or machine")
    with exclusive_run(data_dir), private():
        ledger = open_ledger(settings)
        ids = [entry["content"]["folder_id"] for entry in entries(ledger, "bound")]
        ledger.dispose()
        newest = _newest(place)
        _require_own(place, newest, ids)
        before = newest.get("files", {})
        objects = place / "objects"
        objects.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        for left in objects.glob(f".*{PART}"):
            left.unlink()
        files: dict[str, Any] = {}
        new: list[int] = []
        with _dumped(settings, objects) as (name, dump):
            files[name] = _keep(objects, dump, new)
        for path in _files_of(data_dir):
            name = path.relative_to(data_dir).as_posix()
            files[name] = _known(objects, path, before.get(name)) or _keep(objects, path, new)
        _require_none_emptied(data_dir, before, files)
        pointer = editions_dir(data_dir) / POINTER
        listing = {
            "format": FORMAT,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "ledger_version": SCHEMA_VERSION,
            "folder": ids[-1] if ids else None,
            "current": str(pointer.readlink()) if pointer.is_symlink() else None,
            "files": files,
        }
        name = _write_list(place, listing)
    return Backup(name, len(files), sum(one["bytes"] for one in files.values()), len(new), sum(new))


def backups_at(place: Path) -> list[str]:
    """The names of the backups at a place, oldest first."""
    return sorted(path.stem for path in place.glob("*.json") if _NAME.fullmatch(path.stem))


def _newest(place: Path) -> dict[str, Any]:
    """The newest list; nothing where it is damaged: then each file is read and compared again."""
    names = backups_at(place)
    try:
        return _list_of(place, names[-1]) if names else {}
    except DataError as error:
        log.warning("backup: %s", error)
        return {}


def _require_own(place: Path, newest: Mapping[str, Any], ids: Sequence[str]) -> None:
    """Refuse a place that another installation keeps its backups at: a restore takes the newest one that is there.

    Ours is also the list of before a restore: the ledger knows every id that its folder ever had.
    """
    if newest.get("folder") not in (None, *ids):
        what = "holds the backups of another data folder, and a restore would take the newest of either."
        raise ConfigError(what, str(place), "jifen backup to a place of its own")


def _require_none_emptied(data_dir: Path, before: Mapping[str, Any], files: Mapping[str, Any]) -> None:
    """Refuse a folder that held files at the backup before and holds none: its disk may not be mounted."""
    held, holds = ({path.partition("/")[0] for path in one} for one in (before, files))
    if emptied := sorted({"raw", "landed", "editions"} & (held - holds)):
        what = f"{', '.join(emptied)} held files at the backup before, and holds none now."
        follows = "see that its disk is mounted; where this is meant, jifen backup to a place of its own"
        raise ConfigError(what, str(data_dir), follows)


def check(place: Path, name: str | None = None) -> Backup:
    """Read every file of a backup and compare it with its hash. Raises `DataError` for the first that is not whole."""
    name, listing = _chosen(place, name)
    for path, entry in listing["files"].items():
        _require_whole(place, path, entry)
    return _as_backup(name, listing)


def restore(settings: Settings, place: Path, who: str, name: str | None = None) -> Backup:
    """Make the data folder and its ledger from a backup, all or nothing, and bind them to each other anew.

    Raises `ConfigError` where something stands there already, and `DataError` for a backup that is not whole.
    """
    data_dir = settings.data_dir
    name, listing = _chosen(place, name)
    url = make_url(settings.resolved_ledger_url)
    kind = url.get_backend_name()
    if LEDGERS.get(kind) not in listing["files"]:
        held = ", ".join(one for one in LEDGERS.values() if one in listing["files"])
        raise ConfigError(
            f"the backup holds {held}, which is not for a ledger in {kind}.",
            "JIFEN_LEDGER_URL",
            "set it as it was when the backup was taken",
        )
    if (version := listing.get("ledger_version", 0)) > SCHEMA_VERSION:
        what = f"its ledger is of version {version}, this jifen knows versions up to {SCHEMA_VERSION}."
        raise ConfigError(what, name, "use the jifen that wrote it, or a newer one")
    _require_empty(data_dir, Path(url.database) if kind == "sqlite" and url.database else None)
    # The target of a link. A disk that is mounted there cannot be replaced by a folder, so it is filled.
    target = data_dir.resolve()
    is_filled = target.is_mount()
    draft = target / RESTORING if is_filled else target.with_name(f".{target.name}{RESTORING}")
    with private():
        remove_tree(draft)
        for path, entry in listing["files"].items():
            _require_whole(place, path, entry, draft / path)
        # Until it is bound anew, below, no night begins there: it would go on with numbers that were used since.
        (draft / BINDING).unlink(missing_ok=True)
        for edition in (draft / "editions").glob("[!.]*"):
            make_read_only(edition)
        if listing["current"]:
            (draft / "editions" / POINTER).symlink_to(listing["current"])
        _put_ledger(draft / LEDGERS[kind], url, data_dir)
        os.sync()
        if is_filled:
            # The ledger last: without it no night begins there.
            for path in sorted(draft.iterdir(), key=lambda path: (path.name in LEDGERS.values(), path.name)):
                path.rename(target / path.name)
            draft.rmdir()
        else:
            if target.exists():
                target.rmdir()
            draft.rename(target)
    with exclusive_run(data_dir):
        close_to_others(data_dir, settings.readers_group)
        ledger = open_ledger(settings, is_bound=False)
        bind_again(ledger, data_dir, who, f"restored from the backup {name}")
        point_to_latest(data_dir, ledger)
        ledger.dispose()
    return _as_backup(name, listing)


def _files_of(data_dir: Path) -> Iterator[Path]:
    """The files of a data folder that belong to a backup, in order, without those that are still being written."""
    for name in KEPT:
        root = data_dir / name
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            hidden = any(part.startswith(".") for part in path.relative_to(data_dir).parts)
            if path.is_file() and not hidden and not path.is_symlink() and POINTER not in path.parts:
                yield path


@contextmanager
def _dumped(settings: Settings, objects: Path) -> Iterator[tuple[str, Path]]:
    """The ledger as one file, whole and of one moment."""
    url = make_url(settings.resolved_ledger_url)
    kind, dump = url.get_backend_name(), objects / f".{uuid.uuid4().hex}{PART}"
    try:
        if kind == "sqlite":
            connection = sqlite3.connect(f"file:{url.database}?mode=ro", uri=True)
            connection.execute("vacuum into ?", (str(dump),))
            connection.close()
        else:
            _postgresql("pg_dump", url, "--format=custom", "--no-owner", "--file", str(dump))
        yield LEDGERS[kind], dump
    finally:
        dump.unlink(missing_ok=True)


def _postgresql(tool: str, url: URL, *options: str) -> None:
    """Run a tool of PostgreSQL on the ledger; the password goes by the environment, which other accounts cannot see."""
    if shutil.which(tool) is None:
        what = f"the ledger is in PostgreSQL, and {tool} is not installed here."
        raise ConfigError(what, "JIFEN_LEDGER_URL", "install the client tools of PostgreSQL (postgresql-client)")
    plain = url.set(drivername="postgresql", password=None).render_as_string()
    # Of our environment no more than it needs: the rest holds the secrets of agencies.
    environment = {name: held for name, held in os.environ.items() if name in ("PATH", "HOME") or name[:2] == "PG"}
    environment |= {"PGPASSWORD": str(url.password)} if url.password else {}
    done = subprocess.run(
        [tool, *options, "--dbname", plain], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        first = (done.stderr.strip().splitlines() or ["nothing"])[0]
        raise ConfigError(f"{tool} failed: {first}.", "JIFEN_LEDGER_URL", "look at the database server and its account")


def _put_ledger(dump: Path, url: URL, data_dir: Path) -> None:
    """Move the ledger of a backup to where the settings name it."""
    if url.get_backend_name() == "postgresql":
        _postgresql("pg_restore", url, "--no-owner", "--single-transaction", "--exit-on-error", str(dump))
        dump.unlink()
    elif url.database and Path(url.database) != data_dir / dump.name:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(dump, url.database)


def _require_empty(data_dir: Path, ledger: Path | None) -> None:
    there = (path for path in data_dir.glob("*") if path.name not in NOT_OURS)
    taken = next((path for path in (ledger, *there) if path is not None and path.exists()), None)
    if taken is not None:
        raise ConfigError(
            f"is not empty ({taken} is there), and nothing is restored over it.",
            str(data_dir),
            "name another JIFEN_DATA_DIR, or move away what stands there",
        )


def _known(objects: Path, path: Path, before: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The entry of a read-only file in the previous list, if size and time are the same and its object is there."""
    found = path.stat()
    same = before is not None and (found.st_size, found.st_mtime_ns) == (before["bytes"], before["mtime_ns"])
    if before is None or not same or found.st_mode & 0o222:
        return None
    kept = _object(objects, before["sha256"])
    return dict(before) if kept.is_file() and kept.stat().st_size == before["bytes"] else None


def _keep(objects: Path, path: Path, new: list[int]) -> dict[str, Any]:
    """Copy a file to its place among the objects, if none of its bytes is there yet; answers its entry in the list."""
    found, temporary = path.stat(), objects / f".{uuid.uuid4().hex}{PART}"
    # The hash is that of the copy: the file itself may be written to meanwhile.
    shutil.copyfile(path, temporary)
    sha256, size = file_sha256(temporary), temporary.stat().st_size
    kept = _object(objects, sha256)
    if kept.is_file() and kept.stat().st_size == size:
        temporary.unlink()
    else:
        publish_durably(temporary, kept)
        new.append(size)
    return {"sha256": sha256, "bytes": size, "mode": found.st_mode & 0o777, "mtime_ns": found.st_mtime_ns}


def _object(objects: Path, sha256: str) -> Path:
    return objects / sha256[:2] / sha256


def _write_list(place: Path, listing: Mapping[str, Any]) -> str:
    """Write the list of a backup last, under a name that holds its hash; answers the name."""
    content = json.dumps(listing, ensure_ascii=False, indent=0, sort_keys=True).encode()
    moment = datetime.now(UTC)
    for last in backups_at(place)[-1:]:
        # The newest comes last, also where an earlier one was named by a clock that ran ahead. A name begins with its
        # moment, of 22 characters.
        moment = max(moment, datetime.strptime(last[:22], _MOMENT).replace(tzinfo=UTC) + timedelta(microseconds=1))
    name = f"{moment.strftime(_MOMENT)}-{hashlib.sha256(content).hexdigest()[:16]}"
    write_durably(place / f"{name}.json", content, mode=FILE_MODE)
    return name


def _list_of(place: Path, name: str) -> dict[str, Any]:
    path = place / f"{name}.json"
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest()[:16] != name.rpartition("-")[2]:
        raise DataError("is not the list that was written.", str(path), _OTHER.format(place=quote(str(place))))
    listing: dict[str, Any] = json.loads(content)
    if outside := [one for one in listing["files"] if Path(one).is_absolute() or ".." in Path(one).parts]:
        raise DataError(
            f"names a file outside the data folder: {outside[0]!r}.", str(path), _OTHER.format(place=quote(str(place)))
        )
    if listing["format"] != FORMAT:
        what = f"is of format {listing['format']}."
        raise ConfigError(what, str(path), "use the jifen that wrote it, or a newer one")
    return listing


def _chosen(place: Path, name: str | None) -> tuple[str, dict[str, Any]]:
    names = backups_at(place)
    if not names or name not in (None, *names):
        what = f"holds no backup {name}; there are {', '.join(names)}." if names else "holds no backup."
        raise ConfigError(what, str(place), "look at the path; jifen backup PLACE makes one")
    return name or names[-1], _list_of(place, name or names[-1])


def _require_whole(place: Path, name: str, entry: Mapping[str, Any], copy: Path | None = None) -> None:
    """Raise `DataError` where a file of a backup, or the copy to be made of it, has not the bytes that were kept."""
    kept = _object(place / "objects", entry["sha256"])
    next_step = _AGAIN.format(place=quote(str(place)))
    if not kept.is_file():
        raise DataError(f"is not there, which holds {name}.", str(kept), next_step)
    if copy is not None:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept, copy)
        copy.chmod(entry["mode"])
    if file_sha256(copy or kept) != entry["sha256"]:
        raise DataError(f"is damaged, which holds {name}.", str(kept), f"remove it, then {next_step}")


def _as_backup(name: str, listing: Mapping[str, Any]) -> Backup:
    return Backup(name, len(listing["files"]), sum(one["bytes"] for one in listing["files"].values()))
