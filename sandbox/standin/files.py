"""An agency's folder: its records cut into files, with flags and manifests, under the fault plan."""

import datetime as dt
import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from connectors.file_order import fits
from connectors.spec import FileRequest, Flag, Freshness, Manifest, NoGap, ReplaceBy
from sandbox.standin.drift import sent_records
from sandbox.standin.encode import encode, fill_pattern
from sandbox.standin.faults import PlantedFault
from sandbox.standin.records import Entry, Stock
from sandbox.standin.rows import LAST_DAY, UsageError
from sandbox.standin.spoilt_files import FILES, file_size, spoil
from sandbox.standin.values import is_monthly

_FIRST_WRITTEN: Final = dt.datetime(2025, 6, 30, 1, tzinfo=dt.UTC)
_BEHIND_ALL: Final = 59
"""The minute in which flags are written: after all files of a turn, which are written a minute apart."""


@dataclass(frozen=True)
class Written:
    """One file of a folder: its bytes, the records in it, and what a fault adds or leaves out around it."""

    name: str
    body: bytes
    entries: tuple[Entry, ...]
    place: int
    is_flagged: bool = True
    stated_sha256: str | None = None
    grows_from: int | None = None
    """Only so many bytes are there at first; the rest follows within `grow_seconds`."""
    grow_seconds: float = 1.5
    size: int | None = None
    """Padded with zeros to so many bytes, without writing them."""
    links: tuple[tuple[str, str], ...] = ()
    """Other names put beside it: name, and what it points to ("" for a plain copy of the body)."""
    more: tuple["Written", ...] = ()
    """Other files put beside it."""
    keeps_time: bool = False
    """Put anew it has the time of the file before it."""


@dataclass
class StandinFolder:
    """One dataset's folder below the root that its user sees."""

    stock: Stock
    root: Path
    request: FileRequest
    files: list[Written] = field(default_factory=list)
    laid: set[str] = field(default_factory=set)
    turn: int = 0

    @property
    def path(self) -> Path:
        """The folder itself."""
        inside = Path(self.request.folder.lstrip("/"))
        if ".." in inside.parts:
            raise UsageError(f"{self.stock.dataset.address}: the folder leads upwards")
        return self.root / inside

    def lay_out(self, faults: Sequence[PlantedFault]) -> list[Written]:
        """Write all files as the faults have them; those whose bytes are right already keep their time.

        What another dataset has in the same folder is left alone. Answers the files that grow: the caller appends the
        rest of them in time.
        """
        self.turn += 1
        before, self.files = self.files, self._files(faults)
        kept = {file.name for file in (*before, *self.files) if file.keeps_time}
        self.path.mkdir(parents=True, exist_ok=True)
        wanted: dict[str, Written | str | bytes] = {}
        for file in self.files:
            wanted |= self._around(file)
        if isinstance(self.request.ready, Manifest):
            wanted[self._manifest_name()] = self._manifest()
        for old in self.path.iterdir():
            if self._is_ours(old.name) and (old.name not in wanted or old.is_symlink()):
                _remove(old)
        self.laid = set(wanted)
        for name, what in wanted.items():
            _put(self.path / name, what, self.turn, keeps_time=name in kept)
        return [file for file in self.files if file.grows_from is not None]

    def _is_ours(self, name: str) -> bool:
        """Whether a name is this dataset's, from this start or an earlier one."""
        ready = self.request.ready
        flagged = name.removesuffix(ready.suffix) if isinstance(ready, Flag) else name
        named = isinstance(ready, Manifest) and name == self._manifest_name()
        return named or name in self.laid or fnmatchcase(flagged, self.request.pattern)

    def finish(self, file: Written) -> None:
        """A file that grew is whole: write its flag, or name it in the manifest, only now."""
        whole = replace(file, grows_from=None)
        self.files = [whole if one is file else one for one in self.files]
        for name, what in self._around(whole).items():
            _put(self.path / name, what, self.turn)
        if isinstance(self.request.ready, Manifest):
            _put(self.path / self._manifest_name(), self._manifest(), self.turn)

    def _files(self, faults: Sequence[PlantedFault]) -> list[Written]:
        size = file_size(self.stock)
        drifts = [fault for fault in faults if fault.kind.stage == "drift"]
        found = []
        for place, (name, entries) in enumerate(cut(self.stock, self.request)):
            records, _ = sent_records(self.stock, entries, drifts, size)
            found.append(Written(name, encode(self.stock.dataset, records, place=place), entries, place))
        for fault in faults:
            found = [self._struck(file, fault) for file in found]
        return [one for file in found for one in (file, *file.more)]

    def _struck(self, file: Written, fault: PlantedFault) -> Written:
        if fault.kind.stage not in ("file", "body") or not fault.covers(
            [entry.index for entry in file.entries], len(self.stock.entries), file_size(self.stock)
        ):
            return file
        return spoil(self.stock, file, fault, self.path, self.request.pattern) if fault.strike() else file

    def _around(self, file: Written) -> dict[str, "Written | str | bytes"]:
        around: dict[str, Written | str | bytes] = {file.name: file}
        if isinstance(self.request.ready, Flag) and file.is_flagged and file.grows_from is None:
            around[file.name + self.request.ready.suffix] = b""
        for name, target in file.links:
            around[name] = target or file.body
        return around

    def _manifest_name(self) -> str:
        ready = self.request.ready
        return fill_pattern(ready.pattern if isinstance(ready, Manifest) else "", self.stock.dataset.name)

    def _manifest(self) -> bytes:
        named = [file for file in self.files if file.grows_from is None]
        lines = [f"{f.stated_sha256 or hashlib.sha256(f.body).hexdigest()}  {f.name}\n" for f in named]
        return "".join(lines).encode()


