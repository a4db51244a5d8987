"""Whether what we hold is what the agency has, and whether a quarantine line reports every difference.

A night may hold less than the agency has, as long as it reports it: a record that was refused, a value that was
discarded. It may never hold something else without a report. So each difference between the rows held and the truth
must be accounted for by a quarantine line that is about that very record; one line accounts for one record, once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connectors.columns import make_parser
from connectors.json_path import field_of
from connectors.spec import Column, Dataset
from ledger.store import Row
from sandbox.acceptance.store import Key, TrialStore, key_of

FIELD_GONE = "field_gone"
"""The note of the schema contract that a field came with no record: its column landed null, as the source file asks."""

AFTER_END = "row_after_end"
"""The note of a table that rows stand behind its declared end: one a page is the end itself."""

LONGEST = 80
"""How many characters of a value are shown."""


@dataclass(frozen=True)
class RowDifference:
    """One thing that we hold otherwise than the agency has it."""

    kind: Literal["missing", "extra", "changed"]
    key: Key
    column: str | None = None
    held: Any = None
    true: Any = None

    def __str__(self) -> str:
        place = "+".join(str(part) for part in self.key)
        if self.kind == "changed":
            return f"{place}: {self.column} is {repr(self.held)[:LONGEST]}, should be {repr(self.true)[:LONGEST]}"
        return f"{place} {'is not held' if self.kind == 'missing' else 'is held and should not be'}"


@dataclass(frozen=True)
class Judgement:
    """What differs, and which of the differences no quarantine line reports (`silent`)."""

    differences: tuple[RowDifference, ...]
    silent: tuple[RowDifference, ...]

    @property
    def outcome(self) -> Literal["right", "refused", "silent wrong"]:
        """The outcome as `matrix.OUTCOMES` names it."""
        return "silent wrong" if self.silent else "refused" if self.differences else "right"


def same(one: Any, other: Any) -> bool:
    """Equal in value and kind: 1 is not true, and 1.50 is 1.5."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def differences(dataset: Dataset, held: Sequence[Row], truth: Sequence[Mapping[str, Any]]) -> list[RowDifference]:
    """Every difference between rows held and true rows, key by key and column by column."""
    ours, theirs = _by_key(dataset, held, "held"), _by_key(dataset, truth, "in the truth")
    found = [RowDifference("missing", key) for key in theirs.keys() - ours.keys()]
    found += [RowDifference("extra", key) for key in ours.keys() - theirs.keys()]
    found += [
        RowDifference("changed", key, column.name, ours[key][column.name], theirs[key][column.name])
        for key in ours.keys() & theirs.keys()
        for column in dataset.columns
        if not same(ours[key][column.name], theirs[key][column.name])
    ]
    return sorted(found, key=lambda one: (one.kind, str(one.key), one.column or ""))


def _by_key(dataset: Dataset, rows: Sequence[Mapping[str, Any]], where: str) -> dict[Key, Mapping[str, Any]]:
    keyed: dict[Key, Mapping[str, Any]] = {}
    for row in rows:
        key = key_of(dataset, row)
        if key in keyed:
            raise ValueError(f"{dataset.address}: key {key} stands twice among the rows {where}")
        keyed[key] = row
    return keyed


def judge(store: TrialStore, dataset: Dataset, truth: Sequence[Mapping[str, Any]]) -> Judgement:
    """Compare what a store holds of a dataset with the truth, and look for the line behind each difference."""
    found = differences(dataset, store.held(dataset), truth)
    account = _Account(dataset, store, truth) if found else None
    return Judgement(tuple(found), tuple(one for one in found if account and not account.covers(one)))


class _Account:
    """The quarantine lines of a store, each of which may be drawn on once for a record it is about."""

    def __init__(self, dataset: Dataset, store: TrialStore, truth: Sequence[Mapping[str, Any]]) -> None:
        self._columns = {column.name: column for column in dataset.columns}
        self._key, self._zone = dataset.key, store.settings.zone
        self._truth = {key_of(dataset, row): row for row in truth}
        counted = [(row["batch"], row["counts"] or {}) for row in store.promoted(dataset)]
        notes = {name for _, counts in counted for name in counts}
        self._gone = {c.name for c in dataset.columns if f"{FIELD_GONE}:{c.source_field}" in notes}
        self._after_end: int = sum(
            max(0, counts[AFTER_END] - len(store.pages(dataset, batch)))
            for batch, counts in counted
            if AFTER_END in counts
        )
        held = {key_of(dataset, row) for row in store.held(dataset)}
        self._discarded: set[tuple[Key, str | None]] = set()
        self._refused: set[Key] = set()
        self._unread: list[Any] = []
        places: set[tuple[Any, ...]] = set()
        for line in store.refusals(dataset):
            key = self._key_of_line(line["key"])
            place = (line["raw_sha256"], line["label"], line["position"])
            if line["action"] == "value_discarded":
                self._discarded.add((key, line["column"]))
            elif line["action"] == "record_refused" and place not in places:
                places.add(place)
                if key not in self._truth:
                    self._unread.append(line["record"])
                elif key not in held:
                    self._refused.add(key)

    def covers(self, one: RowDifference) -> bool:
        """Whether a quarantine line or a note of the batch reports this difference; draws on that line."""
        if one.kind == "extra":
            return False
        if one.kind == "changed":
            return one.held is None and (one.column in self._gone or (one.key, one.column) in self._discarded)
        if one.key in self._refused or self._draw_by_likeness(self._truth[one.key]):
            return True
        self._after_end -= 1
        return self._after_end >= 0

    def _draw_by_likeness(self, true: Mapping[str, Any]) -> bool:
        """A record whose key was spoilt is known by its other values, or by a key that stands somewhere in its text.

        What is no record at all may be any.
        """
        for fits in (self._is_alike, self._is_named, lambda record, _: not isinstance(record, Mapping)):
            for place, record in enumerate(self._unread):
                if fits(record, true):
                    del self._unread[place]
                    return True
        return False

    def _is_alike(self, record: Any, true: Mapping[str, Any]) -> bool:
        fields = record if isinstance(record, Mapping) else {}
        compared = [
            same(self._parsed(column, field_of(fields, column.source_field)), true[column.name])
            for column in self._columns.values()
            if _has(fields, column) and true[column.name] is not None
        ]
        return bool(compared) and 2 * sum(compared) >= len(compared)

    def _is_named(self, record: Any, true: Mapping[str, Any]) -> bool:
        if isinstance(record, Mapping) and any(_has(record, column) for column in self._columns.values()):
            return False
        text = json.dumps(record, ensure_ascii=False, default=str)
        return any(isinstance(true[name], str) and true[name] in text for name in self._key)

    def _key_of_line(self, stated: Sequence[Any]) -> Key:
        if len(stated) != len(self._key):
            return ()
        return tuple(self._parsed(self._columns[name], raw) for name, raw in zip(self._key, stated, strict=True))

    def _parsed(self, column: Column, raw: Any) -> Any:
        return make_parser(column, (), self._zone)(raw)[0]


def _has(fields: Mapping[str, Any], column: Column) -> bool:
    return column.source_field in fields or field_of(fields, column.source_field) is not None
