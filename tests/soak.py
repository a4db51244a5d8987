"""A year of nights in one process: what grows, what is left open, and what was not foreseen.

`python -m tests.soak` runs the product's own commands in one long-lived process, by a clock of its own: `jifen run`
each night, a backup each week, retention each month, now and then what an operator looks at. Enterprises are founded,
move, merge, are renamed, penalised and repaired (`tests.soak_zone`); agencies, bank and channel fail by the seed.
In November the next year's calendar is published, with the new year another rule set comes into force. It prints what
each night came to, then a table, and ends with exit code 1 where anything was found.

A night is a small one (`tests.small_night`): its models stand in for dbt's and read what landed, the gate is the real
one with the suites of an edition. The project is a copy, since rules change in it.
"""

import argparse
import gc
import json
import os
import pkgutil
import random
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import func, select

from editions.build import BuildReport
from editions.candidate import Candidate, new_candidate
from editions.places import editions_dir
from editions.verify import verify
from ledger import tables
from ledger.files import PART
from ledger.settings import PROJECT_DIR
from ledger.store import open_ledger, rows
from tests import small_night, soak_zone
from tests.command_line import jifen
from tests.e2e.installation import Installation
from tests.progress import say
from tests.project_copy import ROOMS, run_in_copy
from tests.unit.small_edition import BESIDE, TABLES, fill
from tests.unit.small_programme import PROGRAMME
from tests.unit.test_packages import BANK, SCORES

FIRST_DAY = date(2025, 7, 1)
NIGHT_AT = timedelta(hours=22, minutes=30)
CALENDAR_ON = date(2025, 11, 5)
"""The State Council published the calendar of 2026 on the day before."""
NEXT_RULES = "zhongkai-2026"
BACKUP_EVERY, RETENTION_EVERY, LOOK_EVERY, MEASURE_EVERY = 7, 30, 15, 10
SETTLED_AFTER = 50
"""From that night on nothing may grow that is not data."""
OPEN = ("descriptors", "threads", "children", "temporary_files")
MAY_GROW_KB = 100
"""So much memory a night may add after that: a tenth of a per cent of what the process holds."""
CODES = (0, 1, 4, 5)
"""Exit codes of nights: no failure, a delivery failed, a critical source failed, another source failed."""
SUITES = "rankings points reasons supply evidence identity_names identity_review data_flags edition ext_bank__scores"
POLICY = {
    "editions": {"all_days": 60, "month_ends_days": 200},
    **dict.fromkeys(("raw", "quarantine", "reports"), 90),
    **dict.fromkeys(("landed", "logs"), 60),
    "splits": 30,
    "candidates": 7,
}
"""Short, so that a year shows what years would."""


class _Clock(type):
    """The type of `Clock`: what is a moment for the real `datetime` is one for it."""

    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, datetime)


class Clock(datetime, metaclass=_Clock):
    """`datetime` whose present is the soak's own; it goes on at the pace of the real one."""

    ahead = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        """The present."""
        return datetime.now(UTC).astimezone(tz) + cls.ahead if tz else datetime.now() + cls.ahead  # noqa: DTZ005

    @classmethod
    def put(cls, moment: datetime) -> None:
        """Set it."""
        cls.ahead = moment - datetime.now(UTC)


def replace_everywhere(**new: Any) -> None:
    """Put these in the place of what has their name, in every module of the product that took it from another."""
    for name, value in new.items():
        for module in [module for room, module in sys.modules.items() if room.partition(".")[0] in ROOMS]:
            if name in vars(module):
                setattr(module, name, value)


def import_product() -> None:
    """Import all of it but what Prefect drives: a night without Prefect has no use for that."""
    for room in ROOMS:
        for module in pkgutil.walk_packages(import_module(room).__path__, f"{room}."):
            if not module.name.startswith(("flows.nightly", "flows.prefect_page", "cli.__main__", "expectations.gx")):
                import_module(module.name)


@dataclass
class Measured:
    """What the process and the data folder hold after some night."""

    night: int
    rss_kb: int
    descriptors: int
    threads: int
    children: int
    temporary_files: int
    ledger_bytes: int
    ledger_rows: int
    data_bytes: int
    data_files: int
    who: tuple[str, ...] = field(repr=False)
    """The threads by name: of Python's the given one, of a library's what the system shows."""


