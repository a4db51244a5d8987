"""What became of each planted fault: how much it would have changed, and whether anything stopped or named it."""

# ruff: noqa: S608  # SQL over made-up tables

import csv
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import duckdb

from connectors.change_limits import beyond
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
from sandbox.planting.faults import STRENGTHS, Kind, plant_file, planted_sql
from sandbox.planting.night import SoundNight, sent_rows

HARM_PCT, HARM_FEW = 2.0, 5
"""Harm: more than so many per cent, and more than so many, of the ranked whose score moves by half a point or whose
rank by ten places, of the rows sent, or (planted into the warehouse) of the rows of a published table."""
SCORE, PLACES = 0.5, 10
PUBLISHED = ("rankings", "points", "reasons")


@dataclass(frozen=True)
class Fate:
    """One row of the table."""

    kind: str
    where: str
    table: str
    strength: str
    struck: int
    scores: int | None = None
    ranks: int | None = None
    sent: int | None = None
    cells: int | None = None
    is_harm: bool = False
    outcome: str = "silent"
    by: str = ""


class Judge:
    """Plants into one sound night; keeps what does not change between two faults."""

    def __init__(self, night: SoundNight, *, measures_held: bool = False) -> None:
        self.night, self._measures_held = night, measures_held
        self._work = Path(tempfile.mkdtemp(prefix="planted."))

    def close(self) -> None:
        """Drop the workshop."""
        shutil.rmtree(self._work, ignore_errors=True)

    def fate(self, kind: Kind, strength: str) -> Fate:
        """Plant one fault and follow it as far as it goes."""
        return {
            "agency": self._of_agency,
            "consents": self._of_agency,
            "warehouse": self._of_warehouse,
            "ruleset": self._of_ruleset,
            "landed": self._of_landed,
        }[kind.where](kind, strength)

    @cached_property
    def _sound(self) -> Path:
        """The sound night made again the way the others are: what the replay itself changes is no fault."""
        path = self._work / "sound" / "candidate.duckdb"
        path.parent.mkdir()
        with self.night.again(path, self.night.candidate.inputs) as db:
            if failed := self.night.failed_tests(db):
                raise RuntimeError(f"the sound night fails tests of its own: {failed}")
        return path

    @cached_property
    def _usual(self) -> frozenset[str]:
        """The warnings of the sound night: they tell nothing of a fault."""
        verdict = audit(self._sound, self.night.edition)
        if verdict.state != "passed":
            raise RuntimeError(f"the gate blocks the sound night: {[str(one) for one in verdict.blocking]}")
        return frozenset(f"{one.table}.{one.name} {one.observed}" for one in verdict.warnings)

    def _of_agency(self, kind: Kind, strength: str) -> Fate:
        dataset = self.night.datasets[kind.table]
        sound = self.night.landed(kind.table)
        fresh = self._work / "fresh.parquet"
        struck = plant_file(kind, STRENGTHS[strength], dataset.key, sound, fresh)
        base = Fate(kind.kind, kind.where, kind.table, strength, struck)
        with duckdb.connect() as db:
            (total,) = db.from_parquet(str(sound)).count("*").fetchone() or (0,)
        held = [sound]
        if dataset.load == "upsert":
            self._only_news(sound, fresh)
        found = compare(dataset, held, fresh, int(total), self.night.as_of)
        over = beyond(dataset, found, [])
        told = ", ".join(f"{name} {count}" for name, count in found.counts.items())
        if over and not self._measures_held:
            return _with(base, outcome="held", by="; ".join(str(one) for one in over[:3]))
        if dataset.load == "upsert":
            plant_file(kind, STRENGTHS[strength], dataset.key, sound, fresh)
        inputs = self._inputs(kind.table, fresh)
        warehouse = self._work / "planted" / "candidate.duckdb"
        warehouse.parent.mkdir(exist_ok=True)
        try:
            with self.night.again(warehouse, inputs) as db:
                failed = self.night.failed_tests(db)
        except duckdb.Error as error:
            return _with(base, is_harm=True, outcome="stopped", by=f"build: {str(error)[:80]}")
        measured = self._measured(base, warehouse)
        if over:
            return _with(measured, outcome="held", by="; ".join(str(one) for one in over[:3]))
        if failed:
            return _with(measured, outcome="stopped", by=f"dbt: {', '.join(failed)}")
        return self._gated(measured, warehouse, told)

    def _only_news(self, sound: Path, fresh: Path) -> None:
        """Of a change feed only what differs comes."""
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

    def _gated(self, base: Fate, warehouse: Path, told: str = "") -> Fate:
        verdict = audit(warehouse, self.night.edition)
        blocking = [f"{one.table}.{one.name}" for one in verdict.blocking]
        if verdict.state != "passed":
            return _with(base, outcome="stopped", by="gate: " + ", ".join(blocking[:3]))
        new = {f"{one.table}.{one.name} {one.observed}" for one in verdict.warnings} - self._usual
        said = [one.partition(" ")[0] for one in sorted(new)] + ([f"changed: {told}"] if told else [])
        return _with(base, outcome="warned", by=", ".join(said[:3])) if said else base

    def _measured(self, base: Fate, warehouse: Path) -> Fate:
        """What the fault changes of what is published and sent."""
        with duckdb.connect() as db:
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
        return _with(base, scores=scores, ranks=ranks, sent=sent, cells=cells, is_harm=is_harm)

    def _of_warehouse(self, kind: Kind, strength: str) -> Fate:
        path = self._work / "planted" / "candidate.duckdb"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(self._sound, path)
        keys = {"rankings": ["uscc"], "ext_bank__scores": ["recipient", "consent_id", "uscc"]}
        key = keys.get(kind.table, ["uscc", "indicator_code"])
        with duckdb.connect(str(path)) as db:
            columns = {row[0]: row[1] for row in db.execute(f"describe {kind.table}").fetchall()}
            query = planted_sql(kind, STRENGTHS[strength], key, kind.table, columns)
            db.execute(f"create table _planted as {query}")
            (struck,) = db.execute(f"select count(*) from (from _planted except all from {kind.table})").fetchone() or (
                0,
            )
            (is_view,) = db.execute(
                "select count(*) from duckdb_views() where view_name = $name", {"name": kind.table}
            ).fetchone() or (0,)
            db.execute(f"drop {'view' if is_view else 'table'} {kind.table}")
            db.execute(f"alter table _planted rename to {kind.table}")
        base = Fate(kind.kind, kind.where, kind.table, strength, int(struck))
        return self._gated(self._measured(base, path), path)

    def _of_ruleset(self, kind: Kind, strength: str) -> Fate:
        """A change of the rules in force: what the night says before it builds."""
        project = self._work / "project" / "dbt_project"
        shutil.rmtree(project.parent, ignore_errors=True)
        shutil.copytree(PROJECT_DIR / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
        path = project / "seeds" / "rulesets" / f"ruleset_{kind.table}.csv"
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        in_force = ruleset_in_force(self.night.candidate.warehouse)
        own = [row for row in rows if row["ruleset_id"] == in_force]
        numeric = [name for name in rows[0] if any(_is_number(row[name]) for row in own)]
        hit = own[: max(2, round(len(own) * STRENGTHS[strength]))]
        for row in hit:
            if numeric and _is_number(row[numeric[-1]]):
                row[numeric[-1]] = str(float(row[numeric[-1]]) + 1)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        base = Fate(kind.kind, kind.where, kind.table, strength, len(hit), is_harm=True)
        if problems := problems_of(read_seeds(project), Place(project.parent, self.night.data_dir)):
            return _with(base, outcome="stopped", by=f"rule sets: {in_one_line(problems)[:80]}")
        if frozen := moved(open_ledger(self.night.settings), project):
            return _with(base, outcome="stopped", by=f"frozen: {in_one_line(frozen)[:80]}")
        return base

    def _of_landed(self, kind: Kind, strength: str) -> Fate:
        """A file changed behind the ledger's back: what the check before the build says."""
        copy = self._work / "store"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(
            self.night.data_dir, copy, symlinks=True, ignore=shutil.ignore_patterns("candidates", "editions")
        )
        path = copy / self.night.landed(kind.table).relative_to(self.night.data_dir)
        fresh = self._work / "fresh.parquet"
        struck = plant_file(kind, STRENGTHS[strength], self.night.datasets[kind.table].key, path, fresh)
        path.unlink()
        shutil.copyfile(fresh, path)
        base = Fate(kind.kind, kind.where, kind.table, strength, struck, is_harm=True)
        settings = self.night.settings.model_copy(update={"data_dir": copy})
        try:
            mended = require_stored(
                read_sources(), Store(settings, open_ledger(settings), Zone(), {}), self.night.as_of
            )
        except ConnectorError as error:
            return _with(base, outcome="stopped", by=str(error)[:80])
        return _with(base, outcome="stopped", by=f"made again from raw: {len(mended)} file") if mended else base


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _with(fate: Fate, **values: object) -> Fate:
    return replace(fate, **values)  # type: ignore[arg-type]


def fates(judge: Judge, kinds: Sequence[Kind], strengths: Sequence[str] = tuple(STRENGTHS)) -> Iterator[Fate]:
    """What became of each kind at each strength."""
    for kind in kinds:
        for strength in strengths:
            yield judge.fate(kind, strength)
