"""One source on trial: what the checks share, how one check ends, and the running of them all."""

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from connectors.columns import tombstones_of
from connectors.pull import Pulled
from connectors.spec import Dataset, Source, Tombstone
from connectors.zone import Zone
from ledger.settings import Settings
from ledger.store import Row
from sandbox.acceptance.agency import WHY_NOT, Agency, FaultKind, abilities_of
from sandbox.acceptance.house import House, environment, open_house, states


class CheckFailedError(AssertionError):
    """What a check found wrong, and where."""


class NotApplicableError(Exception):
    """Why a check has nothing to look at in this source."""


@dataclass(frozen=True)
class CheckResult:
    """How one check of one source ended. `what`: figures where it passed, the fault where it failed, or the reason."""

    source: str
    check: str
    zh: str
    en: str
    state: Literal["passed", "failed", "skipped"]
    what: str
    seconds: float


@dataclass
class Trial:
    """One source and the agency that answers for it, with a scratch folder for the houses of its checks.

    `kinds` are the faults that the agency can be told to have; `full` looks at all of them in all positions, and at
    every checkpoint however many there are. `latency_ms` is how long the agency waits before each answer.
    """

    source: Source
    agency: Agency
    settings: Settings
    zone: Zone
    as_of: date
    kinds: Mapping[str, FaultKind]
    full: bool
    seed: int
    latency_ms: float = 0.0
    said: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _houses: int = 0

    @property
    def datasets(self) -> list[Dataset]:
        """The datasets that this zone is supplied with."""
        return [one for one in self.source.datasets if self.zone.why_not_supplied(one) is None]

    def choose(self, what: str) -> random.Random:
        """A source of chance for one purpose: the same seed and source give the same choice."""
        return random.Random(f"{self.seed}:{self.source.name}:{what}")

    @contextmanager
    def house(self) -> Iterator[House]:
        """A fresh house; its folder stays until the end, for the search for secrets."""
        self._houses += 1
        house = open_house(self.settings, f"{self.source.name}-{self._houses}", self.zone, self.as_of, self.said)
        try:
            yield house
        finally:
            house.ledger.dispose()

    @cached_property
    def healthy(self) -> "Healthy":
        """One healthy pull of the whole source, which the checks that only look may share."""
        self.agency.clear_requests() if "journal" in self.abilities else None
        with self.house() as house:
            pulled = house.pull_all(self.source)
            requests = self.agency.requests() if "journal" in self.abilities else []
        return Healthy(house, pulled, requests)

    @property
    def abilities(self) -> frozenset[str]:
        """What the agency can do for us."""
        return abilities_of(self.agency)

    def truth(self, dataset: Dataset) -> list[dict[str, Any]]:
        """The rows that must be held now: what the agency has, without those that a tombstone deletes."""
        rows = self.agency.truth(self.source.name, dataset.name)
        deletes = dataset.deletes
        if not isinstance(deletes, Tombstone):
            return rows
        gone = {str(one).lower() for one in (*deletes.values, *tombstones_of(dataset, {}, ZoneInfo("UTC")))}
        return [row for row in rows if str(row[deletes.column]).lower() not in gone]


@dataclass(frozen=True)
class Healthy:
    """A house after one healthy pull: `landed` tells whether all of it landed."""

    house: House
    pulled: list[Pulled]
    requests: list[dict[str, Any]]

    def required(self) -> House:
        """The house, or a failure that says which pull did not come through."""
        if any(one.state == "failed" for one in self.pulled):
            raise CheckFailedError(f"a healthy pull did not come through: {states(self.pulled)}")
        return self.house


@dataclass(frozen=True)
class Check:
    """One thing a source must show. `look` answers figures, or raises one of the two errors above."""

    name: str
    zh: str
    en: str
    why: str
    look: Callable[[Trial], str]
    needs: frozenset[str] = frozenset()


def expect(holds: object, what: str) -> None:
    """Fail the check where this does not hold."""
    if not holds:
        raise CheckFailedError(what)


def by_dataset(look: Callable[[Trial, Dataset], str]) -> Callable[[Trial], str]:
    """A check of each dataset by itself: it passes where all those that it applies to pass."""

    def look_at_all(trial: Trial) -> str:
        passed, failed, not_applicable = [], [], []
        for dataset in trial.datasets:
            try:
                passed.append(f"{dataset.name}: {look(trial, dataset)}")
            except CheckFailedError as error:
                failed.append(f"{dataset.name}: {error}")
            except NotApplicableError as reason:
                not_applicable.append(f"{dataset.name}: {reason}")
        expect(not failed, "; ".join(failed))
        if not passed:
            raise NotApplicableError("; ".join(not_applicable) or "this zone is supplied with nothing of it")
        return "; ".join(passed)

    return look_at_all


def healthy_batch(trial: Trial, dataset: Dataset) -> tuple[House, Row]:
    """The house of the healthy pull, and the batch that it landed of one dataset."""
    house = trial.healthy.required()
    rows = house.landed(dataset)
    expect(rows, "nothing landed")
    return house, rows[-1]


def run_checks(trial: Trial, checks: Sequence[Check]) -> list[CheckResult]:
    """Run the checks in their order, and leave nothing behind."""
    with at_work(trial):
        return [_run_one(trial, check) for check in checks]


@contextmanager
def at_work(trial: Trial) -> Iterator[None]:
    """A scratch folder for the houses of a trial, and the agency's variables; the data folder itself is not touched."""
    with tempfile.TemporaryDirectory(prefix="jifen-acceptance-") as scratch, environment(trial.agency.env):
        trial.settings = trial.settings.model_copy(update={"data_dir": Path(scratch), "ledger_url": None})
        yield


def _run_one(trial: Trial, check: Check) -> CheckResult:
    began = time.monotonic()
    state, what = _outcome(trial, check)
    return CheckResult(
        trial.source.name, check.name, check.zh, check.en, state, what, round(time.monotonic() - began, 3)
    )


def _outcome(trial: Trial, check: Check) -> tuple[Literal["passed", "failed", "skipped"], str]:
    if lacking := sorted(check.needs - trial.abilities):
        return "skipped", "; ".join(WHY_NOT[need] for need in lacking)
    try:
        if "faults" in trial.abilities:
            # Whatever a check before this one left behind.
            trial.agency.set_faults([])
        return "passed", check.look(trial)
    except NotApplicableError as reason:
        return "skipped", str(reason)
    except CheckFailedError as error:
        return "failed", str(error)
    except Exception as error:  # noqa: BLE001 - a check that breaks has not passed, and the others still run
        return "failed", f"the check itself broke: {type(error).__name__}: {error}"


def today(settings: Settings) -> date:
    """The business date of a run that names none."""
    return datetime.now(settings.zone).date()
