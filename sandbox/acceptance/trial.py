"""One source on trial: what the checks share, what a check is, and the running of them all."""

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from connectors.columns import tombstones_of
from connectors.pull import Pulled
from connectors.spec import Dataset, Source, Tombstone
from connectors.zone import Zone
from ledger.settings import Settings
from ledger.store import Row
from sandbox.acceptance.agency import WHY_NOT, Agency, abilities_of
from sandbox.acceptance.store import TrialStore, environment, open_store, states

if TYPE_CHECKING:
    from sandbox.standin.kinds import FaultKind

NO_KINDS: "Mapping[str, FaultKind]" = {}


class CheckFailedError(AssertionError):
    """What a check found wrong, and where."""


class NotApplicableError(Exception):
    """Why a check has nothing to look at in this source."""


def expect(holds: object, what: str) -> None:
    """Fail the check where this does not hold."""
    if not holds:
        raise CheckFailedError(what)


@dataclass(frozen=True)
class SourceCheckResult:
    """How one check of one source ended. `what`: figures where it passed, the fault where it failed, or the reason."""

    source: str
    check: str
    zh: str
    en: str
    state: Literal["passed", "failed", "skipped"]
    what: str
    seconds: float


@dataclass(frozen=True)
class Healthy:
    """A store after one healthy pull of every dataset, and the requests that it cost."""

    store: TrialStore
    pulled: list[Pulled]
    requests: list[dict[str, Any]]

    def required(self) -> TrialStore:
        """The store, or a failure that says which pull did not come through."""
        failed = any(one.state == "failed" for one in self.pulled)
        expect(not failed, f"a healthy pull did not come through: {states(self.pulled)}")
        return self.store


@dataclass
class Trial:
    """One source and the agency that answers for it, with a scratch folder for the stores of its checks.

    `kinds` are the faults that the agency can show; `full` looks at all of them in all positions, and at
    every checkpoint however many there are. `latency_ms` is how long the agency waits before each answer.
    """

    source: Source
    agency: Agency
    settings: Settings
    zone: Zone
    as_of: date
    kinds: "Mapping[str, FaultKind]"
    full: bool
    seed: int
    latency_ms: float = 0.0
    output: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _stores: int = 0

    @property
    def datasets(self) -> list[Dataset]:
        """The datasets that this zone is supplied with."""
        return [one for one in self.source.datasets if self.zone.why_not_supplied(one) is None]

    @property
    def abilities(self) -> frozenset[str]:
        """What the agency can do for the checks (`WHY_NOT`)."""
        return abilities_of(self.agency)

    def choose(self, what: str) -> random.Random:
        """A source of chance for one purpose: the same seed and source give the same choice."""
        return random.Random(f"{self.seed}:{self.source.name}:{what}")

    @contextmanager
    def store(self) -> Iterator[TrialStore]:
        """A fresh store; its folder stays until the end, for the search for secrets."""
        self._stores += 1
        store = open_store(self.settings, f"{self.source.name}-{self._stores}", self.zone, self.as_of, self.output)
        try:
            yield store
        finally:
            store.ledger.dispose()

    def clear_requests(self) -> None:
        """Clear the agency's journal, where it keeps one."""
        if "journal" in self.abilities:
            self.agency.clear_requests()

    def requests(self) -> list[dict[str, Any]]:
        """What reached the agency since then, as far as it shows."""
        return self.agency.requests() if "journal" in self.abilities else []

    @cached_property
    def healthy(self) -> Healthy:
        """One healthy pull of the whole source, which the checks that only look may share."""
        self.clear_requests()
        with self.store() as store:
            pulled = store.pull_all(self.source)
            return Healthy(store, pulled, self.requests())

    def truth(self, dataset: Dataset) -> list[dict[str, Any]]:
        """The rows that must be held now: what the agency has, without those that a tombstone deletes."""
        rows = self.agency.truth(self.source.name, dataset.name)
        deletes = dataset.deletes
        if not isinstance(deletes, Tombstone):
            return rows
        gone = {str(one).lower() for one in (*deletes.values, *tombstones_of(dataset, {}, ZoneInfo("UTC")))}
        return [row for row in rows if str(row[deletes.column]).lower() not in gone]

    def pull_parents(self, store: TrialStore, dataset: Dataset) -> None:
        """Pull what a dataset asks its values of, from the top."""
        if dataset.parent is not None:
            self.pull_with_parents(store, self.source.dataset(dataset.parent))

    def pull_with_parents(self, store: TrialStore, dataset: Dataset) -> Pulled:
        """Pull a dataset after its parents."""
        self.pull_parents(store, dataset)
        return store.pull(self.source, dataset)


