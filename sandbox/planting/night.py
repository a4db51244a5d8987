"""A sound night of the district, and its models again over other inputs: without dbt, in seconds."""

# ruff: noqa: S608  # SQL over made-up tables

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from connectors.sink_files import ExtractSink, read_sinks
from connectors.source_files import read_sources
from connectors.spec import Dataset
from editions.candidate import Candidate
from editions.durable import remove_tree
from editions.extract import CONSENTS, JUDGED
from editions.manifest import read_manifest
from editions.recipe import rules_sha256
from expectations.names import PLACEHOLDER
from expectations.suites import SUITES, load_suites
from ledger.settings import PROJECT_DIR, Settings
from sandbox.start import LOG, start

BESIDE = ("enterprises", "indicators", "weights", "points", "reasons", "rankings", "supply", "ext_bank__scores")
"""Tables that suites join with their own."""


@dataclass(frozen=True)
class SoundNight:
    """The data folder of a night that was published, its candidate, and its edition."""

    data_dir: Path
    as_of: date

    @cached_property
    def settings(self) -> Settings:
        """The settings of that folder."""
        return Settings(data_dir=self.data_dir, _env_file=None)

    @cached_property
    def datasets(self) -> dict[str, Dataset]:
        """The datasets of the project's sources, by address."""
        return {one.address: one for source in read_sources() for one in source.datasets}

    @cached_property
    def candidate(self) -> Candidate:
        """The candidate of the night."""
        path = next(one for one in sorted((self.data_dir / "candidates").iterdir()) if not one.name.startswith("."))
        return Candidate(path.name, path.resolve())

    @property
    def edition(self) -> Path:
        """The edition that it published."""
        return (self.data_dir / "editions" / "current").resolve()

    def landed(self, address: str) -> Path:
        """The one landed file of a dataset."""
        source, _, name = address.partition(".")
        return next((self.data_dir / "landed" / source / name).glob("batch=*/part-0.parquet"))

    @cached_property
    def _manifest(self) -> dict[str, Mapping[str, Any]]:
        """The nodes of dbt's manifest by their ids."""
        found: dict[str, Mapping[str, Any]] = json.loads((self.candidate.target / "manifest.json").read_bytes())[
            "nodes"
        ]
        return found

    @cached_property
    def nodes(self) -> dict[str, Mapping[str, Any]]:
        """The nodes of dbt that the gate's checks need, by their ids, each after its parents."""
        made = {key: node for key, node in self._manifest.items() if node["resource_type"] in ("model", "seed")}
        suites, _ = load_suites(SUITES)
        asked = [sql for suite in suites for check in suite.checks for sql in (check.sql, check.over) if sql]
        named = {name for sql in asked for name in PLACEHOLDER.findall(sql)}
        wanted = {*BESIDE, *(suite.table for suite in suites), *named}
        ordered: dict[str, Mapping[str, Any]] = {}

        def visit(key: str) -> None:
            if key in made and key not in ordered:
                for parent in made[key].get("depends_on", {}).get("nodes", ()):
                    visit(parent)
                ordered[key] = made[key]

        for key in sorted(made):
            if made[key]["alias"] in wanted:
                visit(key)
        return ordered

    @cached_property
    def tests(self) -> list[Mapping[str, Any]]:
        """The tests of dbt that read only those nodes."""
        tests = [node for node in self._manifest.values() if node["resource_type"] == "test"]
        return [
            one
            for one in tests
            if {key for key in one["depends_on"]["nodes"] if not key.startswith("source.")} <= self.nodes.keys()
        ]

    def compiled(self, node: Mapping[str, Any]) -> str:
        """The SQL of a node as dbt compiled it, for a file of any name."""
        root = self.candidate.target / "compiled" / "jifen"
        path = root / node["original_file_path"]
        if not path.is_file():
            path = path / node["path"]
        text: str = path.read_text(encoding="utf-8")
        return text.replace(f'"{self.candidate.warehouse.stem}".', "")

    def downstream(self, address: str) -> list[Mapping[str, Any]]:
        """The nodes that read a dataset, itself or through others, each after its parents."""
        reached = {f"source.jifen.{address}"}
        for key, node in self.nodes.items():
            if not reached.isdisjoint(node.get("depends_on", {}).get("nodes", ())):
                reached.add(key)
        return [node for key, node in self.nodes.items() if key in reached]

    def make(
        self, db: duckdb.DuckDBPyConnection, inputs: Path, nodes: Iterable[Mapping[str, Any]], day: date | None = None
    ) -> None:
        """Make these nodes over these inputs, in their order; as of `day` where it is given."""
        db.execute("set threads = 1; set preserve_insertion_order = false; set enable_progress_bar = false")
        db.execute(f"set file_search_path = '{inputs.parent}'")
        for node in nodes:
            kind = "table" if node["config"]["materialized"] == "table" else "view"
            query = self.compiled(node).replace(f"'{self.as_of}'", f"'{day or self.as_of}'")
            db.execute(f"create or replace {kind} {node['alias']} as {query}")

    def whole(self, warehouse: Path, inputs: Path, day: date | None = None) -> None:
        """Make every node over these inputs, into a file of their own; seeds are those of the night."""
        warehouse.unlink(missing_ok=True)
        with duckdb.connect(str(warehouse)) as db:
            db.execute(f"attach '{self.candidate.warehouse}' as built (read_only)")
            for node in self.nodes.values():
                if node["resource_type"] == "seed":
                    db.execute(f"create table {node['alias']} as from built.{node['schema']}.{node['alias']}")
            db.execute("detach built")
            self.make(db, inputs, (one for one in self.nodes.values() if one["resource_type"] != "seed"), day)

    def failed_tests(self, db: duckdb.DuckDBPyConnection, of: Collection[str] | None = None) -> tuple[list[str], int]:
        """The tests of dbt that fail and stop a build, and how many were run: those of the nodes `of`, or all."""
        asked = [
            one
            for one in self.tests
            if str(one["config"]["severity"]).lower() == "error"
            and (of is None or not set(of).isdisjoint(one["depends_on"]["nodes"]))
        ]
        found = []
        for test in asked:
            query = self.compiled(test).rstrip().rstrip(";")
            (count,) = db.execute(f"select count(*) from ({query})").fetchone() or (0,)
            if count:
                found.append(str(test["name"]))
        return found, len(asked)


