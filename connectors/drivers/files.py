"""Which files of a folder to fetch and when one is whole: the same rules whatever the folder is reached by."""

import hashlib
import logging
import re
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Literal, Protocol

from connectors.drivers.names import is_companion, is_of_sibling, is_scratch, matches, matches_loosely, near
from connectors.drivers.pages import MAX_BODY_BYTES, Ask, Page
from connectors.errors import AgencyError, DataError, TransientError
from connectors.file_order import fits, label_of, missing_numbers, name_of, ranks
from connectors.spec import FileRequest, Flag, Manifest, OrderByName, StableSize

log = logging.getLogger("jifen")

MAX_MANIFEST_BYTES = 4 * 1024 * 1024

READ_AGAIN_BYTES = 32 * 1024 * 1024
"""How much of the files that we hold is read again each night, the newest first: bytes may change under the same name,
size and time."""

NAMES_LISTED = 20
"""So many names that match nothing are listed one by one; the others are counted."""

_MANIFEST_LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(?:\./)?(.+)")
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Kinds of characters that are not seen in a name: controls, marks of format, halves of a pair, ends of lines."""

_WAIT = "run `jifen run` again: a file that is whole by then is fetched"


Kind = Literal["file", "folder", "link", "other"]


@dataclass(frozen=True)
class Listed:
    """One entry of a folder, as listed: its name, size in bytes, time of change in nanoseconds, and what it is.

    What is neither a file nor a folder nor a link is `other`. A time that the server does not give is 0.
    """

    name: str
    size: int
    modified_ns: int
    kind: Kind = "file"

    @property
    def label(self) -> str:
        """A file put anew under the same name has another label, so a correction is fetched."""
        return label_of(self.name, self.size, self.modified_ns)

    @property
    def labels(self) -> tuple[str, str]:
        """The label, and the one of whole seconds that a file held for long may have."""
        return self.label, label_of(self.name, self.size, self.modified_ns // 1_000_000_000 * 1_000_000_000)


class Folder(Protocol):
    """A folder of files, over a network or not."""

    def list(self) -> Sequence[Listed]:
        """Every entry in it, in any order, with names exactly as they are."""

    def read(self, file: Listed) -> bytes:
        """The content of a file that is no longer than allowed. Raises `TransientError` where it is still changing."""


_Whole = dict[Listed, frozenset[str] | None]
"""The files that are whole, each with the hashes that manifests state for it; None where there is no manifest."""


def pull_files(ask: Ask, request: FileRequest, folder: Folder) -> Iterator[Page]:
    """Yield each file that matches, is whole and is not yet held, the older before the later, one page a file.

    A file that is not whole yet is left for the next run, and that is logged; where not one of them is whole, or of a
    snapshot one is not, it is a `TransientError`. A name that would match but cannot be trusted is an `AgencyError`.
    What lies there and is not taken is counted in `ask.notes`.
    """
    where = ask.dataset.address
    listed = folder.list()
    if not listed:
        # A share that is not mounted looks like this too.
        ask.notes["empty_folder"] += 1
    there = _in_order(_matching(listed, ask, request), request, where)
    if not there and ask.dataset.load == "snapshot":
        what = f"there is no file {request.pattern}: a snapshot needs at least one."
        raise AgencyError(what, where, "ask the agency for the file; the last good batch stays")
    _require_no_gap(there, ask, request)
    newest = {name_of(label): label for label in ask.held}
    known = [file for file in there if _is_known(file, ask, newest)]
    wanted = [file for file in there if not _is_known(file, ask, newest)] + _changed_unseen(known, ask, folder)
    whole = _whole(wanted, listed, ask, request, folder)
    _report_left(wanted, whole, ask, request)
    for place, (file, sha256s) in enumerate(whole.items(), start=1):
        body = _fetch(file, sha256s, folder, where)
        if not body:
            ask.notes[f"empty_file:{shown(file.name)}"] += 1
        yield Page(file.label, body, {"after": file.label} if place < len(whole) else None)


def _require_no_gap(there: Sequence[Listed], ask: Ask, request: FileRequest) -> None:
    """Raise a `DataError` for a gap in the numbers of numbered files, those of earlier nights included."""
    order = request.order
    if not (isinstance(order, OrderByName) and order.is_numbered):
        return
    names = [*(file.name for file in there), *map(name_of, ask.seen)]
    if missing := missing_numbers(order, names):
        numbers = ", ".join(map(str, missing[:10]))
        what = f"the files number {numbers} are missing: later ones are there."
        raise DataError(what, ask.dataset.address, "ask them for these files; the last good batch stands")


def _in_order(found: list[Listed], request: FileRequest, where: str) -> list[Listed]:
    """The files from the oldest to the newest; of a snapshot that takes the newest, that one alone."""
    if odd := [file.name for file in found if not fits(request, file.name)]:
        what = f"{', '.join(odd[:5])}: the declared order does not fit this name."
        raise AgencyError(what, where, "fix order.pattern, or put the name under `ignore`")
    file_of = {file: (file.name, (file.modified_ns,)) for file in found}
    rank = ranks(request, file_of.values())
    ordered = sorted(found, key=lambda file: (rank[file_of[file]], file.name))
    if request.takes == "all" or not ordered:
        return ordered
    newest = [file for file in ordered if rank[file_of[file]] == rank[file_of[ordered[-1]]]]
    if len(newest) > 1:
        what = f"it is not known which is the newest of {', '.join(file.name for file in newest[:5])}."
        raise AgencyError(what, where, "declare `order` by name, or ask the agency to leave one alone")
    return newest


def _is_known(file: Listed, ask: Ask, newest: Mapping[str, str]) -> bool:
    """Whether we hold it. A file put back as it was, after another of its name was held (`newest`), is new."""
    return any(label in ask.seen and (label not in ask.held or newest[file.name] == label) for label in file.labels)


def _changed_unseen(known: list[Listed], ask: Ask, folder: Folder) -> list[Listed]:
    """The held files whose bytes changed under the same name, size and time, as far as we read again."""
    changed, left = [], READ_AGAIN_BYTES
    for file in sorted(known, key=lambda file: file.modified_ns, reverse=True):
        held = next((ask.held[label] for label in file.labels if label in ask.held), None)
        if held is None or file.size > left:
            continue
        left -= file.size
        try:
            body = folder.read(file)
        except AgencyError as error:
            # We hold its content already: nothing is lost when it can no longer be read.
            log.warning("%s", error)
            ask.notes[f"unreadable:{shown(file.name)}"] += 1
            continue
        if hashlib.sha256(body).hexdigest() != held:
            log.warning("%s: %s has other bytes under its old size and time", ask.dataset.address, shown(file.name))
            changed.append(file)
    return changed


def shown(name: str) -> str:
    """A name as it can be printed and kept: characters that cannot be printed are escaped."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in name)[:120]


