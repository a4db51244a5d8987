"""Checks of what one healthy pull landed: shape, keys, sums, truth, and where each row came from."""

from collections import Counter
from typing import Any

from connectors.columns import declared_schema
from connectors.raw import read_raw
from sandbox.acceptance.judge import judge, same
from sandbox.acceptance.raw_pages import records_of, typed
from sandbox.acceptance.store import key_of
from sandbox.acceptance.trial import LandedDataset, check_landed, expect


@check_landed("字段与声明一致", "schema matches")
def schema_matches(one: LandedDataset) -> str:
    """A renamed field must show on the first day."""
    records = (fields for page in one.pages for _, fields in records_of(one.store, one.dataset, page) if fields)
    met = {name for fields in records for name in fields}
    declared = {column.source_field for column in one.dataset.columns}
    expect(declared <= met, f"no record has the field {', '.join(sorted(declared - met))}")
    counts = one.batch["counts"] or {}
    broken = sorted(f"{rule} {count}" for rule, count in counts.items() if rule.endswith(":type_mismatch"))
    expect(not broken, f"of {one.batch['rows_received']} records, values that do not parse: {', '.join(broken)}")
    unclaimed = sorted(met - declared)
    noted = {name.removeprefix("unclaimed_field:") for name in counts if name.startswith("unclaimed_field:")}
    noted |= {f"{name.partition('.')[0]}." for name in noted if "." in name}
    unreported = [name for name in unclaimed if not noted.intersection((name, f"{name}."))]
    expect(not unreported, f"unclaimed fields are not reported: {', '.join(unreported)}")
    return f"{len(one.dataset.columns)} fields" + (f", unclaimed: {', '.join(unclaimed)}" if unclaimed else "")


@check_landed("落地列与类型一致", "landed as declared")
def landed_as_declared(one: LandedDataset) -> str:
    """The build reads these columns by name and type."""
    found, wanted = one.store.landed_schema(one.dataset, one.batch["batch"]), declared_schema(one.dataset)
    expect(found.names[: len(wanted)] == wanted.names, f"columns landed: {', '.join(found.names)}")
    other = [field.name for field in wanted if found.field(field.name).type != field.type]
    expect(not other, f"other types than declared: {', '.join(other)}")
    return f"{len(found.names)} columns"


@check_landed("主键唯一", "keys unique")
def keys_unique(one: LandedDataset) -> str:
    """A key that comes twice counts twice."""
    keys = Counter(key_of(one.dataset, row) for row in one.rows)
    twice = [str(key) for key, count in keys.items() if count > 1]
    expect(not twice, f"{len(twice)} keys land twice, such as {twice[:1]}")
    return f"{len(keys)} keys"


@check_landed("必填值齐全", "required values present")
def required_present(one: LandedDataset) -> str:
    """A row without them is of no use, unless it is a tombstone."""
    required = [column.name for column in one.dataset.columns if column.required]
    lacking = [name for row in one.held for name in required if row[name] is None]
    expect(not lacking, f"{len(lacking)} required values are null: {', '.join(sorted(set(lacking)))}")
    return f"{len(required)} required columns"


@check_landed("与机构数据逐行一致", "records equal the agency's", "truth")
def equal_to_truth(one: LandedDataset) -> str:
    """Every row and every value, or it is wrong."""
    truth = one.trial.truth(one.dataset)
    found = judge(one.store, one.dataset, truth).differences
    expect(not found, f"{len(found)} differences: {'; '.join(map(str, found[:3]))}")
    expect(truth, "the agency has no record: nothing was compared")
    return f"{len(truth)} rows"


@check_landed("收、落、拒数目相符", "counts add up")
def counts_add_up(one: LandedDataset) -> str:
    """A record that is neither landed, nor refused, nor counted as a repeat is lost."""
    batch, counts = one.batch, one.batch["counts"] or {}
    sent = sum(1 for page in one.pages for _ in records_of(one.store, one.dataset, page))
    expect(sent == batch["rows_received"], f"{sent} records in the raw pages, {batch['rows_received']} received")
    repeats = sum(counts.get(name, 0) for name in ("duplicate_delivery", "superseded_in_batch", "deletes_nothing"))
    counted = f"{sent} received, {batch['rows_landed']} landed, {batch['rows_refused']} refused, {repeats} repeats"
    expect(sent == batch["rows_landed"] + batch["rows_refused"] + repeats, counted)
    return counted


@check_landed("数量在上下限内", "volume within floor and ceiling")
def volume_within_bounds(one: LandedDataset) -> str:
    """Bounds that a healthy night breaks guard nothing."""
    held, volume = len(one.held), one.dataset.volume
    expect(volume.floor <= held <= volume.ceiling, f"{held} rows, floor {volume.floor}, ceiling {volume.ceiling}")
    expect("over_ceiling" not in (one.batch["counts"] or {}), "counted as over the ceiling")
    return f"{volume.floor} <= {held} <= {volume.ceiling}"


@check_landed("原始数据原样保存", "raw kept as served")
def raw_kept(one: LandedDataset) -> str:
    """What an agency sent must be shown to it again, byte by byte, under the hash of its bytes."""
    sizes = [len(read_raw(one.store.settings.data_dir, page["raw_sha256"])) for page in one.pages]
    expect(sizes == [page["raw_bytes"] for page in one.pages], "a page's size is not that of its raw object")
    served = {request["sha256"] for request in one.trial.healthy.requests if request.get("sha256")}
    unknown = [page["label"] for page in one.pages if served and page["raw_sha256"] not in served]
    expect(not unknown, f"kept otherwise than served: {', '.join(unknown)}")
    hashes = ", equal to the agency's own hashes" if served else ""
    return f"{len(sizes)} pages, {sum(sizes)} bytes{hashes}"


@check_landed("页标签不重复", "page labels unique")
def labels_unique(one: LandedDataset) -> str:
    """A refused record is found again by the label of its page."""
    labels = Counter(page["label"] for page in one.pages)
    twice = [label for label, count in labels.items() if count > 1]
    expect(not twice, f"used twice: {', '.join(twice)}")
    return f"{len(labels)} labels, such as {next(iter(labels), 'none')}"


@check_landed("每行可追溯到原始记录", "lineage complete")
def lineage_complete(one: LandedDataset) -> str:
    """A score is explained down to the record it came from: by page and place, to one with the same values."""
    dataset, store = one.dataset, one.store
    records: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for page in one.pages:
        for position, fields in records_of(store, dataset, page):
            if fields is not None:
                records.setdefault((page["raw_sha256"], position), []).append(fields)
    for row in one.rows:
        if row["_deleted"] and row["_position"] == 0:
            # Deleted by its absence: there is no record of it, only the delivery that lacks it.
            continue
        found = records.get((row["_raw_sha256"], row["_position"]), [])
        expect(found, f"{key_of(dataset, row)} has no record at its place")
        values_found = (typed(dataset, store, fields) for fields in found)
        is_equal = any(all(same(values[c.name], row[c.name]) for c in dataset.columns) for values in values_found)
        expect(is_equal, f"{key_of(dataset, row)} differs from its record")
        is_ours = row["_batch"] == one.batch["batch"] and row["_learned_on"] == store.as_of
        expect(is_ours, "batch or day is another one")
    return f"{len(one.rows)} rows"
