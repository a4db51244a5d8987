"""The last step of a pull: judge what was prepared, write down what was refused, and promote it or keep the old."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from connectors.columns import Fault
from connectors.decoders.decode import decode
from connectors.errors import DataError, PagingFaultError
from connectors.file_order import ages, name_of
from connectors.landing import Prepared, Staged, install, landed_path, landed_paths
from connectors.raw import read_raw
from connectors.refusals import Refusal, RefusalLog, identity_of, quarantine_path
from connectors.settle import Settled, keys_gone
from connectors.spec import Dataset, FileRequest
from connectors.watch import age_and_gaps, emptied, require_healthy, shrunk
from ledger.batches import (
    BatchKey,
    close_batch,
    landed_batches,
    pages_of,
    pages_of_dataset,
    promoted_batches,
)
from ledger.settings import Settings


def promote(
    dataset: Dataset, settings: Settings, ledger: Engine, key: BatchKey, as_of: date, staged: Staged, prepared: Prepared
) -> dict[str, Any]:
    """Write the quarantine, judge the delivery, give its file a name, then its ledger row; answers the row's values.

    A batch that says nothing new lands nothing and is marked `unchanged`. What may not be promoted is a `DataError`:
    its quarantine is written all the same, for the agency must learn of it.
    """
    reading = staged.reading
    with staged.log as log:
        log.append(_conflicts(dataset, settings, ledger, key, prepared))
    log.seal()
    conflicts = len(prepared.settled.conflicts)
    reading.refused += conflicts
    if conflicts:
        reading.rules[f"refused:{_key_rule(dataset)}"] += conflicts
    reading.notes.update(prepared.settled.notes)
    newest = landed_batches(ledger, key.source, key.dataset, as_of)[-1:]
    settled, is_new = prepared.settled, _is_new(dataset, prepared, newest)
    if dataset.load == "snapshot":
        _refuse_two_dumps(dataset, ledger, key, settled)
        for batch in newest:
            held = landed_path(settings.data_dir, key.source, key.dataset, batch["batch"])
            if is_new:
                settled = replace(
                    settled,
                    losses=shrunk(dataset, held, prepared.path),
                    emptied=emptied(dataset, held, prepared.path),
                    keys=keys_gone(dataset, held, prepared.path),
                )
        reading.notes.update(_parts_gone(dataset, ledger, key, as_of))
    elif isinstance(dataset.request, FileRequest):
        reading.notes.update(_outdone_again(ledger, key))
    reading.notes.update(require_healthy(dataset, reading, settled))
    if is_new and newest and dataset.load == "snapshot" and isinstance(dataset.request, FileRequest):
        _refuse_older_dump(dataset, dataset.request, ledger, key, newest[-1]["batch"])
    paths = landed_paths(dataset, settings.data_dir, ledger, as_of) if dataset.load == "upsert" else []
    reading.notes.update(age_and_gaps(dataset, [*paths, prepared.path], as_of, settings.zone))
    values: dict[str, Any] = {
        "content_sha256": prepared.content_sha256,
        "rows_received": reading.received,
        "rows_landed": prepared.rows,
        "rows_refused": reading.refused,
        "counts": reading.counts(),
        "high_water": max(
            (one for one in (staged.high_water, *(batch["high_water"] for batch in newest)) if one), default=None
        ),
    }
    if not is_new:
        values["same_as"] = newest[-1]["batch"]
        close_batch(ledger, key, "unchanged", **values)
        return {**values, "state": "unchanged"}
    install(settings, key, prepared)
    close_batch(ledger, key, "landed", **values)
    return {**values, "state": "landed"}


def _parts_gone(dataset: Dataset, ledger: Engine, key: BatchKey, as_of: date) -> Iterator[str]:
    """The files of the last snapshot of which none of tonight's has the name, figures aside; of fewer the last ones."""
    before = [one for one in promoted_batches(ledger, key.source, key.dataset, as_of) if one["origin"] == "pull"]
    if not isinstance(dataset.request, FileRequest) or dataset.request.takes == "newest" or not before:
        return
    there = Counter(_shape(page["label"]) for page in pages_of(ledger, key))
    for page in pages_of(ledger, BatchKey(key.source, key.dataset, before[-1]["batch"])):
        there[_shape(page["label"])] -= 1
        if there[_shape(page["label"])] < 0:
            yield f"file_gone:{page['label'].rpartition(' (')[0]}"


def _outdone_again(ledger: Engine, key: BatchKey) -> Iterator[str]:
    """The files of a feed whose bytes had come before, under a name that has held others since."""
    last: dict[str, str] = {}
    names: dict[str, set[str]] = {}
    for page in pages_of_dataset(ledger, key.source, key.dataset):
        name, sha256 = page["label"].rpartition(" (")[0], page["raw_sha256"]
        if page["batch"] != key.batch:
            last[name] = sha256
            names.setdefault(sha256, set()).add(name)
        elif any(last[one] != sha256 for one in names.get(sha256, ())):
            yield f"outdone_again:{name}"