def trusted_name(name: str, where: str) -> str:
    """The name, once it is known to be the name of a file here and nothing else; otherwise an `AgencyError`."""
    is_path = name in ("", ".", "..") or "/" in name or "\\" in name
    if is_path or any(unicodedata.category(character) in _HIDDEN for character in name):
        is_utf8 = not any(unicodedata.category(character) == "Cs" for character in name)
        raise AgencyError(
            f"a file has the name {name[:120]!a}, which is {'no plain name' if is_utf8 else 'not encoded in UTF-8'}.",
            where,
            "ask the agency to name it with letters, digits and _-. alone",
        )
    return name


def _matching(listed: Sequence[Listed], ask: Ask, request: FileRequest) -> list[Listed]:
    """The data files among those listed, by name. Every other entry is known, counted, or an `AgencyError`."""
    where = ask.dataset.address
    found, left = [], []
    for entry in listed:
        if is_companion(entry.name, request) or any(map(partial(fnmatchcase, entry.name), request.ignore)):
            continue
        if is_scratch(entry.name, request.pattern):
            left.append(entry)
        elif entry.kind == "file" and matches(entry.name, request.pattern):
            found.append(entry)
        elif is_of_sibling(entry.name, ask.source, request, matches):
            continue
        elif entry.kind == "file" and matches_loosely(entry.name, request.pattern):
            ask.notes[f"other_form_of_name:{shown(entry.name)}"] += 1
            found.append(entry)
        elif not is_of_sibling(entry.name, ask.source, request, matches_loosely):
            left.append(entry)
    _report_unmatched(left, ask)
    for file in found:
        trusted_name(file.name, where)
    there, held = [file.name for file in found], [name_of(label) for label in ask.seen]
    if odd := near([entry.name for entry in left if entry.kind == "file"], request.pattern, there, held):
        names = ", ".join(shown(name) for name in odd[:5])
        what = f"{names} looks like a file of {request.pattern} with another ending."
        raise AgencyError(what, where, "ask the agency for the agreed form, or put the name under `ignore`")
    return found


