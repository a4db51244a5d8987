"""Checks that land the raw pages of a healthy pull again: in order, in another order, under stricter rules, spoilt."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from connectors.spec import Column, Dataset
from ledger.store import Row
from sandbox.acceptance.house import House, key_of
from sandbox.acceptance.judge import same
from sandbox.acceptance.raw_pages import bodies, land_pages, records_of, typed
from sandbox.acceptance.trial import NotApplicableError, Trial, by_dataset, expect, healthy_batch

GARBAGE: Final = b"\x00\xff\xfe not a page \x80"


@by_dataset
def floor_blocks(trial: Trial, dataset: Dataset) -> str:
    """Under a floor that lies above what is there, nothing of the same pages is promoted."""
    house, batch = healthy_batch(trial, dataset)
    volume = {"floor": len(house.held(dataset)) + 1, "ceiling": 10**9}
    stricter = Dataset.model_validate({**dataset.model_dump(), "volume": volume})
    with trial.house() as other:
        pulled = land_pages(other, trial.source, stricter, bodies(house, house.pages(dataset, batch["batch"])))
        expect(pulled.state == "failed" and pulled.whose == "data", f"below the floor it is {pulled.state}")
        expect(not other.promoted(dataset), "below the floor a batch was promoted")
    return f"a floor of {volume['floor']} stops it"


@by_dataset
def landed_again_from_raw(trial: Trial, dataset: Dataset) -> str:
    """What lands is a function of the raw pages alone: the same pages give the same facts, and nothing is asked for."""
    house, batch = healthy_batch(trial, dataset)
    pages = house.pages(dataset, batch["batch"])
    _land_same(trial, dataset, house, pages, batch)
    return f"{len(pages)} pages"


@by_dataset
def page_order_irrelevant(trial: Trial, dataset: Dataset) -> str:
    """The same pages in another order land the same facts."""
    house, batch = healthy_batch(trial, dataset)
    pages = house.pages(dataset, batch["batch"])
    if len(pages) < 2:
        raise NotApplicableError("there is only one page")
    if dataset.load == "upsert" and dataset.since is None:
        raise NotApplicableError("of two files the later one counts: here order has a meaning")
    _land_same(trial, dataset, house, pages[::-1], batch)
    return f"{len(pages)} pages, last one first"


def _land_same(trial: Trial, dataset: Dataset, house: House, pages: list[Row], batch: Row) -> None:
    with trial.house() as other:
        pulled = land_pages(other, trial.source, dataset, bodies(house, pages))
        expect(pulled.state == "landed", f"landing again is {pulled.state}: {pulled.message}")
        again = other.landed(dataset)[-1]
    expect(again["content_sha256"] == batch["content_sha256"], "the same pages land other facts")


@dataclass(frozen=True)
class _Plant:
    """A rule under which exactly one record of a batch must be refused."""

    dataset: Dataset
    column: Column
    victim: Row
    reason: str


@by_dataset
def refused_is_accounted_for(trial: Trial, dataset: Dataset) -> str:
    """Under a rule that one record breaks, that record alone is refused, and its line says why and where it stands."""
    house, batch = healthy_batch(trial, dataset)
    plant = _plant(dataset, house.landed_rows(dataset, batch["batch"]))
    with trial.house() as other:
        pulled = land_pages(other, trial.source, plant.dataset, bodies(house, house.pages(dataset, batch["batch"])))
        expect(pulled.state == "landed", f"with one record refused it is {pulled.state}: {pulled.message}")
        lines = [x for x in other.quarantined(dataset, pulled.batch or "") if x["action"] == "record_refused"]
        kept = {key_of(dataset, row) for row in other.held(dataset)}
        _check_lines(plant, other, lines, pulled.rows_refused)
    whole = {key_of(dataset, row) for row in house.held(dataset)}
    expect(whole - kept == {key_of(dataset, plant.victim)}, f"{len(whole) - len(kept)} rows fell, not that one")
    return f"{plant.column.name} {plant.reason} on {lines[0]['label']}, record {lines[0]['position']}"


def _plant(dataset: Dataset, rows: list[Row]) -> _Plant:
    for column in dataset.columns:
        values = Counter(row[column.name] for row in rows)
        standing = {row[column.name] for row in rows if not row["_deleted"]}
        rare = [value for value, count in values.items() if count == 1 and value is not None and value in standing]
        if not column.required or column.check or len(values) < 3 or not rare:
            continue
        kind = column.data_type.partition("(")[0]
        if kind == "varchar":
            victim = sorted(rare)[len(rare) // 2]
            rule: dict[str, Any] = {"values": tuple(sorted(str(v) for v in values if v not in (victim, None)))}
        elif kind in ("integer", "bigint") and (victim := max(v for v in values if v is not None)) in rare:
            rule = {"max": victim - 1}
        else:
            continue
        found = next(row for row in rows if row[column.name] == victim)
        changed = tuple(c.model_copy(update=rule) if c is column else c for c in dataset.columns)
        reason = "not_in_values" if kind == "varchar" else "out_of_range"
        # One record fewer may lie below the floor, which is another check's business.
        relaxed = {"columns": changed, "volume": dataset.volume.model_copy(update={"floor": 0})}
        return _Plant(dataset.model_copy(update=relaxed), column, found, reason)
    raise NotApplicableError("no required column has a value that stands in one record alone")


def _check_lines(plant: _Plant, house: House, lines: list[Row], refused: int) -> None:
    expect(refused == 1 and len(lines) == 1, f"{refused} refused, {len(lines)} lines in quarantine")
    (line,) = lines
    expect(line["reason"] == plant.reason and line["rule"], f"the reason given is {line['reason']}")
    expect(line["column"] == plant.column.name, f"the column given is {line['column']}")
    dataset = plant.dataset
    page = {"raw_sha256": line["raw_sha256"], "label": line["label"]}
    place = dict(records_of(house, dataset, page)).get(line["position"])
    expect(place is not None, "no record stands at the place given")
    said = typed(dataset.model_copy(update={"columns": (plant.column,)}), house.zone, house, place or {})
    expect(same(said[plant.column.name], plant.victim[plant.column.name]), "another record stands at the place given")
    expect(line["record"] and line["key"], "the line holds neither record nor key")


@by_dataset
def unreadable_page_stops(trial: Trial, dataset: Dataset) -> str:
    """Bytes that are no page of this form stop the dataset; what came before is not promoted without them."""
    house, batch = healthy_batch(trial, dataset)
    pages = bodies(house, house.pages(dataset, batch["batch"]))
    label = pages[-1][0]
    with trial.house() as other:
        pulled = land_pages(other, trial.source, dataset, [*pages[:-1], (label, GARBAGE)])
        expect(pulled.state == "failed", f"with garbage for {label} it is {pulled.state}")
        expect(pulled.whose in ("agency", "data"), f"the fault is called {pulled.whose}: {pulled.message}")
        expect(not other.promoted(dataset), "a batch with an unreadable page was promoted")
    return f"garbage for {label}: {pulled.whose}"
