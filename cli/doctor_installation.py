"""The checks of `jifen doctor` on the machine, the data folder, the ledger and the current edition."""

import os
import shutil
import stat
import sys
import tomllib
from datetime import datetime
from email import message_from_string
from importlib.metadata import distributions
from pathlib import Path
from zoneinfo import ZoneInfo

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from sqlalchemy import func, select

from cli.doctor_here import CheckFailedError, Here, NothingToCheckError
from cli.ledger import journal_heads
from editions.candidate import candidates_dir
from editions.manifest import read_manifest
from editions.places import MANIFEST, edition_path, editions_dir, read_current
from flows.texts import counted
from ledger import env_file as env
from ledger.binding import why_not_bound
from ledger.files import OURS, bytes_of, file_sha256, files_under, group_id
from ledger.journal import breaks, differences, head
from ledger.overrides import read_approvers
from ledger.publications import current_id, edition_row
from ledger.runs import is_alive, is_at_work, process_of
from ledger.store import rows
from ledger.tables import journal as journal_table
from ledger.tables import runs
from ledger.yaml_file import read_yaml

# Before the first night nothing shows how much one writes.
LEAST_FREE = 2**30
NIGHTS_AT_ONCE = 3
"""So many nights' room must be free: a candidate, the edition sealed from it, and what is pulled for it."""
NIGHTS_AHEAD = 90
SHOWN = 5


