"""Checks of what one healthy pull landed: shape, keys, sums, truth, and where each row came from."""

from collections import Counter
from typing import Any

from connectors.columns import declared_schema
from connectors.raw import read_raw
from connectors.spec import Dataset
from ledger.store import Row
from sandbox.acceptance.house import House, key_of
from sandbox.acceptance.judge import judge, same
from sandbox.acceptance.raw_pages import records_of, typed
from sandbox.acceptance.trial import Trial, by_dataset, expect, healthy_batch


@by_dataset
def schema_matches(trial: Trial, dataset: Dataset) -> str:
    """Every declared field is met and its values parse; what nobody claims is reported."""
    house, batch = healthy_batch(trial, dataset)
    met = {name for page in house.pages(dataset, batch["batch"]) for name in _fields_of(house, dataset, page)}
    gone = sorted({column.source_field for column in dataset.columns} - met)
    expect(not gone, f"no record has the field {', '.join(gone)}")
    counts = batch["counts"] or {}
    broken = sorted(rule for rule in counts if rule.endswith(":type_mismatch"))
    expect(not broken, f"values do not parse: {', '.join(broken)}")
    unclaimed = sorted(met - {column.source_field for column in dataset.columns})
    noted = {one.removeprefix("unclaimed_field:") for one in counts if one.startswith("unclaimed_field:")}
    told = noted | {f"{one.partition('.')[0]}." for one in noted if "." in one}
    unreported = [name for name in unclaimed if not told.intersection((name, f"{name}."))]
    expect(not unreported, f"fields that nobody claims are not reported: {', '.join(unreported)}")
    return f"{len(dataset.columns)} fields" + (f", unclaimed: {', '.join(unclaimed)}" if unclaimed else "")


def _fields_of(house: House, dataset: Dataset, page: Row) -> set[str]:
    return {name for _, fields in records_of(house, dataset, page) if fields for name in fields}


@by_dataset
def landed_as_declared(trial: Trial, dataset: Dataset) -> str:
    """The landed file has the declared columns with the declared types, and its lineage beside them."""
    house, batch = healthy_batch(trial, dataset)
    found = house.landed_schema(dataset, batch["batch"])
    wanted = declared_schema(dataset)
    expect(found.names[: len(wanted)] == wanted.names, f"columns landed: {', '.join(found.names)}")
    other = [field.name for field in wanted if found.field(field.name).type != field.type]
    expect(not other, f"other types than declared: {', '.join(other)}")
    return f"{len(found.names)} columns"


@by_dataset
def keys_unique(trial: Trial, dataset: Dataset) -> str:
    """No key lands twice in a batch."""
    house, batch = healthy_batch(trial, dataset)
    keys = Counter(key_of(dataset, row) for row in house.landed_rows(dataset, batch["batch"]))
    twice = [str(key) for key, count in keys.items() if count > 1]
    expect(not twice, f"{len(twice)} keys land twice, such as {twice[:1]}")
    return f"{len(keys)} keys"


@by_dataset
def required_present(trial: Trial, dataset: Dataset) -> str:
    """No landed row lacks a required value, unless it says that another is deleted."""
    house, _ = healthy_batch(trial, dataset)
    required = [column.name for column in dataset.columns if column.required]
    lacking = [name for row in house.held(dataset) for name in required if row[name] is None]
    expect(not lacking, f"{len(lacking)} required values are null: {', '.join(sorted(set(lacking)))}")
    return f"{len(required)} required columns"


@by_dataset
def equal_to_truth(trial: Trial, dataset: Dataset) -> str:
    """What is held is what the agency has: every row, every value."""
    truth = trial.truth(dataset)
    found = judge(trial.healthy.required(), dataset, truth)
    told = "; ".join(map(str, found.differences[:3]))
    expect(not found.differences, f"{len(found.differences)} differences: {told}")
    expect(truth, "the agency has no record: nothing was compared")
    return f"{len(truth)} rows"


