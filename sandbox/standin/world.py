"""All agencies of a folder of source files, and the state folder that they share."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from connectors.source_files import read_sources
from connectors.spec import FileRequest, Source
from sandbox.standin.changes import change
from sandbox.standin.faults import PLAN, Fault, FaultPlan
from sandbox.standin.files import Folder, Written
from sandbox.standin.records import Stock, make_stocks
from sandbox.standin.rows import UsageError
from sandbox.standin.struck import archive_bomb
from sandbox.standin.tables import Register
from sandbox.standin.truth import true_rows, write_truth
from sandbox.standin.wire import BOMB_MEGABYTES, gzip_bomb

CHANGE_LOG: Final = "changes.jsonl"
APPLIED: Final = "applied.json"

log = logging.getLogger("sandbox")


@dataclass
class World:
    """What is held and shown: stocks by source and dataset, folders, databases, and the plan in force."""

    state: Path
    sources: dict[str, Source]
    stocks: dict[str, dict[str, Stock]]
    plan: FaultPlan
    folders: dict[str, dict[str, Folder]] = field(default_factory=dict)
    registers: dict[str, Register] = field(default_factory=dict)
    growing: list[tuple[Folder, Written]] = field(default_factory=list)
    changes: int = 0
    _shown: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def faults_of(self, source: str, dataset: str) -> list[Fault]:
        """The faults in force for a dataset, of every stage that can strike it."""
        of = self.sources[source]
        meant = [fault for fault in self.plan.faults if fault.meets(source, dataset)]
        return [fault for fault in meant if fault.kind.applies(of, of.dataset(dataset))]

    def show(self) -> None:
        """Bring files, tables and truths in line with stocks and plan; what is in line already is left alone."""
        self.growing = []
        for name, stocks in self.stocks.items():
            faults = {dataset: self.faults_of(name, dataset) for dataset in stocks}
            mark = (self.changes, self.plan.digest if any(faults.values()) else "")
            if self._shown.get(name) == mark:
                continue
            self._shown[name] = mark
            for dataset, stock in stocks.items():
                path = self.state / "truth" / name / f"{dataset}.jsonl"
                write_truth(path, true_rows(stock, faults[dataset]))
            for dataset, folder in self.folders.get(name, {}).items():
                self.growing += [(folder, file) for file in folder.lay_out(faults[dataset])]
            if name in self.registers:
                self.registers[name].lay_out(faults)

    def refresh(self) -> bool:
        """Take up a changed plan and new changes; True where something is new."""
        is_new = self.plan.refresh()
        path = self.state / CHANGE_LOG
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for line in lines[self.changes :]:
            self.changes += 1
            asked = json.loads(line)
            change(self.stocks[asked["source"]][asked["dataset"]], asked["what"], self.changes - 1)
            is_new = True
        if is_new:
            self._pack_bombs()
            self.show()
        return is_new

    def _pack_bombs(self) -> None:
        """Pack what is dear to pack before anybody waits for it."""
        for source in self.sources.values():
            for dataset in source.datasets:
                names = {fault.name for fault in self.faults_of(source.name, dataset.name)}
                if "archive_bomb" in names:
                    archive_bomb(dataset.decoder)
                if "gzip_bomb" in names:
                    gzip_bomb(BOMB_MEGABYTES)

    def told(self) -> dict[str, Any]:
        """What is in force, for whoever waits for it."""
        return {"faults": self.plan.digest, "changes": self.changes, "error": self.plan.error}

    def close(self) -> None:
        """Let go of the databases."""
        for register in self.registers.values():
            register.close()


def make_world(sources: Path, state: Path, rows: int, seed: int) -> World:
    """Read every source file of a folder, make up its records, and lay out what is not asked for over HTTP."""
    found = {source.name: source for source in read_sources(sources)}
    if not found:
        raise UsageError(f"no source files in {sources}")
    stocks = {name: make_stocks(source, rows, seed) for name, source in found.items()}
    plan = FaultPlan(state / PLAN, {name: {d.name for d in source.datasets} for name, source in found.items()})
    plan.refresh()
    if plan.error is not None:
        raise UsageError(f"{plan.path}: {plan.error}")
    world = World(state, found, stocks, plan)
    for name, source in found.items():
        if source.driver in ("sftp", "folder"):
            world.folders[name] = _folders(stocks[name], state / "files" / name)
        if source.driver == "database":
            world.registers[name] = Register(name, state / "databases" / f"{name}.sqlite", stocks[name])
    world.refresh()
    world.show()
    return world


def _folders(stocks: Mapping[str, Stock], root: Path) -> dict[str, Folder]:
    root.mkdir(parents=True, exist_ok=True)
    folders: dict[str, Folder] = {}
    for dataset, stock in stocks.items():
        request = stock.dataset.request
        if not isinstance(request, FileRequest):
            raise UsageError(f"{stock.dataset.address}: no file request")
        folders[dataset] = Folder(stock, root, request)
    return folders