def cut(stock: Stock, request: FileRequest) -> list[tuple[str, tuple[Entry, ...]]]:
    """The records cut into three files by place, or by the value that one delivery is whole for; oldest name first.

    Where the newest file alone counts it holds them all. A population's records are cut by the day they are about.
    """
    if stock.feed is not None:
        return _cut_by_day(stock, request)
    deletes, size = stock.dataset.deletes, file_size(stock)

    def part_of(entry: Entry) -> Any:
        return entry.typed[deletes.column] if isinstance(deletes, ReplaceBy) else min(entry.index // size, FILES - 1)

    parts = [tuple(group) for _, group in groupby(stock.entries, key=part_of)] if stock.entries else [()]
    if len(parts) == 1 or "*" not in request.pattern or request.takes == "newest":
        parts = [tuple(stock.entries)]
    days = [LAST_DAY - dt.timedelta(days=30 * (len(parts) - 1 - place)) for place in range(len(parts))]
    stamps = ["{day:%Y%m%d}", "{day:%Y%m%d}-1", "{day:%Y%m%d}_1", "{day:%Y%m%d}_v1"]
    named = (one for one in stamps if fits(request, fill_pattern(request.pattern, one.format(day=LAST_DAY))))
    stamp = next(named, stamps[0])
    return [(fill_pattern(request.pattern, stamp.format(day=day)), part) for day, part in zip(days, parts, strict=True)]


def _cut_by_day(stock: Stock, request: FileRequest) -> list[tuple[str, tuple[Entry, ...]]]:
    """One file for each day, named by it; by its month where the column holds months."""
    dataset = stock.dataset
    watched = (dataset.deletes, dataset.continuity, dataset.freshness)
    column = stock.column(next(part.column for part in watched if isinstance(part, (ReplaceBy, NoGap, Freshness))))
    stamp = "%Y%m" if is_monthly(column) else "%Y%m%d"
    parts: dict[dt.date, list[Entry]] = {}
    for entry in stock.entries:
        parts.setdefault(dt.date.fromisoformat(entry.wire[column.source_field]), []).append(entry)
    return [(fill_pattern(request.pattern, f"{day:{stamp}}"), tuple(part)) for day, part in sorted(parts.items())]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _put(path: Path, what: Written | str | bytes, turn: int, *, keeps_time: bool = False) -> None:
    """Write a file under its name at once, never half of it, unless it is one that grows.

    What is written in a later turn has a later time, and in one turn the files have theirs in order. A flag, which is
    empty, is put anew behind its file in every turn: one that is older would be that of the file before.
    """
    if isinstance(what, str):
        path.symlink_to(what)
        return
    body = what.body if isinstance(what, Written) else what
    if isinstance(what, Written) and what.grows_from is not None:
        path.unlink(missing_ok=True)
        body = body[: what.grows_from]
    is_padded = isinstance(what, Written) and what.size is not None
    is_flag = what == b""
    if path.exists() and not is_padded and not is_flag and path.read_bytes() == body:
        return
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(body)
    if isinstance(what, Written) and what.size is not None:
        os.truncate(fresh, what.size)
    place = what.place if isinstance(what, Written) else _BEHIND_ALL if is_flag else 0
    written = (_FIRST_WRITTEN + dt.timedelta(hours=turn, minutes=place)).timestamp()
    if keeps_time and path.exists():
        written = path.stat().st_mtime
    os.utime(fresh, (written, written))
    fresh.replace(path)


def growing_piece(file: Written, done: float) -> bytes:
    """What of a growing file is there after a share (0 to 1) of its time."""
    start = file.grows_from or 0
    return file.body[: start + int((len(file.body) - start) * min(1.0, done))]