def say(line: str) -> None:
    """Print a line at once: a sweep takes minutes, and is read as it goes."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def make_night(folder: Path) -> SoundNight:
    """Run one night of the district against its agencies, or take the one that is there if these rules made it."""
    # Whole, since the night runs in that folder.
    folder = folder.resolve()
    data = folder / "data"
    current = data / "editions" / "current"
    if not current.exists() or read_manifest(current)["rules_sha256"] != rules_sha256(PROJECT_DIR):
        if data.exists() and not (folder / "sandbox" / LOG).exists():
            raise SystemExit(f"{folder} holds a night that is not the sandbox's: name another --night")
        remove_tree(data)
        remove_tree(folder / "sandbox")
        with start("district", folder / "sandbox") as sandbox:
            own = {"JIFEN_ENV_FILE": "", "JIFEN_DATA_DIR": str(data), "JIFEN_ZONE_FILE": ""}
            plain = {
                name: value for name, value in os.environ.items() if not name.startswith(("JIFEN_", "PREFECT_API"))
            }
            plain |= {**own, **sandbox.env}
            command = [sys.executable, "-P", "-m", "cli", "run", "--as-of", sandbox.as_of.isoformat()]
            subprocess.run(command, env=plain, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    edition = current.resolve()
    return SoundNight(data.resolve(), date.fromisoformat(edition.name[:10]))


def sent_rows(db: duckdb.DuckDBPyConnection, as_of: date) -> set[tuple[str, str]]:
    """(bank, enterprise) of every row that a consent lets go to a bank on this day."""
    purposes = [one for sink in read_sinks() if isinstance(sink, ExtractSink) for one in sink.purposes]
    found: set[tuple[str, str]] = set()
    for (recipient,) in db.execute("select distinct recipient from ext_bank__scores").fetchall():
        numbered = "(select *, row_number() over () as file_row_number from ext_bank__scores)"
        db.execute(f"create or replace temp table consents as {CONSENTS.format(numbered)}")
        db.execute("drop table if exists judged")
        parameters = {"recipient": recipient, "send_date": as_of, "classes": ["score"], "purposes": purposes}
        db.execute(JUDGED, parameters)
        rows = db.execute("select distinct uscc from judged where denied_reason is null").fetchall()
        found |= {(recipient, uscc) for (uscc,) in rows}
    return found
