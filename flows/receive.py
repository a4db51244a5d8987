"""A bank's end: open a package, verify it, load it, exactly once, even where the process is killed in between."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors import age, gm
from connectors.errors import ConfigError
from connectors.openpgp import SealError, require_own, unseal
from editions.package import DROPS, MANIFEST, PackageError, checked, read_drops, read_table, unpack
from editions.relations import TABLE_NAME
from editions.sql_text import quoted
from ledger.files import write_durably
from ledger.minisign import SUFFIX

STORE = "received.sqlite"
OWN = ("deliveries", "dropped")
"""The store's own tables."""
_TABLES = """
create table if not exists deliveries (
    number integer primary key, delivery_id text not null, kind text not null, send_date text not null,
    edition_id text, manifest_sha256 text not null, package text not null, received_at text not null
);
create table if not exists dropped (number integer not null, table_name text, uscc text, consent_id text, reason text);
"""


class ReceiveError(ValueError):
    """A package that must not be loaded: nothing of it was kept."""

    state = "refused"


@dataclass(frozen=True)
class Keys:
    """The recipient's own secret key file, and the file of the sender's public keys."""

    secret: Path
    senders: Path


@dataclass(frozen=True)
class Received:
    """What became of one package."""

    package: str
    state: str
    number: int
    rows: int
    dropped: int
    manifest_sha256: str


def receive(package: Path, into: Path, recipient: str, keys: Keys | None, *, is_first: bool = False) -> Received:
    """Load one package into a folder's `received.sqlite`, and keep its files under `files/<number>/`.

    The rows of each table are replaced as a whole, dropped rows are removed, and the delivery is written down in one
    transaction: a package that was loaded is known, and skipped. Without `keys` only unsealed packages are taken.
    `is_first` begins with whatever number this package has. Raises `ReceiveError` for a package that is not valid.
    """
    with _faults(package.name):
        files = unpack(_opened(package, keys))
        manifest = checked(files)
        if manifest["recipient"] != recipient:
            raise ReceiveError(f"it is for {manifest['recipient']}, and we are {recipient}")
        _require_table_names([entry["table"] for entry in manifest["files"]])
        tables = {
            entry["table"]: (entry["columns"], read_table(entry, files[entry["path"]], manifest["table_format"]))
            for entry in manifest["files"]
        }
        drops = list(read_drops(files[DROPS]))
        if len(drops) != manifest["drops"]["rows"]:
            raise PackageError(f"{DROPS} has {len(drops)} rows, the manifest says {manifest['drops']['rows']}")
        manifest_sha256 = hashlib.sha256(files[MANIFEST]).hexdigest()
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        # As a context sqlite3's connection commits, or rolls back where anything is raised.
        with closing(_open(into)) as store, store:
            store.execute("begin immediate")
            if not _is_new(store, manifest, manifest_sha256, is_first):
                return _line(package, "known", manifest, manifest_sha256)
            _keep(into, manifest["number"], files)
            for name, (columns, rows) in tables.items():
                _replace(store, name, columns, rows)
            _drop(store, manifest["number"], drops, set(tables))
            _write_down(store, manifest, manifest_sha256, package.name)
    return _line(package, "loaded", manifest, manifest_sha256)