@dataclass
class Soak:
    """A year of one installation."""

    installation: Installation
    folder: Path
    dice: random.Random
    nights: int
    population: soak_zone.Population = field(init=False)
    agencies: soak_zone.Agencies = field(init=False)
    outcomes: Counter[str] = field(default_factory=Counter)
    gates: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    retained: list[tuple[int, int, int]] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)
    loaded: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for name in ("inbox", "acks", "returns"):
            (self.installation.sandbox.state / "sftp" / "bank_a" / name).mkdir()
        self.population = soak_zone.Population(random.Random(self.dice.random()))
        self.agencies = soak_zone.Agencies(self.installation.sandbox.state, random.Random(self.dice.random()))

    def command(self, *words: str, codes: Sequence[int] = (0,)) -> Any:
        """One command of the product in this process; another end than one of these is a finding."""
        done = jifen(*words, env=self.installation.environment, cwd=self.installation.sandbox.state)
        said = (done.stdout + done.stderr).decode()
        if done.returncode not in codes or "a fault of jifen itself" in said:
            self.findings.append(f"jifen {' '.join(words)}: exit code {done.returncode}: {said[-800:]}")
        return json.loads(done.stdout) if "--json" in words and done.stdout.strip() else said

    def night(self, number: int, day: date) -> str:
        """One day and its night; answers what it came to."""
        moment = datetime.combine(day, datetime.min.time(), self.installation.settings.zone) + NIGHT_AT
        Clock.put(moment)
        self.population.happen(soak_zone.HAPPENS[number % len(soak_zone.HAPPENS)], day)
        faults = self.agencies.leave(self.population, day, moment)
        self.bank_loads()
        self.rules(number, day)
        began = time.time()
        report = self.command("run", "--json", codes=CODES)
        self.outcomes[report["state"]] += 1
        if verdict := report["report"].get("verdict"):
            self.gates[verdict["state"]] += 1
        self.require_report(report, faults)
        if report["state"] == "published":
            self.findings += [
                f"edition {report['edition_id']}: {one.path} {one.message}" for one in verify(self.installation.current)
            ]
        self.age_files(began, moment)
        return " ".join([report["state"], *(f"[{fault}]" for fault in faults)])

    def require_report(self, report: dict[str, Any], faults: Sequence[str]) -> None:
        """A night without an edition says what, whose and what next; and it has a planted fault."""
        good = report["state"] in ("published", "nothing_new")
        if report["exit_code"] and not faults:
            why = [one["error"] for one in report["report"].get("deliveries", ()) if one.get("error")]
            self.findings.append(
                f"{report['as_of']}: {report['state']} without a planted fault: {report['message']} {why}"
            )
        if not good and not ("Whose: " in report["message"] and "Next: " in report["message"]):
            self.findings.append(f"{report['as_of']}: {report['state']} without what next: {report['message']}")
        if split := report["report"].get("split"):
            self.outcomes[f"split by {len(split.get('causes', ()))} causes"] += 1
            self.findings += [f"{report['as_of']}: split: {split['error']}"] if "error" in split else []
        if (self.installation.data_dir / "logs" / "faults.log").exists():
            self.findings.append(f"{report['as_of']}: logs/faults.log was written")

    def rules(self, number: int, day: date) -> None:
        """The next year's calendar on its day, or in the first nights of a short run; the next rule set before it."""
        seeds = PROJECT_DIR / "dbt_project" / "seeds"
        if (kept := self.folder / "calendar").is_dir() and (day == CALENDAR_ON or (number == 3 and day > CALENDAR_ON)):
            shutil.copytree(kept, seeds / "programme", dirs_exist_ok=True)
            shutil.rmtree(kept)
        following = (seeds / "rulesets" / "rulesets.csv").read_text(encoding="utf-8")
        if (day.month, day.day) >= (12, 30) and NEXT_RULES not in following:
            self.command("ruleset", "new", "zhongkai-2024", NEXT_RULES, "--from", f"{day.year + 1}-01-01")
            self.command("ruleset", "check")

    def bank_loads(self) -> None:
        """The bank loads its packages, answers them and moves them away."""
        receive, write_ack = (getattr(import_module("flows.receive"), name) for name in ("receive", "write_ack"))
        for package in sorted(self.installation.inbox(".tar")):
            received = receive(package, self.folder / "bank", "bank_a", None)
            write_ack(received, self.installation.sandbox.state / "sftp" / "bank_a" / "acks", "bank_a", "accepted")
            self.loaded[received.state] += 1
            for one in package.parent.glob(f"{package.name}*"):
                one.unlink()

    def age_files(self, since: float, moment: datetime) -> None:
        """What tonight wrote was written by the soak's clock: retention asks the age of files."""
        for path in self.installation.data_dir.glob("[clrs]*/*"):
            if path.parent.name in POLICY and path.stat().st_mtime >= since:
                os.utime(path, (moment.timestamp(), moment.timestamp()))

    def keep_installation(self, number: int) -> None:
        """What an operator does besides: backups, retention, and looking at what there is."""
        if number % BACKUP_EVERY == BACKUP_EVERY - 1:
            self.command("backup", str(self.folder / "backups"), "--json")
        if number % RETENTION_EVERY == min(RETENTION_EVERY, self.nights) - 2:
            before, _ = size_of(self.installation.data_dir)
            self.command("retention", "--apply", "--policy", str(self.folder / "retention.yml"), "--json")
            self.retained.append((number + 1, before, size_of(self.installation.data_dir)[0]))
        if number % LOOK_EVERY == min(LOOK_EVERY, self.nights) - 1:
            for words in (("status",), ("runs", "list"), ("deliveries", "list"), ("ledger", "verify")):
                self.command(*words, "--json")

    def measure(self, number: int) -> Measured:
        """What is held and open now."""
        gc.collect()
        ledger = open_ledger(self.installation.settings)
        with ledger.connect() as connection:
            count = sum(
                connection.execute(select(func.count()).select_from(one)).scalar_one()
                for one in tables.metadata.tables.values()
            )
        ledger.dispose()
        tasks = list(Path("/proc/self/task").iterdir())
        data_bytes, data_files = size_of(self.installation.data_dir)
        return Measured(
            number + 1,
            rss_kb(),
            len(os.listdir("/proc/self/fd")),  # noqa: PTH208
            len(tasks),
            sum(len((task / "children").read_text().split()) for task in tasks),
            len(list(Path(tempfile.gettempdir()).iterdir())),
            sum(path.stat().st_size for path in self.installation.data_dir.glob("ledger.sqlite*")),
            count,
            data_bytes,
            data_files,
            thread_names(tasks),
        )

    def run(self, first: date, minutes: float) -> None:
        """All nights, or as many as these minutes of a processor are enough for."""
        self.population.begin(first)
        for number in range(self.nights):
            if cpu_seconds() > minutes * 60:
                self.findings.append(f"only {number} of {self.nights} nights in {minutes:g} minutes of a processor")
                break
            day, began = first + timedelta(days=number), cpu_seconds()
            try:
                outcome = self.night(number, day)
                self.keep_installation(number)
            except Exception as error:  # noqa: BLE001 - nothing may leave a command of the product but its exit code
                self.outcomes["unhandled"] += 1
                self.findings.append(outcome := f"{day}: unhandled {error!r}")
            self.rss.append(rss_kb())
            say(f"{day} {outcome}: {cpu_seconds() - began:.1f} s, {self.rss[-1] / 1024:.0f} MB")
            if number % MEASURE_EVERY == MEASURE_EVERY - 1 or number == self.nights - 1:
                self.measured.append(self.measure(number))

    def at_the_end(self) -> None:
        """What must hold after all nights."""
        self.command("ledger", "verify", "--json")
        ledger = open_ledger(self.installation.settings)
        for row in rows(ledger, select(tables.editions)):
            self.kinds[row["kind"]] += 1
            path = editions_dir(self.installation.data_dir) / row["edition_id"]
            found = [one for one in verify(path, row["manifest_sha256"]) if one.problem != "dropped"]
            self.findings += [f"edition {row['edition_id']}: {one.path} {one.message}" for one in found]
        running = rows(ledger, select(tables.runs).where(tables.runs.c.state == "running"))
        self.findings += [f"run {row['run_id']} still says running" for row in running]
        ledger.dispose()
        self.command("backup", str(self.folder / "backups"), "--json")
        self.command("restore", str(self.folder / "backups"), "--check", "--json")
        left = [*self.installation.data_dir.rglob(f"*{PART}"), *editions_dir(self.installation.data_dir).glob(".*")]
        self.findings += [f"left behind: {path}" for path in left]
        self.findings += self.grown()

    def grown(self) -> Iterator[str]:
        """What grew that is not data."""
        first, last = self.measured[0], self.measured[-1]
        for name in OPEN:
            if getattr(last, name) > getattr(first, name):
                yield f"{name}: {getattr(first, name)} after night {first.night}, {getattr(last, name)} at the end"
        if last.threads > first.threads:
            yield f"threads more than at first: {dict(Counter(last.who) - Counter(first.who))}"
        if (slope := self.slope()) is not None and slope > MAY_GROW_KB:
            yield f"memory grows by {slope:.0f} KB a night after night {SETTLED_AFTER}"

    def slope(self) -> float | None:
        """By how many KB a night the memory grows after it has settled, by least squares."""
        settled = self.rss[SETTLED_AFTER:]
        if len(settled) < SETTLED_AFTER:
            return None
        middle, mean = (len(settled) - 1) / 2, sum(settled) / len(settled)
        across = sum((at - middle) * (one - mean) for at, one in enumerate(settled))
        return across / sum((at - middle) ** 2 for at in range(len(settled)))

    def report(self, wall: float) -> None:
        """The table."""
        first, last, count = self.measured[0], self.measured[-1], len(self.rss)
        nights = max(last.night - first.night, 1)
        ledger_kb = (last.ledger_bytes - first.ledger_bytes) / 1e3
        states = ", ".join(f"{n} {state}" for state, n in self.outcomes.most_common())
        slope = self.slope()
        trend = (
            "too few nights for a trend" if slope is None else f"{slope:+.1f} KB a night after night {SETTLED_AFTER}"
        )
        settled = self.rss[min(SETTLED_AFTER, count) - 1]
        a_night = (f"{one / nights:.1f}" for one in (last.ledger_rows - first.ledger_rows, ledger_kb))
        dropped = (f"night {night} {old / 1e6:.1f} to {new / 1e6:.1f} MB" for night, old, new in self.retained)
        left_open = (f"{getattr(last, name)} ({getattr(first, name)}) {name}" for name in OPEN)
        say(
            f"nights: {count} of {self.nights}: {states}; gate: {dict(self.gates)}; editions: {dict(self.kinds)}",
            f"happened: {self.population.happened}",
            f"failed: {sum(self.agencies.failed.values())}: {self.agencies.failed}",
            f"bank: {dict(self.loaded)} packages",
            f"memory: {settled / 1024:.0f} MB after night {min(SETTLED_AFTER, count)}, "
            f"{self.rss[-1] / 1024:.0f} MB at the end, {trend}",
            f"ledger: {last.ledger_bytes / 1e6:.1f} MB, {last.ledger_rows} rows; rows and KB a night: "
            + ", ".join(a_night),
            f"data folder: {last.data_bytes / 1e6:.1f} MB in {last.data_files} files; retention: {', '.join(dropped)}",
            f"at the end (after night {first.night}): {', '.join(left_open)}",
            f"{wall:.0f} s, CPU {cpu_seconds():.0f} s, {cpu_seconds() / count:.1f} s a night",
            *(f"    {one}" for one in self.measured),
            f"{len(self.findings)} findings",
            *(f"FOUND {one}" for one in self.findings[:40]),
        )


