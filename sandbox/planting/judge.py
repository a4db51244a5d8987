"""What became of each planted fault: how much it would have changed, and whether anything stopped or named it."""

# ruff: noqa: S608  # SQL over made-up tables

import csv
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from connectors.change_limits import beyond, changed_in_words, warned_in_words
from connectors.changes import compare
from connectors.errors import ConnectorError
from connectors.source_files import read_sources
from connectors.stored import Store, require_stored
from connectors.zone import Zone
from editions.relations import ruleset_in_force
from editions.ruleset_diff import moved
from editions.ruleset_problems import in_one_line
from editions.score.ruleset import read_seeds
from editions.score.run import Place, problems_of
from expectations.gate import audit
from ledger.settings import PROJECT_DIR
from ledger.store import open_ledger
from sandbox.planting.faults import STRENGTHS, Kind, plant, plant_file
from sandbox.planting.night import SoundNight, sent_rows

HARM_PCT, HARM_FEW = 2.0, 5
"""Harm: more than so many per cent, and more than so many, of the ranked whose score moves by half a point or whose
rank by ten places, of the rows sent, or (planted into the warehouse) of the rows of a published table."""
SCORE, PLACES = 0.5, 10
PUBLISHED = ("rankings", "points", "reasons")
OTHER_TREATMENT = {"rebase": "zero", "zero": "rebase"}


@dataclass(frozen=True)
class Fate:
    """One row of the table.

    `struck` records are others than they were; `checks` is how many comparisons, tests and checks looked at some row.
    """

    kind: str
    where: str
    table: str
    strength: str
    struck: int = 0
    scores: int | None = None
    ranks: int | None = None
    sent: int | None = None
    cells: int | None = None
    is_harm: bool = False
    checks: int = 0
    outcome: str = "silent"
    by: str = ""


