"""The fault matrix: each kind of fault, in each position, against each dataset, and what became of it."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from connectors.pull import Pulled
from connectors.spec import Dataset, Source
from sandbox.acceptance.judge import RowDifference, judge, same
from sandbox.acceptance.store import TrialStore, key_of
from sandbox.acceptance.trial import Trial, at_work

if TYPE_CHECKING:
    from sandbox.standin.kinds import FaultKind

POSITIONS = ("first", "middle", "last")
OUTCOMES = {
    "right": "what is held is what the agency has, in every row and value",
    "later": "some of it was left for the next run, as this fault or a note of the batch allows, and came with it",
    "refused": "it is not, and for each difference a quarantine line about that very record says why",
    "loud stop": "nothing of the delivery counts, and the error names whose fault it is",
    "not met": "the fault was planned and the pull never ran into it, so the cell shows nothing",
    "gave up": "a loud stop, though this fault passes and another attempt would have been right",
    "unforeseen": "a loud stop, but the error is none of the four classes: a fault of ours",
    "broken": "the stand-in or the kit itself failed, so the cell shows nothing",
    "stuck": "the stop was loud, but once the agency is well again the next pull is not right",
    "silent wrong": "what is held differs from what the agency has, and no quarantine line reports it",
}
WRONG = frozenset({"gave up", "unforeseen", "broken", "stuck", "silent wrong"})
"""Outcomes that no cell may have."""

CALM_TRIES = 5
CALM_SECONDS = 0.2

FOUR_CLASSES = frozenset({"config", "agency", "transient", "data"})

Truth = list[dict[str, Any]]


@dataclass(frozen=True)
class Cell:
    """One fault in one position of one dataset; `outcome` and `why` once it was run."""

    kind: str
    source: str
    dataset: str
    driver: str
    position: str
    outcome: str = ""
    why: str = ""
    seconds: float = 0.0

    def plan(self) -> dict[str, Any]:
        """The line of a fault plan that brings this cell about."""
        return {"kind": self.kind, "source": self.source, "dataset": self.dataset, "position": self.position}


def cells_of(
    source: Source, datasets: Sequence[Dataset], kinds: "Mapping[str, FaultKind]", positions: Sequence[str] = POSITIONS
) -> Iterator[Cell]:
    """Every cell of these datasets of a source, in a fixed order."""
    for name, kind in kinds.items():
        for dataset in datasets:
            if kind.applies(source, dataset):
                for position in positions:
                    yield Cell(name, source.name, dataset.name, source.driver, position)


def run_cells(trial: Trial, cells: Iterable[Cell]) -> Iterator[Cell]:
    """Run these cells of one source, each in a scratch folder that is gone afterwards."""
    for cell in cells:
        with at_work(trial):
            try:
                yield run_cell(trial, cell)
            except Exception as error:  # noqa: BLE001 - one cell that breaks must not hide the others
                _calm(trial)
                yield replace(cell, outcome="broken", why=f"{type(error).__name__}: {error}")


def _calm(trial: Trial) -> None:
    """Clear the plan of an agency that could not take one up; after `CALM_TRIES` the next cell fails too."""
    for _ in range(CALM_TRIES):
        with suppress(Exception):
            trial.agency.set_faults([])
            return
        time.sleep(CALM_SECONDS)


def run_cell(trial: Trial, cell: Cell) -> Cell:
    """Pull the dataset under this fault in a fresh store, judge it, and see whether it heals."""
    began = time.monotonic()
    dataset, kind = trial.source.dataset(cell.dataset), trial.kinds[cell.kind]
    with trial.store() as store:
        trial.agency.set_faults([])
        trial.pull_parents(store, dataset)
        if kind.again:
            store.pull(trial.source, dataset)
        healthy = len(store.promoted(dataset))
        trial.agency.clear_requests()
        trial.agency.set_faults([cell.plan()])
        try:
            pulled = store.pull(trial.source, dataset)
            sick = trial.truth(dataset)
            outcome, why = _judged(store, dataset, pulled, kind, sick, healthy)
            met = _was_met(trial, cell)
        finally:
            trial.agency.set_faults([])
        if outcome == "right" and not met:
            outcome, why = "not met", f"{pulled.state}, but the fault never showed"
        elif outcome not in ("refused", "silent wrong", "unforeseen"):
            outcome, why = _healed(trial, store, dataset, sick, outcome, why)
            if outcome == "loud stop" and kind.expected == "right":
                outcome = "gave up"
    return replace(cell, outcome=outcome, why=why, seconds=round(time.monotonic() - began, 3))


def _judged(
    store: TrialStore, dataset: Dataset, pulled: Pulled, kind: "FaultKind", sick: Truth, healthy: int
) -> tuple[str, str]:
    """What became of a pull under a fault, before the agency is well again."""
    if pulled.state == "failed":
        if len(store.promoted(dataset)) > healthy:
            return "silent wrong", f"the pull failed and a batch was promoted all the same: {pulled.message}"
        outcome = "loud stop" if pulled.whose in FOUR_CLASSES else "unforeseen"
        return outcome, f"{pulled.whose}: {pulled.message}"
    found = judge(store, dataset, sick)
    if found.silent:
        shown = "; ".join(str(one) for one in found.silent[:3])
        named = any(note.startswith("unmatched:") for note in pulled.counts or {})
        held_back = (kind.later or named) and all(one.kind == "missing" for one in found.silent)
        return (
            "later" if held_back else "silent wrong",
            f"{len(found.silent)} differences that no line reports: {shown}",
        )
    rules = Counter(line["rule"] for line in store.refusals(dataset))
    refused = ", ".join(f"{rule} {count}" for rule, count in rules.items())
    return found.outcome, refused or pulled.state


def _was_met(trial: Trial, cell: Cell) -> bool:
    """Whether the agency's journal shows the fault, or a refusal (401) by an agency that accepts us on a healthy day.

    Files and tables keep no journal: a fault that applies to them is met by every pull.
    """
    journal = trial.agency.requests() if trial.source.driver == "rest" else None
    return journal is None or any(cell.kind in one.get("faults", ()) or one["status"] == 401 for one in journal)


def _healed(trial: Trial, store: TrialStore, dataset: Dataset, sick: Truth, outcome: str, why: str) -> tuple[str, str]:
    """The agency is well again: the next pull in the same store must be right, but for records that were refused.

    Of an upsert a refused record does not come again by itself: it is fixed and replayed.
    """
    again = store.pull(trial.source, dataset)
    if again.state == "failed":
        return "stuck", f"after {outcome} ({why}) the next pull fails: {again.message}"
    found = judge(store, dataset, trial.truth(dataset)).differences
    differ = [one for one in found if not _is_unannounced(dataset, one, sick)]
    if differ:
        return "stuck", f"after {outcome} ({why}) the next pull is {again.state}, but {'; '.join(map(str, differ[:3]))}"
    return outcome, why


def _is_unannounced(dataset: Dataset, one: RowDifference, sick: Truth) -> bool:
    """Whether an agency withdrew a value, record or key without a tombstone: no pull can notice it."""
    sent = next((row for row in sick if key_of(dataset, row) == one.key), None)
    if dataset.load != "upsert" or one.kind == "missing":
        return dataset.since is not None and sent is None
    return sent is not None and (one.kind == "extra" or same(sent[str(one.column)], one.held))


def totals(cells: Iterable[Cell]) -> list[tuple[str, str, dict[str, int]]]:
    """The matrix as one line for each kind and driver: outcome -> count, in the order of `OUTCOMES`."""
    counted: dict[tuple[str, str], Counter[str]] = {}
    for cell in cells:
        counted.setdefault((cell.kind, cell.driver), Counter())[cell.outcome] += 1
    return [(*place, {outcome: count[outcome] for outcome in OUTCOMES}) for place, count in sorted(counted.items())]