def _report_unmatched(left: list[Listed], ask: Ask) -> None:
    names = [shown(one.name) if one.kind == "file" else f"{shown(one.name)} ({one.kind})" for one in left]
    for name in sorted(names)[:NAMES_LISTED]:
        ask.notes[f"unmatched:{name}"] += 1
        log.warning("%s: %s matches no pattern and is left", ask.dataset.address, name)
    if len(names) > NAMES_LISTED:
        ask.notes["unmatched:others"] = len(names) - NAMES_LISTED


def _whole(wanted: list[Listed], listed: Sequence[Listed], ask: Ask, request: FileRequest, folder: Folder) -> _Whole:
    match request.ready:
        case StableSize(seconds=seconds) if wanted:
            time.sleep(seconds)
            # The same name, size and time: nothing was written meanwhile.
            again = set(folder.list())
            return dict.fromkeys(file for file in wanted if file in again)
        case Flag(suffix=suffix):
            flags = {file.name: file for file in listed}
            return dict.fromkeys(file for file in wanted if _is_flagged(file, flags.get(file.name + suffix)))
        case Manifest(pattern=pattern):
            stated = _read_manifests([f for f in listed if fnmatchcase(f.name, pattern)], folder, ask.dataset.address)
            _check_all_there(stated, listed, ask, request.pattern)
            return {file: frozenset(stated[file.name]) for file in wanted if file.name in stated}
        case _:
            return dict.fromkeys(wanted)


def _is_flagged(file: Listed, flag: Listed | None) -> bool:
    """Whether the flag is that of this file: an older flag belongs to the file before, which is being overwritten."""
    if flag is None or 0 in (flag.modified_ns, file.modified_ns):
        return flag is not None
    return flag.modified_ns // 10**9 >= file.modified_ns // 10**9


def _report_left(wanted: list[Listed], whole: _Whole, ask: Ask, request: FileRequest) -> None:
    """Log files that are not whole yet. Raise a `TransientError` where none is, or one of a snapshot is not."""
    left, where = [file.name for file in wanted if file not in whole], ask.dataset.address
    if left and (ask.dataset.load == "snapshot" or not whole):
        names = ", ".join(left[:10])
        flag = f"; its flag would be {left[0]}{request.ready.suffix}" if isinstance(request.ready, Flag) else ""
        raise TransientError(f"not every file is whole yet: {names}{flag}.", where, _WAIT)
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
    """Raise a `TransientError` for a file that a manifest names and that is neither there nor held by us."""
    there = {file.name for file in listed} | {name_of(label) for label in ask.seen}
    for name in sorted(stated):
        if fnmatchcase(name, pattern) and name not in there:
            raise TransientError(f"the manifest names a file that is not there: {name}.", ask.dataset.address, _WAIT)


def _fetch(file: Listed, sha256s: frozenset[str] | None, folder: Folder, where: str) -> bytes:
    if file.size > MAX_BODY_BYTES:
        what = f"{file.name} is larger than {MAX_BODY_BYTES} bytes."
        raise DataError(what, where, "ask the agency for smaller files")
    body = folder.read(file)
    if sha256s is not None and hashlib.sha256(body).hexdigest() not in sha256s:
        what = f"{file.name} is not the file that the manifest names: its hash is another."
        raise DataError(what, where, "ask the agency to put the file and its manifest again")
    return body