class Judge:
    """Plants into one sound night; keeps what does not change between two faults."""

    def __init__(self, night: SoundNight, sound: Path, *, measures_held: bool = False) -> None:
        self.night, self._sound, self._measures_held = night, sound, measures_held
        # Beside the sound warehouse, whose folder is deleted when all is done.
        self._work = Path(tempfile.mkdtemp(prefix="planted.", dir=sound.parent))

    def fate(self, kind: Kind, strength: str) -> Fate:
        """Plant one fault and follow it as far as it goes."""
        follow = {
            "agency": self._of_agency,
            "arrival": self._of_agency,
            "consents": self._of_agency,
            "warehouse": self._of_warehouse,
            "ruleset": self._of_ruleset,
            "landed": self._of_landed,
        }[kind.where]
        return follow(Fate(kind.kind, kind.where, kind.table, strength), kind, STRENGTHS[strength])

    @cached_property
    def _usual(self) -> frozenset[str]:
        """The warnings of the sound night: they are no sign of a fault."""
        verdict = audit(self._sound, self.night.edition)
        if verdict.state != "passed":
            raise RuntimeError(f"the gate blocks the sound night: {[str(one) for one in verdict.blocking]}")
        return frozenset(f"{one.table}.{one.name} {one.observed}" for one in verdict.warnings)

    def _of_agency(self, base: Fate, kind: Kind, share: float) -> Fate:
        """Compare as at landing; what is not held is built, tested, measured and checked by the gate.

        Of an arrival the records in question are not held yet: they come, faulty, as a new period does.
        """
        dataset = self.night.datasets[kind.table]
        held = sound = self.night.landed(kind.table)
        planted, fresh = self._work / "planted.parquet", self._work / "fresh.parquet"
        base = replace(base, struck=plant_file(kind, share, dataset.key, sound, planted))
        if kind.where == "arrival":
            held = self._work / "held.parquet"
            plant_file(replace(kind, op="drop", sets=""), 1, dataset.key, sound, held)
        shutil.copyfile(planted, fresh)
        if dataset.load == "upsert":
            self._only_news(held, fresh)
        total = pq.read_metadata(held).num_rows
        found = compare(dataset, [held], fresh, total, self.night.as_of)
        base = replace(base, checks=int(total > 0))
        over = beyond(dataset, found, [])
        stays = replace(base, outcome="held", by="; ".join(str(one) for one in over[:3]))
        if over and not self._measures_held:
            return stays
        nodes = self.night.downstream(kind.table)
        warehouse = self._copied()
        try:
            with duckdb.connect(str(warehouse)) as db:
                self.night.make(db, self._inputs(kind.table, planted), nodes)
                if over:
                    db.close()
                    return self._measured(stays, warehouse)
                failed, asked = self.night.failed_tests(db, {node["unique_id"] for node in nodes})
        except duckdb.Error as error:
            return replace(base, is_harm=True, outcome="stopped", by=f"build: {str(error)[:80]}")
        measured = replace(self._measured(base, warehouse), checks=base.checks + asked)
        if failed:
            return replace(measured, outcome="stopped", by=f"dbt: {', '.join(failed)}")
        return self._gated(measured, warehouse, changed_in_words(dataset, found), warned_in_words(found))

    def _copied(self) -> Path:
        """A copy of the sound warehouse, to plant into."""
        path = self._work / "planted" / "candidate.duckdb"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(self._sound, path)
        return path

    def _only_news(self, sound: Path, fresh: Path) -> None:
        """A change feed delivers only what differs."""
        with duckdb.connect() as db:
            db.from_parquet(str(fresh)).create_view("fresh")
            db.from_parquet(str(sound)).create_view("sound")
            db.execute("create table news as (from fresh except all from sound)")
            db.execute("copy news to $fresh (format parquet)", {"fresh": str(fresh)})

    def _inputs(self, address: str, fresh: Path) -> Path:
        """The inputs of the night with one dataset's file in place of its own."""
        folder = self._work / "again" / self.night.candidate.inputs.name
        shutil.rmtree(folder, ignore_errors=True)
        for path in sorted(self.night.candidate.inputs.glob("*/*")):
            target = folder / path.relative_to(self.night.candidate.inputs)
            target.parent.mkdir(parents=True, exist_ok=True)
            if f"{path.parent.name}.{path.name}" == address:
                target.mkdir()
                shutil.copyfile(fresh, target / f"{self.night.as_of}-001.parquet")
            else:
                target.symlink_to(path)
        return folder

    def _gated(self, base: Fate, warehouse: Path, changed: str | None = None, warned: str | None = None) -> Fate:
        """The gate's verdict. `changed`, `warned` are the dataset's lines of `jifen status` and the gate's page."""
        verdict = audit(warehouse, self.night.edition)
        looked = sum(one.outcome in ("passed", "failed") and one.evaluated_rows > 0 for one in verdict.checks)
        base = replace(base, checks=base.checks + looked)
        if verdict.state != "passed":
            blocking = [f"{one.table}.{one.name}" for one in verdict.blocking]
            return replace(base, outcome="stopped", by="gate: " + ", ".join(blocking[:3]))
        new = {f"{one.table}.{one.name} {one.observed}" for one in verdict.warnings} - self._usual
        if new:
            names = [one.partition(" ")[0] for one in sorted(new)]
            return replace(base, outcome="warned", by="gate: " + ", ".join(names[:3]))
        if warned:
            return replace(base, outcome="warned", by=f"status: warned {base.table}: {warned}")
        return replace(base, outcome="shown", by=f"status: changed {base.table}: {changed}") if changed else base

    def _measured(self, base: Fate, warehouse: Path) -> Fate:
        """What the fault changes of what is published and sent."""
        with duckdb.connect() as db:
            db.execute("set enable_progress_bar = false")
            db.execute(f"attach '{self._sound}' as sound (read_only); attach '{warehouse}' as planted (read_only)")
            db.execute(f"set file_search_path = '{self.night.candidate.inputs.parent}'")
            scores, ranks, size = db.execute(
                f"""select count(*) filter (abs(coalesce(a.score, -9) - coalesce(b.score, -9)) >= {SCORE}),
                    count(*) filter (abs(coalesce(a.rank_overall, -99) - coalesce(b.rank_overall, -99)) >= {PLACES}),
                    greatest(count(a.uscc), 1)
                from sound.rankings a full join planted.rankings b using (uscc)"""
            ).fetchone() or (0, 0, 1)
            cells, worst = 0, 0.0
            for table in PUBLISHED:
                (n, of) = db.execute(
                    f"select count(*), (select count(*) from sound.{table}) from "
                    f"(from planted.{table} except all from sound.{table})"
                ).fetchone() or (0, 1)
                cells += n
                worst = max(worst, 100 * n / max(of, 1)) if n > HARM_FEW else worst
        sets = []
        for path in (self._sound, warehouse):
            with duckdb.connect(str(path), read_only=True) as db:
                sets.append((sent_rows(db, self.night.as_of), set(db.execute("from ext_bank__scores").fetchall())))
        (was, was_rows), (now, now_rows) = sets
        sent = max(len(was ^ now), len(now_rows - was_rows) if base.where == "warehouse" else 0)
        is_harm = any(
            n > HARM_FEW and 100 * n > HARM_PCT * of for n, of in ((scores, size), (ranks, size), (sent, len(was) or 1))
        )
        if base.where == "warehouse":
            is_harm = is_harm or worst > HARM_PCT
        return replace(base, scores=scores, ranks=ranks, sent=sent, cells=cells, is_harm=is_harm)

    def _of_warehouse(self, base: Fate, kind: Kind, share: float) -> Fate:
        """A fault in a table of the warehouse: the gate's verdict."""
        path = self._copied()
        keys = {"rankings": ["uscc"], "ext_bank__scores": ["recipient", "consent_id", "uscc"]}
        key = keys.get(kind.table, ["uscc", "indicator_code"])
        with duckdb.connect(str(path)) as db:
            struck = plant(db, kind, share, key, kind.table)
            is_view = db.execute("from duckdb_views() where view_name = $name", {"name": kind.table}).fetchone()
            db.execute(f"drop {'view' if is_view else 'table'} {kind.table}")
            db.execute(f"alter table planted rename to {kind.table}")
        return self._gated(self._measured(replace(base, struck=struck), path), path)

    @cached_property
    def _project(self) -> Path:
        """A copy of what the check of the rule sets reads; the check finds nothing in the sound copy."""
        copy = self._work / "project"
        shutil.copytree(
            PROJECT_DIR / "dbt_project", copy / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")
        )
        shutil.copytree(PROJECT_DIR / "connectors" / "sources", copy / "connectors" / "sources")
        if refusal := self._refusal_of(copy):
            raise RuntimeError(f"the sound rule sets are refused: {refusal}")
        return copy

    def _refusal_of(self, project: Path) -> str:
        """What the check of the rule sets reports before a build."""
        folder = project / "dbt_project"
        if problems := problems_of(read_seeds(folder), Place(project, self.night.data_dir)):
            return f"rule sets: {in_one_line(problems)[:80]}"
        frozen = moved(open_ledger(self.night.settings), folder)
        return f"frozen: {in_one_line(frozen)[:80]}" if frozen else ""

    def _of_ruleset(self, base: Fate, kind: Kind, share: float) -> Fate:
        """A change of the rules in force: what their check reports before a build."""
        path = self._project / "dbt_project" / "seeds" / "rulesets" / f"ruleset_{kind.table}.csv"
        sound = path.read_text(encoding="utf-8")
        rows = list(csv.DictReader(sound.splitlines()))
        in_force = ruleset_in_force(self.night.candidate.warehouse)
        own = [row for row in rows if row["ruleset_id"] == in_force]
        numbers = [name for name in rows[0] if any(_is_number(row[name]) for row in own)]
        column = numbers[-1] if numbers else "treatment"
        hit = [row for row in own if row[column] and (not numbers or _is_number(row[column]))]
        hit = hit[: max(2, round(len(own) * share))]
        for row in hit:
            row[column] = str(float(row[column]) + 1) if numbers else OTHER_TREATMENT[row[column]]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        refusal = self._refusal_of(self._project)
        path.write_text(sound, encoding="utf-8")
        base = replace(base, struck=len(hit), is_harm=True, checks=int(bool(own)))
        return replace(base, outcome="stopped", by=refusal) if refusal else base

    @cached_property
    def _store(self) -> Path:
        """A copy of the night's store; the check of the store finds nothing in the sound copy."""
        copy = self._work / "store"
        left_out = shutil.ignore_patterns("candidates", "editions")
        shutil.copytree(self.night.data_dir, copy, symlinks=True, ignore=left_out)
        if refusal := self._mended(copy):
            raise RuntimeError(f"the sound store is refused: {refusal}")
        return copy

    def _mended(self, folder: Path) -> str:
        """What the check of the store reports before a build."""
        settings = self.night.settings.model_copy(update={"data_dir": folder})
        try:
            store = Store(settings, open_ledger(settings), Zone(), {})
            mended = require_stored(read_sources(), store, self.night.as_of)
        except ConnectorError as error:
            return str(error)[:80]
        return f"made again from raw: {len(mended)} file" if mended else ""

    def _of_landed(self, base: Fate, kind: Kind, share: float) -> Fate:
        """A landed file changed without an entry in the ledger: what the check before the build reports."""
        sound = self.night.landed(kind.table)
        path = self._store / sound.relative_to(self.night.data_dir)
        fresh = self._work / "fresh.parquet"
        struck = plant_file(kind, share, self.night.datasets[kind.table].key, sound, fresh)
        path.unlink(missing_ok=True)
        shutil.copyfile(fresh, path)
        base = replace(base, struck=struck, is_harm=True, checks=1)
        refusal = self._mended(self._store)
        path.unlink(missing_ok=True)
        shutil.copyfile(sound, path)
        return replace(base, outcome="stopped", by=refusal) if refusal else base


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_OF_THIS_PROCESS: dict[str, Judge] = {}