def make_trial(
    source: Source,
    agency: Agency,
    settings: Settings,
    *,
    zone: Zone | None = None,
    kinds: "Mapping[str, FaultKind]" = NO_KINDS,
    full: bool = False,
    seed: int = 7,
) -> Trial:
    """A source on trial, with the agency's own business date where it has one.

    `kinds` are the faults that the agency can show; `full` runs all of them, not a sample drawn by `seed`.
    """
    day = getattr(agency, "as_of", None) or settings.today
    return Trial(source, agency, settings, zone or Zone(), day, kinds, full, seed)


@dataclass(frozen=True)
class LandedDataset:
    """One dataset of a trial after the healthy pull: the store, and the batch that landed in it."""

    trial: Trial
    dataset: Dataset
    store: TrialStore
    batch: Row

    @cached_property
    def pages(self) -> list[Row]:
        """The pages of the batch that count, in order."""
        return self.store.pages(self.dataset, self.batch["batch"])

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of the batch with their lineage."""
        return self.store.landed_rows(self.dataset, self.batch["batch"])

    @cached_property
    def held(self) -> list[Row]:
        """The records that stand."""
        return self.store.held(self.dataset)


@dataclass(frozen=True)
class SourceCheck:
    """One thing a source must show, and why. `look` answers figures, or raises one of the two errors above."""

    name: str
    zh: str
    en: str
    why: str
    look: Callable[[Trial], str]
    needs: frozenset[str]


def check(zh: str, en: str, *needs: str) -> Callable[[Callable[[Trial], str]], SourceCheck]:
    """Make a check of a whole source out of a function: its name, and its docstring as the reason."""

    def made(look: Callable[[Trial], str]) -> SourceCheck:
        return SourceCheck(look.__name__, zh, en, (look.__doc__ or "").strip(), look, frozenset(needs))

    return made


def check_each(zh: str, en: str, *needs: str) -> Callable[[Callable[[Trial, Dataset], str]], SourceCheck]:
    """Make a check of each dataset by itself: it passes where all those that it applies to pass."""

    def made(look: Callable[[Trial, Dataset], str]) -> SourceCheck:
        @wraps(look)
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

        return check(zh, en, *needs)(look_at_all)

    return made


def check_landed(zh: str, en: str, *needs: str) -> Callable[[Callable[[LandedDataset], str]], SourceCheck]:
    """Make a check of what the healthy pull landed, dataset by dataset."""

    def made(look: Callable[[LandedDataset], str]) -> SourceCheck:
        @wraps(look)
        def look_at_batch(trial: Trial, dataset: Dataset) -> str:
            store = trial.healthy.required()
            batches = store.landed(dataset)
            expect(batches, "nothing landed")
            return look(LandedDataset(trial, dataset, store, batches[-1]))

        return check_each(zh, en, *needs)(look_at_batch)

    return made


def run_checks(trial: Trial, checks: Sequence[SourceCheck]) -> list[SourceCheckResult]:
    """Run the checks in their order; each ends passed, failed with what and where, or skipped with the reason."""
    with at_work(trial):
        return [_run_one(trial, one) for one in checks]


@contextmanager
def at_work(trial: Trial) -> Iterator[None]:
    """A scratch folder for the stores of a trial, and the agency's variables; the data folder itself is not touched."""
    with tempfile.TemporaryDirectory(prefix="jifen-acceptance-") as scratch, environment(trial.agency.env):
        trial.settings = trial.settings.model_copy(update={"data_dir": Path(scratch), "ledger_url": None})
        yield


def _run_one(trial: Trial, one: SourceCheck) -> SourceCheckResult:
    began = time.monotonic()
    state, what = _outcome(trial, one)
    return SourceCheckResult(
        trial.source.name, one.name, one.zh, one.en, state, what, round(time.monotonic() - began, 3)
    )


def _outcome(trial: Trial, one: SourceCheck) -> tuple[Literal["passed", "failed", "skipped"], str]:
    if lacking := sorted(one.needs - trial.abilities):
        return "skipped", "; ".join(WHY_NOT[need] for need in lacking)
    try:
        if "faults" in trial.abilities:
            # Whatever a check before this one left behind.
            trial.agency.set_faults([])
        return "passed", one.look(trial)
    except NotApplicableError as reason:
        return "skipped", str(reason)
    except CheckFailedError as error:
        return "failed", str(error)
    except Exception as error:  # noqa: BLE001 - a check that breaks has not passed, and the others still run
        return "failed", f"the check itself broke: {type(error).__name__}: {error}"
