"""All agencies of a process, and the state folder that they share."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from connectors.sink_files import ExtractSink, HttpsConnection, NoticeSink, Sink, read_sinks
from connectors.source_files import SOURCES_DIR, read_sources
from connectors.spec import FileRequest, SftpConnection, Source
from sandbox import feeds
from sandbox.standin.changes import change
from sandbox.standin.faults import PLAN, FaultPlan, PlanError, PlantedFault
from sandbox.standin.files import StandinFolder, Written
from sandbox.standin.records import Stock, hold_stocks, make_stocks
from sandbox.standin.rows import LAST_DAY, UsageError
from sandbox.standin.struck import archive_bomb
from sandbox.standin.tables import Register
from sandbox.standin.truth import true_rows, write_truth
from sandbox.standin.wire import BOMB_MEGABYTES, gzip_bomb

_HELD: Final = "population.json"

log = logging.getLogger("sandbox")


@dataclass
class World:
    """What is held and shown: stocks by source and dataset, folders, databases, and the plan in force."""

    state: Path
    sources: dict[str, Source]
    stocks: dict[str, dict[str, Stock]]
    plan: FaultPlan
    as_of: date = LAST_DAY + timedelta(days=1)
    channels: Sequence[NoticeSink] = ()
    banks: Sequence[ExtractSink] = ()
    folders: dict[str, dict[str, StandinFolder]] = field(default_factory=dict)
    registers: dict[str, Register] = field(default_factory=dict)
    growing: list[tuple[StandinFolder, Written]] = field(default_factory=list)
    changes: int = 0
    _shown: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def faults_of(self, source: str, dataset: str) -> list[PlantedFault]:
        """The faults in force for a dataset, of every stage that can strike it."""
        of = self.sources[source]
        meant = [fault for fault in self.plan.faults if fault.meets(source, dataset)]
        return [fault for fault in meant if fault.kind.applies(of, of.dataset(dataset))]

    def show(self, *, is_kept: bool = False) -> None:
        """Bring files, tables and truths in line with stocks and plan; what is in line already is left alone.

        `is_kept`: what a healthy day shows is there from an earlier start.
        """
        self._pack_bombs()
        self.growing = []
        for name, stocks in self.stocks.items():
            shown = ("file", "body", "drift", "table")
            faults = {dataset: self.faults_of(name, dataset) for dataset in stocks}
            is_struck = any(fault.kind.stage in shown for found in faults.values() for fault in found)
            mark = (self.changes, self.plan.version if is_struck else 0)
            if is_kept:
                self._shown.setdefault(name, (0, 0))
            if self._shown.get(name) == mark:
                continue
            self._shown[name] = mark
            for dataset, stock in stocks.items():
                if stock.feed is not None:
                    continue
                path = self.state / "truth" / name / f"{dataset}.jsonl"
                write_truth(path, true_rows(stock, faults[dataset]))
            for dataset, folder in self.folders.get(name, {}).items():
                self.growing += [(folder, file) for file in folder.lay_out(faults[dataset])]
            if name in self.registers:
                self.registers[name].lay_out(faults)

    def take_up_plan(self) -> bool:
        """Take up a plan that changed; True where there was one. Raises `PlanError`."""
        is_new = self.plan.refresh()
        if is_new:
            self.show()
        return is_new

    def change(self, source: str, dataset: str, what: str) -> None:
        """Let an agency add, correct or delete one record."""
        change(self.stocks[source][dataset], what, self.changes)
        self.changes += 1
        self.show()

    def _pack_bombs(self) -> None:
        """Make the decompression bombs of the plan now: it takes seconds, and a request must not wait for it."""
        for source in self.sources.values():
            for dataset in source.datasets:
                names = {fault.name for fault in self.faults_of(source.name, dataset.name)}
                if "archive_bomb" in names:
                    archive_bomb(dataset.decoder)
                if "gzip_bomb" in names:
                    gzip_bomb(BOMB_MEGABYTES)

    def close(self) -> None:
        """Close the databases."""
        for register in self.registers.values():
            register.close()


def make_world(sources: Path, state: Path, rows: int, seed: int) -> World:
    """Read every source file of a folder and make up the records of its agency."""
    found = {source.name: source for source in read_sources(sources)}
    if not found:
        raise UsageError(f"no source files in {sources}")
    world = _open_world(state, found, {name: make_stocks(source, rows, seed) for name, source in found.items()})
    world.show()
    return world


def hold_population(state: Path, origin: Mapping[str, Any], cut: Callable[[], feeds.Feeds]) -> World:
    """The agencies that hold a population, cut unless the state folder holds what came of this origin already."""
    sources = {source.name: source for source in read_sources()}
    path, origin = state / _HELD, {**origin, "made_by": _made_by()}
    held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    is_held = {name: held.get(name) for name in origin} == origin
    if not is_held:
        path.unlink(missing_ok=True)
        made = cut()
        feeds.write(made, state, sources)
        held = {**origin, "as_of": made.as_of.isoformat(), "supplied": list(made.tables)}
    supplied = {address: feeds.feed_path(state, address) for address in held["supplied"]}
    stocks = {name: hold_stocks(source, supplied) for name, source in sources.items()}
    stocks = {name: found for name, found in stocks.items() if found}
    sinks = read_sinks()
    notices = [sink for sink in sinks if isinstance(sink, NoticeSink) and sink.kind == "notice"]
    channels = [sink for sink in notices if sink.driver == "webhook"]
    world = _open_world(state, {name: sources[name] for name in stocks}, stocks, channels)
    world.as_of = date.fromisoformat(held["as_of"])
    world.banks = [sink for sink in sinks if isinstance(sink, ExtractSink)]
    _make_inboxes(world, sinks)
    world.show(is_kept=is_held)
    path.write_text(json.dumps(held), encoding="utf-8")
    return world


def _made_by() -> str:
    """The hash of what makes and cuts populations: a state folder filled by other code is filled anew."""
    digest = hashlib.sha256()
    package = Path(feeds.__file__).parent
    for file in sorted([*package.glob("*.py"), *package.glob("standin/*.py"), *SOURCES_DIR.glob("*.yml")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _open_world(
    state: Path, sources: dict[str, Source], stocks: dict[str, dict[str, Stock]], channels: Sequence[NoticeSink] = ()
) -> World:
    known = {name: {d.name for d in source.datasets} for name, source in sources.items()}
    plan = FaultPlan(state / PLAN, {**known, **{sink.name: set() for sink in channels}})
    try:
        plan.refresh()
    except PlanError as error:
        raise UsageError(f"{plan.path}: {error}") from None
    world = World(state, sources, stocks, plan, channels=channels)
    for name, source in sources.items():
        if source.driver in ("sftp", "folder"):
            root = state / ("sftp" if source.driver == "sftp" else "files") / name
            world.folders[name] = _folders(stocks[name], root)
        if source.driver == "database":
            world.registers[name] = Register(name, state / "databases" / f"{name}.sqlite", stocks[name])
    return world


def _make_inboxes(world: World, sinks: Sequence[Sink]) -> None:
    """Make the folders in which an agency or a bank waits for what is sent to it."""
    for sink in sinks:
        roots = [world.state / "https" / sink.name] if isinstance(sink.connection, HttpsConnection) else []
        if isinstance(sink.connection, SftpConnection):
            same = [name for name, source in world.sources.items() if source.connection == sink.connection]
            roots = [world.state / "sftp" / name for name in same]
        for root in roots:
            for folder in _folders_of(sink):
                (root / folder).mkdir(parents=True, exist_ok=True)


def _folders_of(sink: Sink) -> list[str]:
    answers = [sink.acknowledged.folder] if isinstance(sink, ExtractSink) and sink.acknowledged else []
    return [getattr(sink, "folder", ""), *answers]


def _folders(stocks: Mapping[str, Stock], root: Path) -> dict[str, StandinFolder]:
    root.mkdir(parents=True, exist_ok=True)
    folders: dict[str, StandinFolder] = {}
    for dataset, stock in stocks.items():
        request = stock.dataset.request
        if not isinstance(request, FileRequest):
            raise UsageError(f"{stock.dataset.address}: no file request")
        folders[dataset] = StandinFolder(stock, root, request)
    return folders
