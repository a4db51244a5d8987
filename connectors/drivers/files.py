"""Which files of a folder to fetch and when one is whole: the same rules whatever the folder is reached by."""

import hashlib
import logging
import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from connectors.drivers.pages import MAX_BODY_BYTES, Ask, Page
from connectors.errors import AgencyError, DataError, TransientError
from connectors.spec import FileRequest, Flag, Manifest, StableSize

log = logging.getLogger("jifen")

MAX_MANIFEST_BYTES = 4 * 1024 * 1024

_MANIFEST_LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(?:\./)?(.+)")
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_WAIT = "run `jifen run` again: a file that is whole by then is fetched"


@dataclass(frozen=True)
class Listed:
    """One regular file of a folder, as listed: its name, size in bytes and time of change in seconds."""

    name: str
    size: int
    modified: int

    @property
    def label(self) -> str:
        """A file put anew under the same name has another label, so a correction is fetched."""
        return f"{self.name} ({self.size} bytes, {self.modified})"


class Folder(Protocol):
    """A folder of files, over a network or not."""

    def list(self) -> Sequence[Listed]:
        """Every regular file in it, in any order, with names exactly as they are."""

    def read(self, file: Listed) -> bytes:
        """The content of a file that is no longer than allowed. Raises `TransientError` where it is still changing."""


@dataclass(frozen=True)
class _Whole:
    file: Listed
    sha256: frozenset[str] | None = None
    """The hashes that manifests state for it; None where there is no manifest."""


def pull_files(ask: Ask, request: FileRequest, folder: Folder) -> Iterator[Page]:
    """Yield each file that matches, is whole and is not yet held, in the order of names, one page a file.

    A file that is not whole yet is left for the next run, and that is logged; where not one of them is whole, or of a
    snapshot one is not, it is a `TransientError`. A name that would match but cannot be trusted is an `AgencyError`.
    """
    where = ask.dataset.address
    listed = folder.list()
    wanted = [file for file in _matching(listed, request, where) if file.label not in ask.seen]
    whole = _whole(wanted, listed, ask, request, folder)
    _tell_left(wanted, whole, where, ask.dataset.load == "snapshot")
    for place, one in enumerate(whole, start=1):
        body = _fetch(one, folder, where)
        yield Page(one.file.label, body, {"after": one.file.label} if place < len(whole) else None)


def trusted_name(name: str, where: str) -> str:
    """The name, once it is known to be the name of a file here and nothing else; otherwise an `AgencyError`."""
    is_path = name in ("", ".", "..") or "/" in name or "\\" in name
    if is_path or any(unicodedata.category(character) in _HIDDEN for character in name):
        raise AgencyError(
            f"a file has the name {name[:120]!a}, which is no plain name.",
            where,
            "ask the agency to name it with letters, digits and _-. alone",
        )
    return name


def _matching(listed: Sequence[Listed], request: FileRequest, where: str) -> list[Listed]:
    """The data files among those listed, by name: those that match, less the flags and manifests beside them."""
    found = []
    for file in listed:
        base = re.split(r"[/\\]", file.name)[-1]
        if not (fnmatchcase(file.name, request.pattern) or fnmatchcase(base, request.pattern)):
            continue
        trusted_name(file.name, where)
        match request.ready:
            case Flag(suffix=suffix) if file.name.endswith(suffix):
                continue
            case Manifest(pattern=pattern) if fnmatchcase(file.name, pattern):
                continue
        found.append(file)
    return sorted(found, key=lambda file: file.name)


def _whole(
    wanted: list[Listed], listed: Sequence[Listed], ask: Ask, request: FileRequest, folder: Folder
) -> list[_Whole]:
    match request.ready:
        case StableSize(seconds=seconds) if wanted:
            time.sleep(seconds)
            again = set(folder.list())
            return [_Whole(file) for file in wanted if file in again]
        case Flag(suffix=suffix):
            names = {file.name for file in listed}
            return [_Whole(file) for file in wanted if file.name + suffix in names]
        case Manifest(pattern=pattern):
            stated = _read_manifests([f for f in listed if fnmatchcase(f.name, pattern)], folder, ask.dataset.address)
            _check_all_there(stated, listed, ask, request.pattern)
            return [_Whole(file, frozenset(stated[file.name])) for file in wanted if file.name in stated]
        case _:
            return [_Whole(file) for file in wanted]


def _tell_left(wanted: list[Listed], whole: list[_Whole], where: str, is_snapshot: bool) -> None:
    """A feed goes on with what is whole; a snapshot with a file missing is none, for what is absent counts as gone."""
    ready = {one.file for one in whole}
    left = [file.name for file in wanted if file not in ready]
    if left and (is_snapshot or not whole):
        raise TransientError(f"not every file is whole yet: {', '.join(left[:10])}.", where, _WAIT)
    for name in left:
        log.warning("%s: %s is not whole yet and is left for the next run", where, name)


def _read_manifests(files: list[Listed], folder: Folder, where: str) -> dict[str, set[str]]:
    """Name -> the hashes that any manifest states for it: a file put anew is named again by a later one."""
    stated: dict[str, set[str]] = {}
    for file in sorted(files, key=lambda file: file.name):
        trusted_name(file.name, where)
        if file.size > MAX_MANIFEST_BYTES:
            raise DataError(
                f"manifest {file.name} is larger than {MAX_MANIFEST_BYTES} bytes.", where, "call the agency"
            )
        try:
            lines = folder.read(file).decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise DataError(f"manifest {file.name} is not UTF-8.", where, "call the agency") from None
        for number, line in enumerate(lines, start=1):
            found = _MANIFEST_LINE.fullmatch(line.strip())
            if found is None and line.strip():
                what = f"manifest {file.name} has no hash and name in line {number}."
                raise DataError(what, where, "ask the agency for `sha256sum` lines")
            if found:
                stated.setdefault(trusted_name(found[2], where), set()).add(found[1].lower())
    return stated


def _check_all_there(stated: dict[str, set[str]], listed: Sequence[Listed], ask: Ask, pattern: str) -> None:
    """What a manifest names must be there, unless we hold it and the agency has tidied up since."""
    there = {file.name for file in listed} | {label.rpartition(" (")[0] for label in ask.seen}
    for name in sorted(stated):
        if fnmatchcase(name, pattern) and name not in there:
            raise TransientError(f"the manifest names a file that is not there: {name}.", ask.dataset.address, _WAIT)


def _fetch(one: _Whole, folder: Folder, where: str) -> bytes:
    if one.file.size > MAX_BODY_BYTES:
        what = f"{one.file.name} is larger than {MAX_BODY_BYTES} bytes."
        raise DataError(what, where, "ask the agency for smaller files")
    body = folder.read(one.file)
    if one.sha256 is not None and hashlib.sha256(body).hexdigest() not in one.sha256:
        raise DataError(
            f"{one.file.name} is not the file that the manifest names: its hash is another.",
            where,
            "ask the agency to put the file and its manifest again",
        )
    return body
