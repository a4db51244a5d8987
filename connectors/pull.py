"""Pulling one dataset: resume or begin, keep each page with its checkpoint and read it, then settle and promote."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pyarrow.parquet as pq
from sqlalchemy import Engine

from connectors.drivers.pages import Ask, Cursor, PullDriver
from connectors.errors import ConnectorError, PagingFaultError, UnforeseenError
from connectors.landing import Prepared, Staged, clear_work, prepare, stage
from connectors.page_batch import RawPage
from connectors.partitions import partition_values
from connectors.promote import promote, quarantine_window
from connectors.raw import keep_raw, read_raw
from connectors.since import lower_bound, require_newest
from connectors.spec import Dataset, Source
from connectors.zone import Zone
from ledger.batches import (
    BatchKey,
    close_batch,
    next_sequence_of,
    open_batch,
    pages_of,
    record_page,
    refuse_open,
    seen_files,
    void_pages,
)
from ledger.settings import MissingVariableError, Settings

_FILES = ("sftp", "folder")


@dataclass(frozen=True)
class Pulled:
    """What became of one dataset tonight: landed, unchanged, not_supplied, or failed and then whose fault it was."""

    source: str
    dataset: str
    critical: bool
    state: str
    batch: str | None = None
    rows_received: int = 0
    rows_landed: int = 0
    rows_refused: int = 0
    counts: dict[str, int] | None = None
    whose: str | None = None
    message: str | None = None


def pull_dataset(
    source: Source, dataset: Dataset, zone: Zone, settings: Settings, ledger: Engine, as_of: date
) -> Pulled:
    """Pull and land one dataset. A fault of any of the four classes is told in the answer, so that the others go on."""
    base = Pulled(source.name, dataset.name, dataset.critical, "not_supplied")
    if reason := zone.why_not_supplied(dataset):
        return replace(base, message=reason)
    if missing := [name for name in source.variables() if not os.environ.get(name)]:
        return replace(base, state="failed", whose="config", message=str(MissingVariableError(missing, source.name)))
    try:
        key, values = _pull_and_land(source, dataset, zone, settings, ledger, as_of)
    except ConnectorError as error:
        return replace(base, state="failed", whose=error.whose, message=str(error))
    except MissingVariableError as error:
        return replace(base, state="failed", whose="config", message=str(error))
    except Exception as error:  # noqa: BLE001 - one agency never stops another, whatever it sends
        refuse_open(ledger, source.name, dataset.name, f"{type(error).__name__}: {error}")
        unforeseen = UnforeseenError(f"{type(error).__name__}: {error}.", dataset.address, "tell the makers of jifen")
        return replace(base, state="failed", whose=unforeseen.whose, message=str(unforeseen))
    told = {name: values[name] for name in ("state", "rows_received", "rows_landed", "rows_refused", "counts")}
    seen = [_nothing_passed(values), seen_in_folder(values["counts"])]
    return replace(base, batch=values.get("same_as", key.batch), message=" ".join(filter(None, seen)) or None, **told)


def _nothing_passed(values: Mapping[str, Any]) -> str | None:
    """A delivery too small to be stopped by its share of refused records, of which not one passed."""
    if not 0 < values["rows_received"] == values["rows_refused"]:
        return None
    rules = ", ".join(one.removeprefix("refused:") for one in values["counts"] if one.startswith("refused:"))
    return f"not one of {values['rows_received']} records passed ({rules}). Next: jifen quarantine list"


def seen_in_folder(counts: Mapping[str, int]) -> str | None:
    """What a person should know of a delivery: files not taken, old or gone, and what it lacks of what was there."""
    told = []
    if "empty_folder" in counts:
        told.append("the folder is empty. Next: look whether it is the right one, and whether the share is mounted")
    if found := _named(counts, "unmatched"):
        names = ", ".join(list(found)[:10])
        told.append(f"{sum(found.values())} in the folder match no pattern and are not taken: {names}.")
        told.append("Next: ask the agency, or put them under `ignore` in the source file")
    if late := counts.get("older_than_held"):
        told.append(f"{late} records are older than what is held of their keys, by their file or stamp, and were left.")
        told.append("Next: ask the agency whether it went back; a file that is the later one is put again, or `order`")
        told.append("is declared")
    for name, what in _TOLD.items():
        if of := counts.get(name) or ", ".join(list(_named(counts, name))[:10]):
            told.append(what.format(of))
    return " ".join(told) or None


_TOLD = {
    "no_records": "there is no record in {}: nothing follows from that. Next: ask the agency whether it is meant so",
    "file_gone": "of the last snapshot {} is not there any more. Next: ask the agency whether its delivery is whole",
    "outdone_again": "{} has the bytes of a file that another had replaced since, and counts as new. Next: if it is a "
    "copy of the old one, have it taken away and the right file put again",
    "column_emptied": "no record has a value in {} any more. Next: ask the agency whether it is meant so",
    "keys_gone": "{} keys of the last snapshot are not there any more. Next: ask the agency whether they were renamed",
    "deletions_withheld": "{} records that the delivery lacks were not deleted, for another of its records cannot be "
    "read and may be one of them. Next: have what quarantine shows mended (for a note below a table: `ends_at`)",
}
"""What follows from a count, by its name or by what stands before the colon in it."""


def _named(counts: Mapping[str, int], name: str) -> dict[str, int]:
    return {one.removeprefix(f"{name}:"): count for one, count in counts.items() if one.startswith(f"{name}:")}


@dataclass(frozen=True)
class _Pull:
    """One pull of one dataset: everything its steps need."""

    source: Source
    dataset: Dataset
    zone: Zone
    settings: Settings
    ledger: Engine
    as_of: date
    values: tuple[str, ...]
    notes: Counter[str] = field(default_factory=Counter)
    """What the driver met and did not take: told in the answer, and no part of the batch."""


def waves(sources: Sequence[Source]) -> list[list[tuple[Source, Dataset]]]:
    """The datasets in an order in which each comes after its parent: those of one wave may be pulled side by side."""
    left = [(source, dataset) for source in sources for dataset in source.datasets]
    found: list[list[tuple[Source, Dataset]]] = []
    done: set[str] = set()
    while left:
        ready = [(s, d) for s, d in left if d.parent is None or f"{s.name}.{d.parent}" in done]
        found.append(ready)
        done |= {dataset.address for _, dataset in ready}
        left = [pair for pair in left if pair not in ready]
    return found


def _pull_and_land(
    source: Source, dataset: Dataset, zone: Zone, settings: Settings, ledger: Engine, as_of: date
) -> tuple[BatchKey, dict[str, Any]]:
    require_newest(dataset, ledger, as_of)
    asked = partition_values(source, dataset, settings, ledger, as_of)
    pull = _Pull(source, dataset, zone, settings, ledger, as_of, asked)
    since = lower_bound(dataset, ledger, as_of)
    key, since = open_batch(ledger, source.name, dataset.name, as_of, source.sha256, since)
    try:
        staged, prepared = _read_whole(pull, key, since)
        close_batch(ledger, key, "pulled")
        values = promote(dataset, settings, ledger, key, as_of, staged, prepared)
        return key, {**values, "counts": dict(sorted((pull.notes + Counter(values["counts"])).items()))}
    except ConnectorError as error:
        # What may pass leaves the batch open, and its pages: the next run goes on behind the last of them.
        if error.whose != "transient":
            close_batch(ledger, key, "refused", error=str(error))
        raise
    finally:
        clear_work(settings, key)


def _read_whole(pull: _Pull, key: BatchKey, since: str | None) -> tuple[Staged, Prepared]:
    """Read all pages and settle them.

    Records that came on two pages may hide others that came on none. They are read once more; and where they still come
    twice, once more in pages of another size: what does not change with the cut was the agency's own copy. What does is
    quarantined, and the dataset refused.
    """
    staged, prepared = _read_twice_if_needed(pull, key, since)
    if not _has_repeats(pull, prepared):
        return staged, prepared
    void_pages(pull.ledger, key, None)
    staged, prepared = _read_twice_if_needed(pull, key, since)
    if not _has_repeats(pull, prepared):
        return staged, prepared
    before, paginator = prepared.content_sha256, pull.dataset.paginator
    elsewhere = paginator and paginator.cut_smaller()
    can_tell = elsewhere != paginator
    if elsewhere and can_tell:
        void_pages(pull.ledger, key, None)
        smaller = pull.dataset.model_copy(update={"paginator": elsewhere})
        staged, prepared = _read_twice_if_needed(replace(pull, dataset=smaller), key, since)
        can_tell = _longest_page(staged) <= (elsewhere.page_size or 0)
    # Where the agency does not let us choose how long a page is there is no other cut: nothing tells whose copy it is.
    if not can_tell or prepared.content_sha256 != before:
        moving = PagingFaultError(
            "records come on two pages, and others may come on none.",
            pull.dataset.address,
            "run again when the agency is quiet; if it stays, call the agency",
        )
        quarantine_window(pull.settings, pull.ledger, key, moving)
        raise moving
    return staged, prepared


def _has_repeats(pull: _Pull, prepared: Prepared) -> bool:
    paginator = pull.dataset.paginator
    return paginator is not None and paginator.is_counted and prepared.settled.repeats_across_pages > 0


def _longest_page(staged: Staged) -> int:
    """The most records of one page that landed."""
    pages = pq.read_table(staged.path, columns=["_sequence"])["_sequence"].value_counts()
    return max((one["counts"].as_py() for one in pages), default=0)


def _read_twice_if_needed(pull: _Pull, key: BatchKey, since: str | None) -> tuple[Staged, Prepared]:
    try:
        return _read_once(pull, key, since)
    except PagingFaultError as error:
        void_pages(pull.ledger, key, error.restart_at)
    try:
        return _read_once(pull, key, since)
    except PagingFaultError as error:
        quarantine_window(pull.settings, pull.ledger, key, error)
        raise


def _read_once(pull: _Pull, key: BatchKey, since: str | None) -> tuple[Staged, Prepared]:
    pages = _pages(pull, key, since)
    staged = stage(pull.dataset, pull.zone, pull.settings, key, pull.as_of, pages)
    return staged, prepare(pull.dataset, pull.settings, pull.ledger, key, pull.as_of, staged)


def _pages(pull: _Pull, key: BatchKey, since: str | None) -> Iterator[RawPage]:
    """The pages kept so far, read back from the raw store; then those still to be fetched, each kept as it comes."""
    held = pages_of(pull.ledger, key)
    if held and pull.source.driver == "database":
        # Two halves of a register read at two moments are not one register: begin again.
        void_pages(pull.ledger, key, None)
        held = []
    for page in held:
        body = read_raw(pull.settings.data_dir, page["raw_sha256"])
        yield RawPage(page["sequence"], page["label"], page["raw_sha256"], body)
    if held and held[-1]["next_cursor"] is None:
        return
    resume: Cursor | None = held[-1]["next_cursor"] if held else None
    sequence = next_sequence_of(pull.ledger, key)
    ask = _ask(pull, since, resume, {page["label"] for page in held})
    for fresh in driver_of(pull.source.driver)(ask):
        sha256 = keep_raw(pull.settings.data_dir, fresh.body)
        record_page(pull.ledger, key, sequence, fresh.label, sha256, len(fresh.body), fresh.next_cursor)
        yield RawPage(sequence, fresh.label, sha256, fresh.body, fresh.answer)
        sequence += 1


def _ask(pull: _Pull, since: str | None, resume: Cursor | None, held: set[str]) -> Ask:
    dataset = pull.dataset
    known: dict[str, str] = {}
    # A snapshot is all that lies there now, read whole each night; a feed of files is what came since.
    if pull.source.driver in _FILES and dataset.load == "upsert":
        known = seen_files(pull.ledger, dataset.source, dataset.name, pull.as_of)
    return Ask(
        pull.source, dataset, pull.settings, since, resume, frozenset(held | known.keys()), pull.values, pull.as_of,
        held={label: sha256 for label, sha256 in known.items() if label not in held}, notes=pull.notes,
    )  # fmt: skip


def driver_of(name: str) -> PullDriver:
    """The driver of a source, imported when first used: asyncssh and requests are dear to those who need neither."""
    if name == "rest":
        from connectors.drivers import rest

        return rest.pull
    if name == "sftp":
        from connectors.drivers import sftp

        return sftp.pull
    if name == "folder":
        from connectors.drivers import folder

        return folder.pull
    from connectors.drivers import database

    return database.pull
