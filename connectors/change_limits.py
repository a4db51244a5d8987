"""The change budget: how much of a dataset may change overnight, by `change_limits.yml`, its source file, its past."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from connectors.spec import COUNTED, MAY_GO_PCT, Budget, Change, Dataset
from connectors.strict import Rules, Strict
from ledger.yaml_file import read_yaml

if TYPE_CHECKING:
    from connectors.changes import Changes

LIMITS_FILE = Path(__file__).with_name("change_limits.yml")


class Learning(Strict):
    """How limits are learnt: `margin` times the most of the last `batches`, and never more than `ceiling_pct`."""

    batches: int = Field(gt=0)
    margin: float = Field(ge=1)
    ceiling_pct: float = Field(gt=0, le=100)


class Drift(Strict):
    """How far new records may differ as a whole from those held: the factor of a median, and shares."""

    median: float = Field(gt=1)
    sign: float = Field(gt=0, le=1)
    category: float = Field(gt=0, le=1)
    empty: float = Field(gt=0, le=1)
    order: float = Field(gt=0, le=1)


class KinDrift(Drift):
    """How far records may differ from the last of the same enterprises, each beside its own.

    `rank`: 0 where the enterprises keep their order in a number, 1 where the new order has nothing to do with the last.
    `jump`, `moved`: the share whose number is more than `jump` times the last one or less than that part of it,
    and the share whose category is another.
    """

    rank: float = Field(gt=0, le=2)
    jump: float = Field(gt=0, le=1)
    moved: float = Field(gt=0, le=1)


class Drifts(Strict):
    """The limits of drift, for records beside the same enterprises' last (`kin`) and beside all.

    Drift beside all is reported, and holds a batch only once `learnt_from` batches of the dataset had such a figure.
    """

    least: int = Field(gt=0)
    """How many records are needed on both sides before a share or a median is compared."""
    learnt_from: int = Field(gt=0)
    kin: KinDrift
    all: Drift


class ChangeLimits(Strict):
    """The shipped limits."""

    learn: Learning
    counts: dict[str, Budget]
    backdated_days: int = Field(gt=0)
    """How long before the business date the day of a new record is taken for backdated."""
    leap: float = Field(gt=1)
    """By what factor a number leaps that is hardly of the same enterprise."""
    jump: float = Field(gt=1)
    """By what factor it jumps as few enterprises do in a period."""
    drift: Drifts

    def _rules(self) -> Rules:
        fault = f"counts has each of {', '.join(COUNTED)}, and no other"
        yield self.counts.keys() == {*COUNTED}, fault


@dataclass(frozen=True)
class Beyond:
    """A figure that is more than may be: what, found, of how many records held (None for a factor), the limit.

    `period` says of which period the records are, where it is of one alone.
    """

    what: str
    found: float
    of: int | None
    may: float
    period: str = ""

    def __str__(self) -> str:
        """A figure in words: `changed:grade 1,956 of 1,956, at most 10 allowed`."""
        of = f" of {self.of:,}" if self.of is not None else ""
        of += f" ({self.period})" if self.period else ""
        return f"{self.what} {self.found:,.10g}{of}, at most {self.may:,.4g} allowed"


@cache
def shipped() -> ChangeLimits:
    """The limits of `change_limits.yml`."""
    return ChangeLimits.model_validate(read_yaml(LIMITS_FILE.read_bytes()))


def beyond(dataset: Dataset, found: "Changes", past: Sequence[Mapping[str, Any]]) -> list[Beyond]:
    """What changed more than may; `past` are the changes of the last batches that were let in without a person."""
    past = past[-shipped().learn.batches :]
    return [*_counts_beyond(dataset, found, past), *_drift_beyond(dataset, found, past)]


def changed_in_words(dataset: Dataset, found: "Changes") -> str | None:
    """What a batch that landed changed, the most first: `changed:grade 4, added 2, of 1,956 records`."""
    counts = sorted(found.counts.items(), key=lambda one: (-one[1], one[0]))
    parts = [f"{name} {count:,}" for name, count in counts]
    unlike = "".join(f"; unlike those held: {one}" for one in _unlike(dataset, found))
    return f"{', '.join(parts)}, of {found.held:,} records{unlike}" if parts else None


def warned_in_words(found: "Changes") -> str | None:
    """What a person should look at in a batch that landed: changes of records that were held already."""
    parts = [
        f"{what} {count:,}{first}"
        for what, count, first in (
            ("held records revised or gone", found.revised, f" (first: {', '.join(found.revised_first)})"),
            ("new records that copy a held one", found.counts.get("copied", 0), ""),
            ("new records whose key is a held one but for case or zeros", found.counts.get("respelled", 0), ""),
            ("new records of a day long past", found.counts.get("backdated", 0), ""),
        )
        if count
    ]
    return "; ".join(parts) or None


def _counts_beyond(dataset: Dataset, found: "Changes", past: Sequence[Mapping[str, Any]]) -> Iterator[Beyond]:
    leapt = {name: int(n) for name, n in found.drift.items() if name.startswith("leapt:")}
    for name, count in {**found.counts, **leapt}.items():
        of_all = [(one["counts"].get(name, 0), one["held"]) for one in past if one.get("held")]
        of_one = [part[:2] for one in past for part in one.get("periods", {}).get(name, ())]
        whole = (count, found.held, "", of_all)
        for n, of, period, before in (whole, *((*part, of_one) for part in found.periods.get(name, ()))):
            may = may_be(dataset, name, of, [some / of_then for some, of_then in before])
            if n > may:
                # One figure of a name is enough: that of the whole, or of the first period that has too many.
                yield Beyond(name, n, of, may, period)
                break


def may_be(dataset: Dataset, name: str, held: int, shares: Sequence[float] = ()) -> float:
    """How many records may change: as declared or shipped, more where the past had more, up to the ceiling."""
    budget = budget_of(dataset, name)
    learn = shipped().learn
    learnt = min(100 * learn.margin * max(shares, default=0), learn.ceiling_pct) if _is_learnt(name) else 0
    return max(budget.few, held * max(budget.pct, learnt) / 100)


def _is_learnt(name: str) -> bool:
    """Whether a limit is learnt: never for moves of a source file, nor for changes that no correction makes."""
    return not name.startswith(("move:", "scaled:", "negated:", "exchanged:", "leapt:", "copied", "respelled"))


def declared(dataset: Dataset) -> Change:
    """The change budget of a source file; an empty one where it is not watched."""
    return dataset.change if isinstance(dataset.change, Change) else Change()


def budget_of(dataset: Dataset, name: str) -> Budget:
    """The budget of one count of a dataset: its move's, its column's, its own, or the shipped one."""
    from connectors.changes import kind_of

    what, _, column = name.partition(":")
    change = declared(dataset)
    if what == "move":
        return change.moves[column]
    if what in ("changed", "emptied") and column in change.columns:
        return change.columns[column]
    if what == "changed":
        kinds = {one.name: kind_of(one) for one in dataset.columns}
        what = f"changed_{kinds[column]}"
    return change.counts.get(what) or _let_go(dataset, what) or shipped().counts[what]


def _let_go(dataset: Dataset, what: str) -> Budget | None:
    """The budget of vanished records where a source file allows a larger loss than the default."""
    shrink: int = getattr(dataset.deletes or dataset.continuity, "shrink_pct", None) or 0
    return Budget(pct=shrink) if what == "vanished" and shrink > MAY_GO_PCT else None


def _drift_beyond(dataset: Dataset, found: "Changes", past: Sequence[Mapping[str, Any]]) -> Iterator[Beyond]:
    """The drift beyond its limits; beside all only where it is learnt, for a night often brings records of one kind."""
    for one in _unlike(dataset, found):
        before = [drift[one.what] for drift in (batch.get("drift", {}) for batch in past) if one.what in drift]
        is_learnt = len(before) >= shipped().drift.learnt_from and one.found > shipped().learn.margin * max(before)
        if is_learnt or not one.what.startswith("all."):
            yield one


def _unlike(dataset: Dataset, found: "Changes") -> Iterator[Beyond]:
    drift, own = shipped().drift, declared(dataset).drift
    for name, value in found.drift.items():
        what = name.partition(":")[0]
        if what != "leapt":
            scope, _, measure = what.partition(".")
            limit = own.get(name, getattr(drift.kin if scope == "kin" else drift.all, measure))
            if value > limit:
                yield Beyond(name, value, None, limit)
