"""Kill whole nights, let the next run go on without a person, and check what is left.

`python -m tests.kill_sweep` kills a night by SIGKILL, with its dbt, at crash points (between two durable operations;
`tests.crash_points`) and at random moments, starts the same command again until it ends, and compares what is left with
a night that was never killed: ledger, journal, editions, what the bank and the channels received, and `current` as a
reader saw it all the while. It prints a table and each finding; exit code 1 where there is one.

A night here is `jifen run` in a process forked from one that has imported everything. Where a candidate's inputs are
those of a build that is known, byte for byte, what dbt made of them is copied and dbt is not started again: an edition
is a function of its inputs (`tests.rebuild_sweep`). `--real N` of the random kills strike nights with dbt itself.
"""

import argparse
import ctypes
import hashlib
import json
import logging
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import import_module
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import yaml
from sqlalchemy import select

from cli.ledger import journal_heads
from editions.candidate import Candidate
from editions.durable import remove_tree
from editions.places import editions_dir
from editions.verify import verify
from ledger import tables
from ledger.files import PART, file_sha256
from ledger.journal import breaks, differences
from ledger.store import open_ledger, rows
from sandbox.start import start
from tests import small_night
from tests.crash_points import Point, Watch, die, find_the_disk_full, photograph
from tests.e2e.installation import Installation
from tests.progress import say
from tests.unit.small_edition import unchanged

RESTARTS = 3
POLL_SECONDS = 0.004
RECEIVERS = (
    "webhook",
    *(f"sftp/{name}" for name in ("bank_a/inbox", "bank_a/returns", "bank_b/returns", "talent/returns")),
)
SEED = 20250630
REAL_BUILD_SECONDS = 30
LEFT_OUT = {
    "bank_b": (),
    "finance": (
        *("leases", "lease_payments", "subsidy_claims", "subsidy_payments", "guarantees", "guarantee_claims"),
        *("pool_funds", "bank_feedback", "policy_claims", "need_events"),
    ),
    "patent": ("applications", "software_and_layouts"),
    "science": ("awards", "venture_investments", "contest_results", "successions"),
    "talent": ("headcounts", "persons"),
    "tax": ("vat_returns",),
}
"""What the small zone is not supplied with: every kind of access and of load is left, and what is critical."""
NEEDS_ROOM = ("mkdir", "fsync", "commit", "symlink", "link")
NAMED_ANEW = ("inputs", "batches", "returns", "landed")
"""What is named otherwise where a delivery could not be landed and was fetched again as a batch of its own."""
Act = Callable[[Point], None]


@dataclass(frozen=True)
class Builds:
    """What dbt made of inputs that were built before, by the hash of the inputs."""

    folder: Path
    is_used: bool = True

    @staticmethod
    def _key(inputs: Path) -> str:
        files = sorted(path for path in inputs.rglob("*") if path.is_file())
        listing = "".join(f"{path.relative_to(inputs)} {file_sha256(path)}\n" for path in files)
        return hashlib.sha256(listing.encode()).hexdigest()

    def keep(self, candidate: Candidate) -> None:
        """Keep what a build left, before anything else is written into it."""
        store = self.folder / self._key(candidate.inputs)
        store.mkdir(parents=True)
        shutil.copy(candidate.warehouse, store)
        shutil.copytree(candidate.target, store / "target")
        shutil.copytree(candidate.logs, store / "logs")

    def run(self, command: Sequence[str], **named: Any) -> Any:
        """In place of `subprocess.run` of dbt: its work copied where the inputs are known, itself otherwise."""
        candidate = Candidate("", Path(named["cwd"]))
        store = self.folder / self._key(candidate.inputs)
        if not (self.is_used and store.is_dir()):
            done = subprocess.run(command, **named)  # noqa: PLW1510 - the caller says
            if done.returncode == 0 and not store.is_dir():
                self.keep(candidate)
            return done
        shutil.copy(store / candidate.warehouse.name, candidate.path)
        shutil.copytree(store / "target", candidate.target, dirs_exist_ok=True)
        shutil.copytree(store / "logs", candidate.logs, dirs_exist_ok=True)
        return SimpleNamespace(returncode=0)


