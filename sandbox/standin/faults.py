"""A fault plan: which kind strikes which dataset, at which record, and how often."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ledger.yaml_file import read_yaml
from sandbox.standin.kinds import FAULT_KINDS, FaultKind

PLAN: Final = "faults.yml"
_PLACES: Final = ("first", "middle", "last", "every")
_KEYS: Final = {"kind", "source", "dataset", "position", "times", "seed", "seconds"}


class PlanError(ValueError):
    """The fault plan has an entry that no agency here can follow; the message names it."""


@dataclass
class PlantedFault:
    """One entry of a plan and how often it has struck.

    `position` is a place in the listing (first, middle, last), a page number from 1, or every page; `seconds` how long
    a fault that takes time lasts.
    """

    kind: FaultKind
    source: str | None = None
    dataset: str | None = None
    position: str | int = "first"
    times: int | None = None
    seed: int = 0
    seconds: float | None = None
    struck: int = field(default=0, compare=False)
    phase: str = field(default="waiting", compare=False)

    @property
    def name(self) -> str:
        """The kind's name."""
        return self.kind.name

    def meets(self, source: str, dataset: str | None) -> bool:
        """Whether this entry is meant for a dataset (None: for what all datasets of the source share)."""
        right_dataset = dataset is None or self.dataset is None or self.dataset == dataset
        return (self.source is None or self.source == source) and right_dataset

    def target(self, count: int, size: int) -> int:
        """The record, of `count` (pages of `size`), at which this fault sets in."""
        if isinstance(self.position, int):
            return (self.position - 1) * size
        return {"first": 0, "every": 0, "middle": count // 2, "last": max(0, count - 1)}[self.position]

    def covers(self, places: Collection[int], count: int, size: int) -> bool:
        """Whether an answer with the records at `places` is one that this fault is about."""
        return self.position == "every" or self.target(count, size) in places

    def strike(self) -> bool:
        """Count one strike; False where the fault has struck as often as planned."""
        if self.times is not None and self.struck >= self.times:
            return False
        self.struck += 1
        return True


def parse_plan(entries: Any, known: Mapping[str, Collection[str]] | None = None) -> list[PlantedFault]:
    """Check and read a plan. `known` are the datasets of each source; unknown words raise `PlanError`."""
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise PlanError("a fault plan is a list of entries")
    return [_parse(entry, place, known) for place, entry in enumerate(entries, start=1)]


def _parse(entry: Any, place: int, known: Mapping[str, Collection[str]] | None) -> PlantedFault:
    where = f"entry {place} of the fault plan"
    if not isinstance(entry, dict) or "kind" not in entry:
        raise PlanError(f"{where} names no kind")
    if unknown := sorted(set(entry) - _KEYS):
        raise PlanError(f"{where}: unknown words {', '.join(unknown)}; there are {', '.join(sorted(_KEYS))}")
    if entry["kind"] not in FAULT_KINDS:
        raise PlanError(f"{where}: no fault of kind {entry['kind']}; there are {', '.join(FAULT_KINDS)}")
    kind = FAULT_KINDS[entry["kind"]]
    position = entry.get("position", "first")
    if position not in _PLACES and not (isinstance(position, int) and position >= 1):
        raise PlanError(f"{where}: position is first, middle, last, every or a page number from 1")
    source, dataset = entry.get("source"), entry.get("dataset")
    if known is not None and source is not None:
        if source not in known:
            raise PlanError(f"{where}: no source {source}; there are {', '.join(known)}")
        if dataset is not None and dataset not in known[source]:
            raise PlanError(f"{where}: no dataset {source}.{dataset}")
    times = entry.get("times", kind.times)
    return PlantedFault(kind, source, dataset, position, times, int(entry.get("seed", 0)), entry.get("seconds"))


@dataclass
class FaultPlan:
    """The plan in force: read again whenever its file changes; counters begin anew each time it is read."""

    path: Path
    known: Mapping[str, Collection[str]]
    faults: list[PlantedFault] = field(default_factory=list)
    version: int = 0
    _stamp: tuple[int, int] | None = field(default=None, init=False)

    def refresh(self) -> bool:
        """Read the file if it changed; True where another plan is now in force.

        A plan with something unknown raises `PlanError` once, and the plan before it stays in force.
        """
        stat = self.path.stat() if self.path.exists() else None
        stamp = None if stat is None else (stat.st_mtime_ns, stat.st_ino)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self.faults = parse_plan(None if stat is None else read_yaml(self.path.read_bytes()), self.known)
        except PlanError:
            raise
        except ValueError as error:
            raise PlanError(f"{self.path} is no YAML: {error}") from None
        self.version += 1
        return True

    def of(self, source: str, dataset: str | None, stages: Collection[str]) -> list[PlantedFault]:
        """The faults of these stages meant for a dataset, also those that have struck as often as planned."""
        return [fault for fault in self.faults if fault.kind.stage in stages and fault.meets(source, dataset)]

    def striking(
        self, source: str, dataset: str, stages: Collection[str], places: Sequence[int], count: int, size: int
    ) -> list[PlantedFault]:
        """The faults of these stages that strike an answer holding the records at `places`; each is counted."""
        held = set(places)
        meant = (f for f in self.of(source, dataset, stages) if f.covers(held, count, size))
        return [fault for fault in meant if fault.strike()]


def names_of(faults: Iterable[PlantedFault]) -> tuple[str, ...]:
    """The kinds of some faults, for the access log."""
    return tuple(fault.name for fault in faults)