@by_dataset
def counts_add_up(trial: Trial, dataset: Dataset) -> str:
    """Each record received is landed, refused, or counted as a repeat: none is unaccounted for."""
    house, batch = healthy_batch(trial, dataset)
    pages = house.pages(dataset, batch["batch"])
    sent = sum(1 for page in pages for _ in records_of(house, dataset, page))
    expect(sent == batch["rows_received"], f"{sent} records in the raw pages, {batch['rows_received']} received")
    counts = batch["counts"] or {}
    repeats = counts.get("duplicate_delivery", 0) + counts.get("superseded_in_batch", 0)
    repeats += counts.get("deletes_nothing", 0)
    told = f"{sent} received, {batch['rows_landed']} landed, {batch['rows_refused']} refused, {repeats} repeats"
    expect(sent == batch["rows_landed"] + batch["rows_refused"] + repeats, told)
    return told


@by_dataset
def volume_within_bounds(trial: Trial, dataset: Dataset) -> str:
    """A healthy delivery lies between floor and ceiling."""
    house, batch = healthy_batch(trial, dataset)
    held, volume = len(house.held(dataset)), dataset.volume
    expect(volume.floor <= held <= volume.ceiling, f"{held} rows, floor {volume.floor}, ceiling {volume.ceiling}")
    expect("over_ceiling" not in (batch["counts"] or {}), "counted as over the ceiling")
    return f"{volume.floor} <= {held} <= {volume.ceiling}"


@by_dataset
def raw_kept(trial: Trial, dataset: Dataset) -> str:
    """Every page is kept as served, under the hash of its bytes."""
    house, batch = healthy_batch(trial, dataset)
    pages = house.pages(dataset, batch["batch"])
    sizes = [len(read_raw(house.settings.data_dir, page["raw_sha256"])) for page in pages]
    expect(sizes == [page["raw_bytes"] for page in pages], "a page's size is not that of its raw object")
    served = {one["sha256"] for one in trial.healthy.requests if one.get("sha256")}
    unknown = [page["label"] for page in pages if served and page["raw_sha256"] not in served]
    expect(not unknown, f"kept otherwise than served: {', '.join(unknown)}")
    told = ", equal to the agency's own hashes" if served else ""
    return f"{len(pages)} pages, {sum(sizes)} bytes{told}"


@by_dataset
def labels_unique(trial: Trial, dataset: Dataset) -> str:
    """No two pages of a batch have the same label: a label is how people find a page again."""
    house, batch = healthy_batch(trial, dataset)
    labels = Counter(page["label"] for page in house.pages(dataset, batch["batch"]))
    twice = [label for label, count in labels.items() if count > 1]
    expect(not twice, f"used twice: {', '.join(twice)}")
    return f"{len(labels)} labels, such as {next(iter(labels), 'none')}"


@by_dataset
def lineage_complete(trial: Trial, dataset: Dataset) -> str:
    """Each landed row leads back, by page and place, to the record that says the same."""
    house, batch = healthy_batch(trial, dataset)
    records: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for page in house.pages(dataset, batch["batch"]):
        for position, fields in records_of(house, dataset, page):
            if fields is not None:
                records.setdefault((page["raw_sha256"], position), []).append(fields)
    rows = house.landed_rows(dataset, batch["batch"])
    for row in rows:
        if row["_deleted"] and row["_position"] == 0:
            # Deleted by its absence: there is no record of it, only the delivery that lacks it.
            continue
        found = records.get((row["_raw_sha256"], row["_position"]), [])
        expect(found, f"{key_of(dataset, row)} has no record at its place")
        said = [typed(dataset, trial.zone, house, fields) for fields in found]
        expect(any(_says(dataset, one, row) for one in said), f"{key_of(dataset, row)} says otherwise than its record")
        expect(row["_batch"] == batch["batch"] and row["_learned_on"] == house.as_of, "batch or day is another one")
    return f"{len(rows)} rows"


def _says(dataset: Dataset, said: dict[str, Any], row: Row) -> bool:
    return all(same(said[column.name], row[column.name]) for column in dataset.columns)