@dataclass(frozen=True)
class Ended:
    """How one process of a night ended, and what a reader of `current` saw of it."""

    code: int
    seen: tuple[str, ...]


@dataclass
class Killed:
    """One kill and what came of it."""

    how: str
    died: bool
    restarts: int = 0
    repeats: int = 0
    findings: list[str] = field(default_factory=list)


@dataclass
class Range:
    """One installation whose night is killed again and again, each time from the same beginning."""

    folder: Path
    installation: Installation
    builds: Builds
    zone: dict[str, str] = field(default_factory=dict)
    beginning: Path | None = None
    reference: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    """Seconds of each night that ended by itself and well."""

    def begin(self, photo: Path | None = None) -> None:
        """What a photograph shows: the data folder, and what recipients hold; nothing where there is none."""
        photo = photo or self.beginning
        remove_tree(self.installation.data_dir)
        for name in RECEIVERS:
            there = self.installation.sandbox.state / name
            shutil.rmtree(there, ignore_errors=True)
            if photo is not None and (photo / name).is_dir():
                photograph(photo / name, there)
            elif name != RECEIVERS[0]:
                there.mkdir(parents=True)
        if photo is not None and (photo / "data").is_dir():
            photograph(photo / "data", self.installation.data_dir)

    def _photograph(self, point: Point) -> None:
        self._photograph_into(self._photo_of(point))

    def _photograph_into(self, photo: Path) -> None:
        for name in RECEIVERS:
            if (there := self.installation.sandbox.state / name).is_dir():
                photograph(there, photo / name)
        if self.installation.data_dir.is_dir():
            photograph(self.installation.data_dir, photo / "data")

    def _photo_of(self, point: Point) -> Path:
        return self.folder / "photos" / hashlib.sha256(str(point).encode()).hexdigest()[:16]

    def night(self, act: Act = die, points: Sequence[Point] = (), kill_after: float | None = None) -> Ended:
        """Run the night in a process of its own until it ends or is killed; watch `current` all the while."""
        began, child = time.monotonic(), os.fork()
        if not child:
            self._be_the_night(Watch(act, points))
        reader = Reader(self.installation.data_dir)
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            reader.look()
            if ended:
                break
            if kill_after is not None and time.monotonic() - began > kill_after:
                os.killpg(child, signal.SIGKILL)
                kill_after = None
            time.sleep(POLL_SECONDS)
        code = os.waitstatus_to_exitcode(status)
        self.took += [] if code else [time.monotonic() - began]
        return Ended(code, tuple(reader.seen))

    def _be_the_night(self, watch: Watch) -> None:
        code = 70
        try:
            os.setsid()
            # No night outlives the sweep.
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)
            with (self.folder / "said.txt").open("wb") as said:
                for number in (1, 2):
                    os.dup2(said.fileno(), number)
            os.environ.clear()
            os.environ.update(self.installation.environment | self.zone)
            os.chdir(self.installation.sandbox.state)
            logging.disable(logging.NOTSET)
            watch.install()
            try:
                self.run_in_this_process()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            (self.folder / "counts.json").write_text(json.dumps(watch.counts))
            sys.stdout.flush()
        finally:
            os._exit(code)

    def run_in_this_process(self) -> None:
        """Run the night, and leave with its exit code."""
        import editions.build
        from cli.app import app
        from cli.entry import leave_with

        editions.build.subprocess = SimpleNamespace(
            run=self.builds.run, DEVNULL=subprocess.DEVNULL, STDOUT=subprocess.STDOUT
        )
        sys.argv = ["jifen", "run", "--as-of", self.installation.as_of.isoformat(), "--json"]
        leave_with(app)

    def sound(self, photographed: Sequence[Point] = ()) -> list[Point]:
        """Run the night that is never killed, and learn from it what must be left, and where one can die.

        It photographs what a death at some points would leave; answers those that it came to.
        """
        self.begin()
        ended = self.night(self._photograph, photographed)
        if ended.code != 0:
            raise RuntimeError(f"the sound night ended with {ended.code}: {self._last_words()}")
        self.counts = json.loads((self.folder / "counts.json").read_text())
        self.reference = self.reference or left_of(self.installation)
        if wrong := [*ended.seen, *wrong_with(self.installation, self.reference)]:
            raise RuntimeError(f"the sound night itself is not sound: {wrong}")
        return [point for point in photographed if self._photo_of(point).is_dir()]

    def _last_words(self) -> str:
        return (self.folder / "said.txt").read_text()[-600:]

    def gone_on_from(self, point: Point) -> Killed:
        """Go on from a photograph, as the next run after a death at that point."""
        self.begin(photo := self._photo_of(point))
        killed = self._gone_on(Killed(str(point), died=True), [], -signal.SIGKILL)
        remove_tree(photo)
        return killed

    def kill(self, die_at: Point | None = None, kill_after: float | None = None) -> Killed:
        """Kill one night, start it again until it ends, and look at what is left."""
        self.begin()
        first = self.night(die, [die_at] if die_at else [], kill_after)
        how = str(die_at or f"after {kill_after:.2f} s")
        return self._gone_on(Killed(how, first.code == -signal.SIGKILL), list(first.seen), first.code)

    def kill_at_random(self, dice: random.Random, count: int, beside: float = 0.0) -> Iterator[Killed]:
        """Kill nights at any moment of the time that a whole one takes, by the median, until so many died of it."""
        while count:
            killed = self.kill(kill_after=dice.random() * (median(self.took) + beside))
            count -= killed.died
            yield killed

    def fill_disk(self, point: Point) -> Killed:
        """Let one operation of a night find the disk full, and run the night again once there is room."""
        self.begin()
        first = self.night(find_the_disk_full, [point])
        killed = Killed(f"no writing {point}", first.code not in (0, 70, -signal.SIGKILL))
        return self._gone_on(killed, list(first.seen), first.code, NAMED_ANEW)

    def _gone_on(self, killed: Killed, seen: list[str], code: int, but: Sequence[str] = ()) -> Killed:
        while code != 0 and killed.restarts < RESTARTS:
            killed.restarts += 1
            again = self.night()
            code, seen = again.code, [*seen, *again.seen]
        if code != 0:
            killed.findings.append(f"no end after {RESTARTS} restarts: {self._last_words()}")
        elif killed.restarts > 1:
            killed.findings.append(f"{killed.restarts} restarts were needed")
        killed.findings += [*seen, *wrong_with(self.installation, self.reference, but)]
        killed.repeats = repeats_at(self.installation)
        return killed