def _shape(label: str) -> str:
    return re.sub(r"\d+", "0", label.rpartition(" (")[0])


def _is_new(dataset: Dataset, prepared: Prepared, newest: list[dict[str, Any]]) -> bool:
    if not newest:
        return True
    if dataset.load == "snapshot":
        return bool(prepared.content_sha256 != newest[-1]["content_sha256"])
    return prepared.rows > 0


def _refuse_two_dumps(dataset: Dataset, ledger: Engine, key: BatchKey, settled: Settled) -> None:
    """The files of a snapshot are parts of one whole: where two hold the same record, each of them is a whole."""
    if not (isinstance(dataset.request, FileRequest) and settled.repeats_across_pages):
        return
    names = ", ".join(page["label"] for page in pages_of(ledger, key)[:5])
    raise DataError(
        f"{settled.repeats_across_pages} records stand in more than one of the files of a snapshot: {names}.",
        dataset.address,
        "declare `takes: newest` where each file is whole, or have the old ones taken away; the last good batch stays",
    )


def _refuse_older_dump(dataset: Dataset, request: FileRequest, ledger: Engine, key: BatchKey, held: str) -> None:
    """An old whole that was put back does not stand in for a later one; a part that stays alone is none."""
    pages = pages_of_dataset(ledger, key.source, key.dataset)
    names = {batch: {name_of(page["label"]) for page in pages if page["batch"] == batch} for batch in (key.batch, held)}
    if names[key.batch] <= names[held]:
        return
    told = ages(request, pages).group_by("_batch").aggregate([("_age", "max")])
    newest = dict(zip(told["_batch"].to_pylist(), told["_age_max"].to_pylist(), strict=True))
    if newest.get(key.batch, 0) < newest.get(held, 0):
        raise DataError(
            f"its files are older than those of batch {held}, which is held, and say something else.",
            dataset.address,
            "ask the agency: if it is the later one, have it put under a new name, or declare `order`; "
            "the last good batch stays",
        )


def _key_rule(dataset: Dataset) -> str:
    return "key:" + "+".join(dataset.key)


def _conflicts(
    dataset: Dataset, settings: Settings, ledger: Engine, key: BatchKey, prepared: Prepared
) -> Iterator[Refusal]:
    """The records that contradict each other, read again from their pages: only there do they stand as they came."""
    wanted: dict[int, set[int]] = {}
    for sequence, position in prepared.settled.conflicts:
        wanted.setdefault(sequence, set()).add(position)
    for page in pages_of(ledger, key):
        if page["sequence"] not in wanted:
            continue
        body = read_raw(settings.data_dir, page["raw_sha256"])
        for chunk in decode(dataset, page["label"], body):
            for place, position in enumerate(chunk.positions):
                if position in wanted[page["sequence"]]:
                    fields = {name: values[place] for name, values in chunk.columns.items()}
                    yield _conflict(dataset, page, position, chunk.raw(place), fields)


def _conflict(dataset: Dataset, page: dict[str, Any], position: int, raw: Any, fields: dict[str, Any]) -> Refusal:
    who = identity_of(dataset, fields)
    return Refusal(
        reason="conflicting_key",
        rule=_key_rule(dataset),
        column=dataset.key[0],
        value=who.key[0] if who.key else None,
        action="record_refused",
        label=page["label"],
        raw_sha256=page["raw_sha256"],
        position=position,
        record=raw,
        uscc=who.uscc,
        name=who.name,
        key=who.key,
    )


def quarantine_window(settings: Settings, ledger: Engine, key: BatchKey, error: PagingFaultError) -> Path:
    """Write down a window (or a whole listing) whose pages would not hold still: nothing of it is promoted."""
    held = pages_of(ledger, key)
    fault = Fault("window_unstable", "", error.what, True)
    where = json.dumps(error.restart_at, ensure_ascii=False, sort_keys=True)
    last = held[-1] if held else {"label": "before the first page", "raw_sha256": ""}
    refusal = Refusal(
        reason=fault.reason,
        rule=fault.reason,
        column=None,
        value=fault.value,
        action="window_quarantined",
        label=last["label"],
        raw_sha256=last["raw_sha256"],
        position=0,
        record={"restart_at": where, "pages": len(held)},
        uscc=None,
        name=None,
        key=(),
    )
    path = quarantine_path(settings.data_dir, key.source, key.dataset, key.batch)
    with RefusalLog(path) as log:
        log.append([refusal])
    log.seal()
    return path