def size_of(folder: Path) -> tuple[int, int]:
    """Bytes and number of the files below a folder."""
    sizes = [path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sum(sizes), len(sizes)


def rss_kb() -> int:
    """What this process holds in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def thread_names(tasks: Sequence[Path]) -> tuple[str, ...]:
    """The name of each thread of this process."""
    named = {str(one.native_id): one.name for one in threading.enumerate()}
    return tuple(sorted(named.get(task.name) or (task / "comm").read_text().strip() for task in tasks))


def cpu_seconds() -> float:
    """Of this process and what it started that has ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def ruleset_on(day: date) -> str:
    """The rule set of points that is in force on a day."""
    from editions.score.ruleset import known_rulesets

    found = known_rulesets(PROJECT_DIR / "dbt_project")
    return next(
        str(row["ruleset_id"])
        for row in found
        if row["scheme"] == "points"
        and str(row["valid_from"]) <= str(day)
        and (not row["valid_to"] or str(day) <= str(row["valid_to"]))
    )


def put_in_force(suites: Path, installation: Installation) -> None:
    """The soak's clock, agencies and recipients in place of the product's, and small models in place of dbt's."""
    from connectors.inputs import lay_out
    from connectors.sink_files import Acknowledgement, ExtractSink
    from expectations.gate import audit
    from flows import diff, recipe, run

    def build_small(candidate: Candidate, day: date, *_: object, ruleset_id: str = "") -> BuildReport:
        sql = TABLES + PROGRAMME + BESIDE
        fill(candidate, soak_zone.tables_of(candidate.inputs, sql, day, ruleset_id or ruleset_on(day)))
        return BuildReport({"success": 7}, 7, 9, (), (), Path())

    def build(night: Any, supplied: Any) -> tuple[Candidate, BuildReport]:
        candidate = new_candidate(installation.data_dir, night.run_id)
        lay_out(candidate.inputs, night.sources, supplied, installation.data_dir, night.decisions)
        return candidate, build_small(candidate, night.as_of)

    answers = Acknowledgement(folder="acks", working_days=2)
    sent = {SCORES: BANK.tables[SCORES]}
    sinks = [
        one.model_copy(update={"acknowledged": answers, "tables": sent}) if isinstance(one, ExtractSink) else one
        for one in small_night.sinks()
    ]
    replace_everywhere(
        datetime=Clock, read_sources=soak_zone.sources, read_sinks=lambda: sinks, readable_sinks=lambda: sinks
    )
    recipe.Dbt = small_night.NoDbt
    recipe.audit = partial(audit, suites_dir=suites, required=())
    diff.build_upon = build_small
    steps = replace(recipe.PLAIN_STEPS, build=build)
    run.run_night = partial(recipe.run_night, steps=steps)


def prepare(folder: Path) -> Path:
    """The suites of an edition, the policy, and a project of before the next calendar; answers where the suites are."""
    suites = folder / "suites"
    suites.mkdir()
    for name in SUITES.split():
        shutil.copy(PROJECT_DIR / "expectations" / "suites" / f"{name}.yml", suites)
    (folder / "retention.yml").write_text(yaml.safe_dump(POLICY), encoding="utf-8")
    seeds = PROJECT_DIR / "dbt_project" / "seeds" / "programme"
    (folder / "calendar").mkdir()
    for name in ("working_years.csv", "working_day_exceptions.csv"):
        shutil.copy(seeds / name, folder / "calendar")
        lines = (seeds / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(f"{CALENDAR_ON.year + 1}")]
        (seeds / name).write_text("".join(kept), encoding="utf-8")
    return suites


def soak(folder: Path, asked: argparse.Namespace) -> int:
    """Run the nights in this process, which works in the copy of the project."""
    began = time.monotonic()
    suites = prepare(folder)
    import_product()
    with small_night.receivers(folder / "state") as around:
        installation = replace(Installation(folder / "data", around), retry_seconds=15)
        put_in_force(suites, installation)
        found = Soak(installation, folder, random.Random(asked.seed), asked.nights)
        found.run(asked.first_day, asked.minutes)
        found.at_the_end()
        found.report(time.monotonic() - began)
    return int(bool(found.findings))


def main() -> int:
    """Copy the project, and soak it in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--first-day", type=date.fromisoformat, default=FIRST_DAY)
    parser.add_argument("--seed", type=int, default=20250701)
    parser.add_argument("--minutes", type=float, default=60, help="of a processor; fewer nights are a finding")
    parser.add_argument("--within", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.within:
        return soak(asked.within, asked)
    return run_in_copy("tests.soak")


if __name__ == "__main__":
    raise SystemExit(main())