@dataclass
class SmallRange(Range):
    """A range of small nights: each the second of an installation."""

    day: date = small_night.FIRST

    def run_in_this_process(self) -> None:
        """Run the small night of the day, and leave with its exit code."""
        small_night.run(self.installation, self.day)

    def publish_first(self) -> None:
        """Run the first night; what it leaves is what each other night begins from."""
        small_night.deliver_files(self.installation.sandbox.state / "files", 0)
        self.begin()
        if (ended := self.night()).code != 0:
            raise RuntimeError(f"the first night ended with {ended.code}: {self._last_words()}")
        self._photograph_into(self.folder / "beginning")
        small_night.deliver_files(self.installation.sandbox.state / "files", 1)
        self.beginning, self.day = self.folder / "beginning", small_night.SECOND


@dataclass
class Reader:
    """A reader of `current` and of the bank's inbox: all that it finds there must be whole at every moment."""

    data_dir: Path
    last: str | None = None
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.look()

    def look(self) -> None:
        """Follow the pointer once; an edition that is new to this reader is read whole."""
        try:
            target = str((editions_dir(self.data_dir) / "current").readlink())
        except FileNotFoundError:
            if self.last is not None:
                self.seen.append(f"partial: current was {self.last} and is not there")
            return
        if target != self.last:
            self.last = target
            findings = verify(editions_dir(self.data_dir) / target)
            self.seen += [f"partial: a reader of current saw {target}: {one.path} {one.message}" for one in findings]