def write_ack(received: Received, folder: Path, recipient: str, state: str, reason: str | None = None) -> Path:
    """Write the answer to a package for its sender; answers the file, to be left in the folder for answers."""
    path = folder / f"{received.package}.ack.json"
    answer = {
        "format": 1,
        "recipient": recipient,
        "number": received.number,
        "manifest_sha256": received.manifest_sha256,
        "state": state,
        "reason": reason,
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(path, (json.dumps(answer, ensure_ascii=False, indent=2) + "\n").encode())
    return path


@contextmanager
def _faults(name: str) -> Iterator[None]:
    try:
        yield
    except (SealError, PackageError, ReceiveError) as error:
        raise ReceiveError(
            f"{name}: {error}. Nothing of it was loaded. Whose: data. Next: keep the file, and ask the sender"
        ) from None
    except ConfigError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        # Something in a manifest or a table that none of the checks foresaw.
        raise ReceiveError(f"{name}: it cannot be loaded ({type(error).__name__}: {error}). Whose: data.") from error


def _require_table_names(names: list[str]) -> None:
    """The tables of a package replace those of the store: none of them may be one in which deliveries are kept."""
    wrong = [name for name in names if name in OWN or not TABLE_NAME.fullmatch(name) or name.startswith("sqlite_")]
    if wrong or len(set(names)) != len(names):
        raise ReceiveError(f"its tables are {', '.join(names)}, which are no names of tables or not all different")


def _opened(package: Path, keys: Keys | None) -> bytes:
    content = package.read_bytes()
    if keys is None:
        if package.suffix in (".gpg", ".age", ".gm"):
            raise ReceiveError("it is sealed: name --key and --sender")
        return content
    # Who may add a key to it may send in the sender's name.
    require_own(keys.senders, "receive", 0o022)
    own = (keys.secret, keys.senders, "receive")
    if package.suffix == ".age":
        return age.unseal(content, package.with_name(f"{package.name}{SUFFIX}"), *own)
    if package.suffix == ".gm":
        return gm.unseal(content, package.with_name(f"{package.name}{gm.SUFFIX}"), *own)
    return unseal(content, *own)


def _open(into: Path) -> sqlite3.Connection:
    # Two may load packages of one night at the same time: the second waits until the first has committed.
    store = sqlite3.connect(into / STORE, isolation_level=None, timeout=60)
    store.execute("pragma journal_mode = wal")
    store.execute("pragma synchronous = full")
    store.executescript(_TABLES)
    return store


def _is_new(store: sqlite3.Connection, manifest: Mapping[str, Any], manifest_sha256: str, is_first: bool) -> bool:
    """Whether this package comes next; False for one that is loaded already. Raises `ReceiveError` for any other."""
    number = manifest["number"]
    known = dict(store.execute("select number, manifest_sha256 from deliveries"))
    if number in known:
        if known[number] != manifest_sha256:
            raise ReceiveError(f"number {number} was received with other content")
        return False
    last = max(known, default=None)
    if last is None:
        if manifest["follows"] is None or is_first:
            return True
        raise ReceiveError(f"it follows number {manifest['follows']['number']}, and we have none (--first)")
    if number < last:
        raise ReceiveError(f"number {number} is older than {last}, which was received")
    follows = manifest["follows"] or {"number": 0, "manifest_sha256": None}
    # What the sender gave up may have arrived all the same, and then it is the last that we have.
    before = {one["number"]: one["manifest_sha256"] for one in (follows, *manifest["gaps"])}
    named = {*range(follows["number"], number)}
    if set(before) != named:
        raise ReceiveError(f"its numbers do not add up: {number} follows {follows['number']}")
    if last not in before:
        raise ReceiveError(f"there is a gap: we have {last}, and {number} follows {follows['number']}")
    # The sender's ledger was restored, and does not know what it had sent of these.
    unknown = {one["number"] for one in manifest["gaps"] if one.get("is_unknown")}
    if before[last] != known[last] and last not in unknown:
        raise ReceiveError(f"it does not follow the number {last} that was received: that had another manifest")
    return True


def _keep(into: Path, number: int, files: Mapping[str, bytes]) -> None:
    folder = into / "files" / f"{number:06d}"
    for one in (folder.parent, folder):
        one.mkdir(mode=0o700, exist_ok=True)
    for name, content in files.items():
        write_durably(folder / name, content, mode=0o600)


def _replace(store: sqlite3.Connection, table: str, columns: list[str], rows: list[dict[str, str | None]]) -> None:
    name = quoted(table)
    store.execute(f"drop table if exists {name}")
    store.execute(f"create table {name} ({', '.join(f'{quoted(column)} text' for column in columns)})")
    marks = ", ".join("?" for _ in columns)
    store.executemany(f"insert into {name} values ({marks})", ([row[c] for c in columns] for row in rows))  # noqa: S608


def _drop(store: sqlite3.Connection, number: int, drops: list[dict[str, str | None]], replaced: set[str]) -> None:
    """Remove dropped rows, and what is said of them, from tables that this package did not replace as a whole."""
    there = {name for (name,) in store.execute("select name from sqlite_master where type = 'table'")}
    for one in drops:
        values = (number, one["table"], one["uscc"], one["consent_id"], one["reason"])
        store.execute("insert into dropped values (?, ?, ?, ?, ?)", values)
        for table in {one["table"], "notices", "objections"} & (there - replaced - {*OWN}):
            store.execute(f"delete from {quoted(table or '')} where uscc = ?", (one["uscc"],))  # noqa: S608  # quoted


def _write_down(store: sqlite3.Connection, manifest: Mapping[str, Any], manifest_sha256: str, package: str) -> None:
    values = (
        manifest["number"],
        manifest["delivery_id"],
        manifest["kind"],
        manifest["send_date"],
        manifest["edition"]["edition_id"],
        manifest_sha256,
        package,
        datetime.now(UTC).isoformat(timespec="seconds"),
    )
    store.execute("insert into deliveries values (?, ?, ?, ?, ?, ?, ?, ?)", values)


def _line(package: Path, state: str, manifest: Mapping[str, Any], manifest_sha256: str) -> Received:
    rows = sum(entry["rows"] for entry in manifest["files"])
    return Received(package.name, state, manifest["number"], rows, manifest["drops"]["rows"], manifest_sha256)