def python(here: Here) -> str:
    """Python is one that this project runs on."""
    wanted = tomllib.loads((here.project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    found = ".".join(map(str, sys.version_info[:3]))
    if found not in SpecifierSet(wanted):
        raise CheckFailedError(f"Python {found}, and {wanted} is needed")
    return f"{found} ({wanted})"


def libraries(here: Here) -> str:
    """Every library is the one that the lock names."""
    lines = (here.project / "requirements" / "all.lock").read_text(encoding="utf-8").splitlines()
    locked = [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalnum()]
    wanted = [one for one in locked if one.marker is None or one.marker.evaluate()]
    # Their headers alone: parsing what follows, whole manuals, takes three times as long.
    heads = [message_from_string((one.read_text("METADATA") or "").partition("\n\n")[0]) for one in distributions()]
    installed = {canonicalize_name(head["Name"]): head["Version"] for head in heads if head["Name"]}
    other = [
        f"{one.name} {installed.get(canonicalize_name(one.name), 'not installed')} (lock: {one.specifier})"
        for one in wanted
        if installed.get(canonicalize_name(one.name), "0") not in one.specifier
    ]
    if other:
        raise CheckFailedError(f"{counted(len(other), 'library')} not as locked: {', '.join(other[:SHOWN])}")
    return f"{len(wanted)} as locked"


def settings(here: Here) -> str:
    """The settings can be read."""
    return f"data folder {here.settings.data_dir}"


def env_file(_here: Here) -> str:
    """The file of secrets can be read by its owner alone."""
    path = env.env_file()
    if path is None:
        raise NothingToCheckError("no .env: variables come from the environment alone")
    if warning := env.open_to_others(path):
        raise CheckFailedError(warning.partition(" Next:")[0])
    return f"{path} 0600"


def umask(_here: Here) -> str:
    """Files made by hand cannot be changed by other users."""
    found = os.umask(0)
    os.umask(found)
    if found & 0o022 != 0o022:
        raise CheckFailedError(f"umask {found:03o}: others may change what is made")
    return f"{found:03o}"


def time_zone(here: Here) -> str:
    """The nights are scheduled in the zone's own time."""
    path = here.project / "prefect.yaml"
    deployed = read_yaml(path.read_bytes())["deployments"] if path.is_file() else []
    zones = {str(one.get("timezone", "UTC")) for deployment in deployed for one in deployment.get("schedules", ())}
    ours = here.settings.time_zone
    if other := sorted(zones - {ours}):
        raise CheckFailedError(f"JIFEN_TIME_ZONE is {ours}, prefect.yaml schedules in {', '.join(other)}")
    return f"{ours}, {here.now.astimezone(ZoneInfo(ours)):%Y-%m-%d %H:%M}"


def clock(here: Here) -> str:
    """The clock is not earlier than the last entry of the ledger."""
    with here.ledger.begin() as connection:
        moments = [
            connection.execute(select(func.max(column))).scalar()
            for column in (runs.c.started_at, runs.c.ended_at, journal_table.c.at)
        ]
    last = max(filter(None, moments), default=None)
    if last is not None and datetime.fromisoformat(last) > here.now:
        raise CheckFailedError(f"it is {here.now:%Y-%m-%dT%H:%M:%SZ}, and the ledger has an entry of {last}")
    return f"{here.now:%Y-%m-%dT%H:%M:%SZ}, last entry {last or 'none'}"


def analytics(here: Here) -> str:
    """Neither Prefect's server nor its client sends usage statistics."""
    quiet = {"DO_NOT_TRACK": ("1", "true"), "PREFECT_SERVER_ANALYTICS_ENABLED": ("0", "false")}
    if loud := [name for name, off in quiet.items() if here.environ.get(name, "").lower() not in off]:
        raise CheckFailedError(f"{', '.join(loud)} not set: Prefect would send usage statistics")
    return "off"


def data_folder(here: Here) -> str:
    """The data folder is there, and may be written."""
    path = here.settings.data_dir
    if not path.is_dir():
        raise CheckFailedError(f"{path} is not there, or is no folder")
    if not os.access(path, os.W_OK | os.X_OK):
        raise CheckFailedError(f"{path} may not be written by {os.getuid()}")
    return str(path)


def owner(here: Here) -> str:
    """The data folder, and what stands directly in it, belongs to this user."""
    paths = [here.data_dir, *(path for name in OURS if (path := here.data_dir / name).exists())]
    if foreign := [str(path) for path in paths if path.stat().st_uid != os.getuid()]:
        raise CheckFailedError(f"not of user {os.getuid()}: {', '.join(foreign)}")
    return f"user {os.getuid()}"


def mode(here: Here) -> str:
    """No other user may enter the data folder, except the readers' group."""
    may = 0o710 if here.settings.readers_group else 0o700
    found = stat.S_IMODE(here.data_dir.stat().st_mode)
    if found & ~may:
        raise CheckFailedError(f"{here.data_dir} has mode {found:04o}, at most {may:04o} is meant")
    return f"{found:04o}"


def readers_group(here: Here) -> str:
    """The group that may read editions is known to the system."""
    if here.settings.readers_group is None:
        raise NothingToCheckError("JIFEN_READERS_GROUP not set: editions are for their owner alone")
    return f"{here.settings.readers_group}, {group_id(here.settings.readers_group)}"


def one_file_system(here: Here) -> str:
    """All folders of the data folder are on one file system: else a rename would not be one step."""
    root = here.data_dir.stat().st_dev
    there = [path for name in OURS if (path := here.data_dir / name).exists()]
    if apart := [str(path) for path in there if path.stat().st_dev != root or path.is_symlink()]:
        raise CheckFailedError(f"on another file system, or a link: {', '.join(apart)}")
    return f"{counted(len(there), 'folder')} on one file system"


def free_space(here: Here) -> str:
    """There is room for some nights."""
    free = shutil.disk_usage(here.data_dir).free
    newest = max(candidates_dir(here.data_dir).glob("[!.]*"), key=lambda path: path.stat().st_mtime, default=None)
    night = bytes_of(files_under(newest)) if newest else 0
    needed = max(LEAST_FREE, NIGHTS_AT_ONCE * night)
    if free < needed:
        raise CheckFailedError(
            f"{_mib(free)} free, {_mib(needed)} needed (a night writes {_mib(night)} beside its edition)"
        )
    return f"{_mib(free)} free, {_mib(needed)} needed"


def space_trend(here: Here) -> str:
    """There is room for some months of editions of the size of the last ones."""
    newest = sorted(editions_dir(here.data_dir).glob("[!.]*/manifest.json"), key=lambda path: path.stat().st_mtime)
    sizes = [sum(file["bytes"] for file in read_manifest(path.parent)["files"]) for path in newest[-10:]]
    if not sizes:
        raise NothingToCheckError("there is no edition yet")
    each = sum(sizes) // len(sizes)
    nights = shutil.disk_usage(here.data_dir).free // max(each, 1)
    if nights < NIGHTS_AHEAD:
        raise CheckFailedError(f"room for {nights} nights more at {_mib(each)} an edition")
    return f"room for {nights:,} nights at {_mib(each)} an edition"


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def ledger(here: Here) -> str:
    """The ledger can be opened, and has the version of this jifen."""
    opened = here.ledger.url
    return repr(opened) if here.settings.ledger_url else here.settings.resolved_ledger_url


def ledger_bound(here: Here) -> str:
    """The ledger is this data folder's own."""
    if why := why_not_bound(here.ledger, here.data_dir):
        raise CheckFailedError(why)
    return "bound to the data folder"


def journal(here: Here) -> str:
    """The journal is unchanged, and agrees with each edition and package."""
    found = [*breaks(here.ledger, dict(journal_heads(here.settings))), *differences(here.ledger)]
    if found:
        raise CheckFailedError("; ".join(found[:SHOWN]))
    last = head(here.ledger)
    return f"{last.sequence} entries, the last {last.sha256[:12]}"


def lock(here: Here) -> str:
    """The lock of the data folder is free, or held by a living process."""
    if not is_at_work(here.data_dir):
        return "free"
    number = _holder_of(here.data_dir / "run.lock")
    if number and process_of(number) is None:
        raise CheckFailedError(f"held by what process {number} started, and that process has ended")
    return f"held by process {number}" if number else "held by a process that is not seen from here"


def _holder_of(path: Path) -> int | None:
    """The process that took the lock of a file, as the kernel lists it."""
    inode = str(path.stat().st_ino)
    for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode:
            return int(words[4])
    return None


def dead_runs(here: Here) -> str:
    """No run is recorded as running whose process has ended."""
    open_rows = rows(here.ledger, select(runs).where(runs.c.state == "running"))
    if dead := [row["run_id"] for row in open_rows if not is_alive(row)]:
        raise CheckFailedError(f"running, and its process has ended: {', '.join(dead)}")
    return f"at work: {', '.join(row['run_id'] for row in open_rows) or 'none'}"


def current_edition(here: Here) -> str:
    """Readers follow the ledger's current edition, whose manifest and sizes are what was sealed. Nothing is hashed."""
    wanted, followed = current_id(here.ledger), read_current(here.data_dir)
    if wanted is None and followed is None:
        raise NothingToCheckError("no edition is published yet")
    if wanted != followed:
        raise CheckFailedError(f"readers follow {followed}, the ledger's current edition is {wanted}")
    path, row = edition_path(here.data_dir, str(wanted)), edition_row(here.ledger, str(wanted))
    manifest = read_manifest(path)
    if row is None or file_sha256(path / MANIFEST) != row["manifest_sha256"]:
        raise CheckFailedError(f"the manifest of {wanted} is not the one that the ledger holds")
    for file in manifest["files"]:
        there = path / file["path"]
        if not there.is_file() or there.stat().st_size != file["bytes"]:
            raise CheckFailedError(f"{there} is not there, or not of {file['bytes']:,} bytes")
    return f"{wanted}, {len(manifest['files'])} files as listed"


def signing_key(here: Here) -> str:
    """The key that signs editions can be used."""
    key = here.settings.signing_key
    if key is None:
        raise NothingToCheckError("JIFEN_SIGNING_KEY_FILE not set: editions are not signed")
    return f"key {key.public.name}"


def public_keys(here: Here) -> str:
    """The keys that editions are checked with can be read, ours among them."""
    keys, ours = here.settings.known_keys, here.settings.signing_key
    if keys is None:
        raise NothingToCheckError("no key is set: signatures are not checked")
    if ours is not None and ours.public.key_id not in {key.key_id for key in keys}:
        raise CheckFailedError(f"{here.settings.known_keys_file} does not hold {ours.public.name}, which signs")
    return ", ".join(key.name for key in keys)


def approvers(here: Here) -> str:
    """Two people at least may sign an override."""
    if here.settings.approvers_file is None:
        raise NothingToCheckError("JIFEN_APPROVERS_FILE not set: no override can be signed")
    found = read_approvers(here.settings.approvers_file)
    if len(found) < 2:
        raise CheckFailedError(
            f"{here.settings.approvers_file} names {counted(len(found), 'person')}, two have to sign"
        )
    return ", ".join(found)