def left_of(installation: Installation) -> dict[str, Any]:
    """What a night leaves that is the same for every night of these facts: nothing of when, or in how many goes."""
    ledger = open_ledger(installation.settings)
    manifest = json.loads((installation.current / "manifest.json").read_bytes())
    sums = (installation.current / "SHA256SUMS").read_text().splitlines()
    found = {
        "edition": installation.current.name,
        "sums": sorted(line for line in sums if not line.endswith(" manifest.json")),
        "manifest": {name: value for name, value in manifest.items() if name not in ("ledger", "inputs")},
        # A night that goes on pulls again: pages get other numbers, which the landed file holds beside the facts.
        "inputs": [{**one, "told_by": None, "files": None} for one in manifest["inputs"]],
        "editions": sorted(path.name for path in editions_dir(installation.data_dir).iterdir()),
        "publications": [_only(one, "edition_id sequence supersedes") for one in _all(ledger, tables.publications)],
        "batches": _sorted(
            _only(one, "source dataset batch as_of content_sha256 rows_received rows_landed rows_refused")
            for one in _all(ledger, tables.batches)
            if one["state"] != "unchanged"
        ),
        "deliveries": [
            _only(one, "delivery_id edition_id recipient state number kind rows denied")
            for one in _all(ledger, tables.deliveries)
        ],
        "denials": _sorted(_all(ledger, tables.denials)),
        "returns": _sorted(
            _only(one, "source received accepted refused")
            for one in _all(ledger, tables.returns)
            if one["state"] in ("kept", "sent")
        ),
        "messages": sorted((one["message_id"], one["state"]) for one in _all(ledger, tables.outbox)),
        "refused": sorted(_refused(installation.data_dir)),
        "landed": sorted(
            str(path.relative_to(installation.data_dir)) for path in installation.data_dir.glob("landed/*/*/*/*")
        ),
        "inbox": sorted(path.name for path in installation.inbox("")),
        "told": sorted({line["id"] for line in installation.events() if not _is_alert(line)}),
        "alerts": sum(map(_is_alert, {line["id"]: line for line in installation.events()}.values())),
    }
    ledger.dispose()
    return found


def wrong_with(installation: Installation, reference: dict[str, Any], but: Sequence[str] = ()) -> list[str]:
    """What is lost, there twice, half there or different, after a night came to its end."""
    try:
        left = left_of(installation)
    except Exception as error:  # noqa: BLE001 - what cannot be read is a finding
        return [f"cannot be read: {error!r}"]
    wrong = []
    for name, value in reference.items():
        if name not in ("alerts", *but) and left[name] != value:
            wrong.append(f"{name}: {_unlike(value, left[name])}")
    # A night that died sends its operators one alert, and one more when it is over.
    if not reference["alerts"] <= left["alerts"] <= reference["alerts"] + 2:
        wrong.append(f"alerts: {left['alerts']}, of a sound night {reference['alerts']}")
    ledger = open_ledger(installation.settings)
    runs = _all(ledger, tables.runs)
    if [one["run_id"] for one in runs if one["state"] == "running"]:
        wrong.append("a run says that it is still running")
    wrong += [
        f"ledger: {one}" for one in (*breaks(ledger, dict(journal_heads(installation.settings))), *differences(ledger))
    ]
    for row in _all(ledger, tables.editions):
        found = verify(editions_dir(installation.data_dir) / row["edition_id"], row["manifest_sha256"])
        wrong += [f"edition {row['edition_id']}: {one.path} {one.message}" for one in found]
    for row in _all(ledger, tables.deliveries):
        for name, sha256 in ((row["file_name"], row["sha256"]), (f"{row['file_name']}.manifest.json", None)):
            path = installation.sandbox.state / "sftp" / row["recipient"] / "inbox" / str(name)
            if row["state"] == "sent" and (not path.is_file() or sha256 not in (None, file_sha256(path))):
                wrong.append(f"lost: {name} is sent by the ledger, and not at {row['recipient']}")
    bodies = {one["message_id"]: json.loads(one["event"]) for one in _all(ledger, tables.outbox)}
    bodies |= {one["message_id"]: json.loads(one["event"]) for one in _all(ledger, tables.alerts)}
    wrong += [f"altered: {line['id']}" for line in installation.events() if bodies.get(line["id"]) != line["event"]]
    ledger.dispose()
    swept = [*installation.data_dir.rglob(f"*{PART}"), *editions_dir(installation.data_dir).glob(".*")]
    swept += installation.data_dir.glob("landed/*/*/.batch=*")
    return wrong + [f"left behind: {path.relative_to(installation.data_dir)}" for path in swept]


