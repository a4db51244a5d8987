"""Checks that land the raw pages of a healthy pull again: in order, in another order, under stricter rules, spoilt."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from connectors.pull import Pulled
from connectors.spec import Column, Dataset
from ledger.store import Row
from sandbox.acceptance.judge import same
from sandbox.acceptance.raw_pages import bodies, land_pages, records_of, typed
from sandbox.acceptance.store import TrialStore, key_of
from sandbox.acceptance.trial import LandedDataset, NotApplicableError, check_landed, expect

GARBAGE: Final = b"\x00\xff\xfe not a page \x80"


@contextmanager
def _landed_again(
    one: LandedDataset, dataset: Dataset, pages: Sequence[tuple[str, bytes]] | None = None
) -> Iterator[tuple[TrialStore, Pulled]]:
    """A fresh store in which the same pages, or others, were landed under the terms of `dataset`."""
    with one.trial.store() as store:
        yield store, land_pages(store, one.trial.source, dataset, pages or bodies(one.store, one.pages))


@check_landed("低于下限不放行", "below the floor nothing is promoted")
def floor_blocks(one: LandedDataset) -> str:
    """Half a delivery must not replace a whole one."""
    volume = {"floor": len(one.held) + 1, "ceiling": 10**9}
    stricter = Dataset.model_validate({**one.dataset.model_dump(), "volume": volume})
    with _landed_again(one, stricter) as (store, pulled):
        expect(pulled.state == "failed" and pulled.whose == "data", f"below the floor it is {pulled.state}")
        expect(not store.promoted(one.dataset), "below the floor a batch was promoted")
    return f"a floor of {volume['floor']} stops it"


@check_landed("由原始页可重新落地", "landed again from raw")
def landed_again_from_raw(one: LandedDataset) -> str:
    """A fixed source file must be able to read the old pages: what lands is a function of these alone."""
    _land_same(one, one.pages)
    return f"{len(one.pages)} pages"


@check_landed("页序不影响结果", "order of pages does not matter")
def page_order_irrelevant(one: LandedDataset) -> str:
    """The order of its pages must not change what an agency's data mean."""
    if len(one.pages) < 2:
        raise NotApplicableError("there is only one page")
    if one.dataset.load == "upsert" and one.dataset.since is None:
        raise NotApplicableError("of two files the later one counts: here order has a meaning")
    _land_same(one, one.pages[::-1])
    return f"{len(one.pages)} pages, last one first"


def _land_same(one: LandedDataset, pages: list[Row]) -> None:
    with _landed_again(one, one.dataset, bodies(one.store, pages)) as (store, pulled):
        expect(pulled.state == "landed", f"landing again is {pulled.state}: {pulled.message}")
        again = store.landed(one.dataset)[-1]
    expect(again["content_sha256"] == one.batch["content_sha256"], "the same pages land other facts")


class _Plant(NamedTuple):
    """A rule under which exactly one record of a batch must be refused."""

    dataset: Dataset
    column: Column
    victim: Row
    reason: str


@check_landed("被拒记录有据可查", "a refused record is accounted for")
def refused_is_accounted_for(one: LandedDataset) -> str:
    """The agency must be able to fix it: its line says why it was refused and where it stands."""
    plant = _plant(one.dataset, one.rows)
    with _landed_again(one, plant.dataset) as (store, pulled):
        expect(pulled.state == "landed", f"with one record refused it is {pulled.state}: {pulled.message}")
        # What a real agency's delivery had refused before breaks the planted rule too.
        before = {(line["label"], line["position"]) for line in _refused(one.store, one.dataset, one.batch["batch"])}
        lines = _refused(store, one.dataset, pulled.batch or "")
        lines = [line for line in lines if (line["label"], line["position"]) not in before]
        kept = {key_of(one.dataset, row) for row in store.held(one.dataset)}
        _check_lines(plant, store, lines, pulled.rows_refused - one.batch["rows_refused"])
    fell = {key_of(one.dataset, row) for row in one.held} - kept
    expect(fell == {key_of(one.dataset, plant.victim)}, f"{len(one.held) - len(kept)} rows fell, not that one")
    return f"{plant.column.name} {plant.reason} on {lines[0]['label']}, record {lines[0]['position']}"


def _refused(store: TrialStore, dataset: Dataset, batch: str) -> list[Row]:
    return [line for line in store.quarantined(dataset, batch) if line["action"] == "record_refused"]


def _plant(dataset: Dataset, rows: list[Row]) -> _Plant:
    for column in dataset.columns:
        values = Counter(row[column.name] for row in rows)
        standing = {row[column.name] for row in rows if not row["_deleted"]}
        rare = [value for value, count in values.items() if count == 1 and value is not None and value in standing]
        if not column.required or column.check or len(values) < 3 or not rare:
            continue
        kind = column.kind
        if kind == "varchar":
            victim, reason = sorted(rare)[len(rare) // 2], "not_in_values"
            rule: dict[str, Any] = {"values": tuple(sorted(str(v) for v in values if v not in (victim, None)))}
        elif kind in ("integer", "bigint") and (victim := max(v for v in values if v is not None)) in rare:
            rule, reason = {"max": victim - 1}, "out_of_range"
        else:
            continue
        found = next(row for row in rows if row[column.name] == victim)
        changed = tuple(c.model_copy(update=rule) if c is column else c for c in dataset.columns)
        # One record fewer may lie below the floor, which is another check's business.
        relaxed = {"columns": changed, "volume": dataset.volume.model_copy(update={"floor": 0})}
        return _Plant(dataset.model_copy(update=relaxed), column, found, reason)
    raise NotApplicableError("no required column has a value that stands in one record alone")


def _check_lines(plant: _Plant, store: TrialStore, lines: list[Row], refused: int) -> None:
    expect(refused == 1 and len(lines) == 1, f"{refused} refused, {len(lines)} lines in quarantine")
    (line,) = lines
    expect(line["reason"] == plant.reason and line["rule"], f"the reason given is {line['reason']}")
    expect(line["column"] == plant.column.name, f"the column given is {line['column']}")
    place = dict(records_of(store, plant.dataset, line)).get(line["position"])
    expect(place is not None, "no record stands at the place given")
    found = typed(plant.dataset.model_copy(update={"columns": (plant.column,)}), store, place or {})
    expect(same(found[plant.column.name], plant.victim[plant.column.name]), "another record stands at the place given")
    expect(line["record"] and line["key"], "the line holds neither record nor key")


@check_landed("坏页使数据集停止", "an unreadable page stops the dataset")
def unreadable_page_stops(one: LandedDataset) -> str:
    """A page that cannot be read is not an empty page: what came before is not promoted without it."""
    *good, (label, _) = bodies(one.store, one.pages)
    with _landed_again(one, one.dataset, [*good, (label, GARBAGE)]) as (store, pulled):
        expect(pulled.state == "failed", f"with garbage for {label} it is {pulled.state}")
        expect(pulled.whose in ("agency", "data"), f"the fault is called {pulled.whose}: {pulled.message}")
        expect(not store.promoted(one.dataset), "a batch with an unreadable page was promoted")
    return f"garbage for {label}: {pulled.whose}"