def _begin(night: SoundNight, sound: Path, measures_held: bool) -> None:
    """Give a process its judge."""
    _OF_THIS_PROCESS["judge"] = Judge(night, sound, measures_held=measures_held)


def _fate(planted: tuple[Kind, str]) -> Fate:
    return _OF_THIS_PROCESS["judge"].fate(*planted)


def fates(
    night: SoundNight, planted: Sequence[tuple[Kind, str]], *, processes: int = 1, measures_held: bool = False
) -> Iterator[Fate]:
    """What became of each kind at its strength, in their order; all from one sound warehouse that is built first."""
    with tempfile.TemporaryDirectory(prefix="sound.") as folder:
        # The sound night is replayed as the others are, so that what a replay changes counts as no fault.
        sound = Path(folder) / "candidate.duckdb"
        night.whole(sound, night.candidate.inputs)
        with duckdb.connect(str(sound)) as db:
            db.execute(f"set file_search_path = '{night.candidate.inputs.parent}'")
            failed, _ = night.failed_tests(db)
        if failed:
            raise RuntimeError(f"the sound night fails tests of its own: {failed}")
        if processes < 2:
            judge = Judge(night, sound, measures_held=measures_held)
            yield from (judge.fate(*one) for one in planted)
            return
        with get_context("spawn").Pool(processes, _begin, (night, sound, measures_held)) as pool:
            yield from pool.imap(_fate, planted)
            pool.close()
            pool.join()