def repeats_at(installation: Installation) -> int:
    """How many messages came again under the id they had: the receiver drops those by their id."""
    ids = Counter(line["id"] for line in installation.events())
    return sum(ids.values()) - len(ids)


def _all(ledger: Any, table: Any) -> list[dict[str, Any]]:
    return rows(ledger, select(table).order_by(*table.primary_key))


def _only(row: dict[str, Any], names: str) -> dict[str, Any]:
    return {name: row[name] for name in names.split()}


def _sorted(found: Any) -> list[Any]:
    return sorted(found, key=repr)


def _refused(data_dir: Path) -> set[str]:
    """What was refused and why: read again, on whatever page of a feed, it is the same refusal."""
    fields = ("action", "rule", "reason", "column", "record")
    lines = (line for path in data_dir.glob("quarantine/*/*/*.jsonl") for line in path.open(encoding="utf-8"))
    return {repr([json.loads(line).get(name) for name in fields]) for line in lines}


def _is_alert(line: dict[str, Any]) -> bool:
    kinds = ("needs_attention.v1", "source_stale.v1", "delivery_late.v1", "night.recovered.v1")
    return str(line["event"]["type"]).endswith(kinds)


def _unlike(one: Any, other: Any) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        names = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
        return "; ".join(f"{name}: {_unlike(one.get(name), other.get(name))}" for name in names[:3])
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        if all(isinstance(part, str) for part in one):
            return f"{one} became {other}"
        return "; ".join(_unlike(a, b) for a, b in zip(one, other, strict=True) if a != b)
    if isinstance(one, list) and isinstance(other, list):
        lost, new = ([x for x in a if x not in b] for a, b in ((one, other), (other, one)))
        return f"{len(one)} and {len(other)}; lost {str(lost[:2])[:600]}; more {str(new[:2])[:600]}"
    return f"{str(one)[:300]} became {str(other)[:300]}"


def points_of(counts: dict[str, int], dice: random.Random) -> list[Point]:
    """Every site: before its first time, then after its last, then before one between and the last; drawn in order."""
    turns: list[list[Point]] = [[], [], []]
    for site, times in sorted(counts.items()):
        turns[0].append(Point(site, 1, "before"))
        turns[1].append(Point(site, times, "after"))
        turns[2] += [Point(site, dice.randint(2, times), "before")] if times > 1 else []
    for turn in turns:
        dice.shuffle(turn)
    return [point for turn in turns for point in turn]


PRELOADED = (
    "great_expectations cli.app cli.night connectors.drivers.database connectors.drivers.rest connectors.drivers.sftp "
    "connectors.drivers.webhook connectors.openpgp editions.changes editions.news editions.workbook flows.run"
)
"""What a night imports, and each of many nights need not import anew."""


def main() -> int:
    """Sweep, print the table, and answer 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", default="all", help="all, or so many of them drawn by the seed")
    parser.add_argument("--sites", default="", help="only those crash points whose site has this text")
    parser.add_argument("--kills", type=int, default=100, help="so many nights are killed at a random moment")
    parser.add_argument("--full", type=int, default=0, help="at so many points the disk is full or read-only")
    parser.add_argument("--real", type=int, default=0, help="so many of those build with dbt itself")
    parser.add_argument("--small", action="store_true", help="kill small nights, which cost a second")
    parser.add_argument("--whole-district", action="store_true", help="every dataset, not those of a small zone alone")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end then, and say how many were not done")
    asked = parser.parse_args()
    for module in (small_night.PRELOADED if asked.small else PRELOADED).split():
        import_module(module)
    if asked.small:
        unchanged()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            return sweep(folder, asked)
        finally:
            for left in ("data", "photos", "beginning"):
                remove_tree(folder / left)


def sweep(folder: Path, asked: argparse.Namespace) -> int:
    """Set the range up and sweep."""
    builds, state = Builds(folder / "builds"), folder / "sandbox"
    if asked.small:
        with small_night.receivers(state) as around:
            swept = SmallRange(folder, Installation(folder / "data", around), builds)
            swept.publish_first()
            return report(swept, asked)
    with start("district", state) as sandbox:
        zone = {} if asked.whole_district else {"JIFEN_ZONE_FILE": str(small_zone(folder))}
        return report(Range(folder, Installation(folder / "data", sandbox), builds, zone), asked)


def small_zone(folder: Path) -> Path:
    """A zone file by which little is supplied: a night has every step all the same, and costs half."""
    path = folder / "small_zone.yml"
    names = (f"{source}.{name}" if name else source for source, some in LEFT_OUT.items() for name in some or ("",))
    why = dict.fromkeys(names, "left out of a sweep that runs many nights")
    path.write_text(yaml.safe_dump({"not_supplied": why}), encoding="utf-8")
    return path


def report(swept: Range, asked: argparse.Namespace) -> int:
    """Do the kills that the arguments name and print their outcomes."""
    began, dice = time.monotonic(), random.Random(asked.seed)
    swept.sound()
    swept.sound()
    points = points_of(swept.counts, dice)
    say(
        f"a sound night: {sum(swept.counts.values())} durable operations at {len(swept.counts)} sites, "
        f"{swept.took[-1]:.1f} s; {len(points)} points"
    )
    points = [point for point in points if asked.sites in point.site]
    room = [point for point in points if point.when == "before" and point.site.split()[0] in NEEDS_ROOM]
    points = swept.sound(points if asked.points == "all" else points[: int(asked.points)])
    full = dice.sample(room, min(asked.full, len(room)))
    real = replace(swept, builds=replace(swept.builds, is_used=False))
    kills: dict[str, Iterator[Killed]] = {
        "left at a crash point": map(swept.gone_on_from, points),
        "found the disk full or read-only": map(swept.fill_disk, full),
        "killed at a random moment": swept.kill_at_random(dice, asked.kills),
        "killed so, with dbt itself": real.kill_at_random(dice, asked.real, REAL_BUILD_SECONDS),
    }
    done: dict[str, list[Killed]] = {name: [] for name in kills}
    while kills and time.monotonic() - began < asked.minutes * 60:
        for name in list(kills):
            killed = next(kills[name], None)
            if killed is None:
                del kills[name]
                continue
            done[name].append(killed)
            say(f"{len(done[name])} {name}: {killed.restarts} restarts, {len(killed.findings)} findings")
            if killed.findings:
                say(f"FOUND {killed.how}:", *(f"    {finding[:1500]}" for finding in killed.findings))
    for name, wanted in zip(done, (len(points), len(full), asked.kills, asked.real), strict=True):
        each = done[name]
        say(
            f"{name}: {len(each)} done of {wanted} wanted, {sum(one.died for one in each)} died of it, "
            f"{sum(one.repeats for one in each)} repeats, {sum(bool(one.findings) for one in each)} with findings"
        )
    cost = resource.getrusage(resource.RUSAGE_CHILDREN)
    say(f"{time.monotonic() - began:.0f} s, CPU of the nights {cost.ru_utime + cost.ru_stime:.0f} s")
    return int(any(one.findings for each in done.values() for one in each))


if __name__ == "__main__":
    raise SystemExit(main())
