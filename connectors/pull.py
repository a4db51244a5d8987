"""Pulling one dataset: fetch its pages, each archived with its checkpoint as it comes, and land what is archived."""

import errno
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from importlib import import_module
from typing import Any

import pyarrow.parquet as pq
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from connectors.asked import lower_bound, partition_values, require_newest
from connectors.drivers.pages import Ask, Lines, Page, PullDriver
from connectors.errors import (
    ConfigError,
    ConnectorError,
    LineDeadError,
    PagingFaultError,
    TransientError,
    UnforeseenError,
)
from connectors.first_batch import first_limits
from connectors.landing import Delivery
from connectors.raw import keep_raw, page_of
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
from ledger.store import Row, database_error

_FILES = ("sftp", "folder")
_OF_THE_MACHINE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO),
    *(errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EPERM),
}


@dataclass(frozen=True)
class Pulled:
    """The outcome for one dataset: landed, unchanged, not_supplied, held, or failed and then whose fault it was.

    What is held changed more than may be: the last good batch stands until a person accepts it. `changed` says what a
    batch that landed changed of the last good one, `warned` what of that struck records that stood already.
    """

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
    changed: str | None = None
    warned: str | None = None


def pull_dataset(
    source: Source,
    dataset: Dataset,
    zone: Zone,
    settings: Settings,
    ledger: Engine,
    as_of: date,
    lines: Lines | None = None,
) -> Pulled:
    """Pull and land one dataset. The answer holds a fault of any of the four classes, so that the others go on.

    `lines` are those of the run. The dataset that met a dead line first waits for it; every other one of its source
    fails at once with the same reason.
    """
    base = Pulled(source.name, dataset.name, dataset.critical, "not_supplied")
    if reason := zone.why_not_supplied(dataset):
        return replace(base, message=reason)
    lines = lines or Lines()
    try:
        if missing := [name for name in source.variables() if not os.environ.get(name)]:
            raise MissingVariableError(missing, source.name, f"jifen source check {source.name}")
        found = lines.dead.get(source.name)
        if found is not None and found.where != dataset.address:
            what = f"not asked, since {found.where} got no answer: {found.what}"
            same = LineDeadError(what, dataset.address, found.next_step)
            return replace(base, state="failed", whose=same.whose, message=str(same))
        with _own_faults(dataset.address):
            key, values = _pull_and_land(source, dataset, zone, settings, ledger, as_of, lines)
        lines.dead.pop(source.name, None)
    except ConnectorError as error:
        if isinstance(error, LineDeadError):
            lines.dead[source.name] = error
        return replace(base, state="failed", whose=error.whose, message=str(error))
    except MissingVariableError as error:
        return replace(base, state="failed", whose="config", message=str(error))
    except Exception as error:  # noqa: BLE001 - one agency never stops another, whatever it sends
        # Its pages may be what cannot be read: the next run fetches anew, and does not go on behind them.
        refuse_open(ledger, source.name, dataset.name, f"{type(error).__name__}: {error}")
        unforeseen = UnforeseenError(f"{type(error).__name__}: {error}.", dataset.address, "tell the makers of jifen")
        return replace(base, state="failed", whose=unforeseen.whose, message=str(unforeseen))
    return _as_pulled(base, key, values)


@contextmanager
def _own_faults(where: str) -> Iterator[None]:
    """Faults of our own machine as connector errors: drivers sort those of agencies' servers and databases."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        next_step = "look at its disk or server, then jifen run"
        raise TransientError(f"the ledger: {database_error(error)}.", where, next_step) from None
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        what = f"{error.strerror}{f': {error.filename}' if error.filename else ''}."
        raise ConfigError(
            what, where, "look at the disk, its rights and limits (jifen doctor), then jifen run"
        ) from None


def _as_pulled(base: Pulled, key: BatchKey, values: Mapping[str, Any]) -> Pulled:
    """The outcome for a dataset that was read to its end, by the values of its batch."""
    fields = {name: values[name] for name in ("state", "rows_received", "rows_landed", "rows_refused", "counts")}
    if values["state"] == "held":
        address = f"{base.source}.{base.dataset}"
        stands = "The last good batch stands" if values["changes"]["against"] else "Nothing stands for it"
        next_step = f"{stands}. Whose: data. Next: jifen source held {address}"
        return replace(
            base, batch=key.batch, whose="data", message=f"{address} {values['message']}. {next_step}", **fields
        )
    seen = [_nothing_passed(values), notices_of(values["counts"])]
    changes = values.get("changes") or {}
    batch = values.get("same_as", key.batch)
    return replace(
        base,
        batch=batch,
        message=" ".join(filter(None, seen)) or None,
        changed=changes.get("told"),
        warned=changes.get("warned"),
        **fields,
    )


def _nothing_passed(values: Mapping[str, Any]) -> str | None:
    """A delivery too small to be stopped by its share of refused records, of which not one passed."""
    if not 0 < values["rows_received"] == values["rows_refused"]:
        return None
    rules = ", ".join(one.removeprefix("refused:") for one in values["counts"] if one.startswith("refused:"))
    return f"not one of {values['rows_received']} records passed ({rules}). Next: jifen quarantine list"


def notices_of(counts: Mapping[str, int]) -> str | None:
    """What a person should know of a delivery: files not taken, old or gone, and missing keys, values and records."""
    notices = []
    for name, what in _NOTICES.items():
        found = {one.partition(":")[2]: count for one, count in counts.items() if one.partition(":")[0] == name}
        if found:
            notices.append(what.format(sum(found.values()), names=", ".join(list(found)[:10])))
    return " ".join(notices) or None


_NOTICES = {
    "empty_folder": "the folder is empty. Next: look whether it is the right one, and whether the share is mounted",
    "unmatched": "{} in the folder match no pattern and are not taken: {names}. Next: ask the agency, or put them "
    "under `ignore` in the source file",
    "older_than_held": "{} records are older than what is held of their keys, by their file or stamp, and were left. "
    "Next: ask the agency whether it went back; a file that is the later one is put again, or `order` is declared",
    "hidden_row": "{} rows of the sheet are hidden, and are records like the others. Next: ask the agency whether it "
    "took them back, or left a filter on",
    "struck_row": "{} rows of the sheet are struck out, and are records like the others. Next: ask the agency whether "
    "it took them back",
    "record_after_end": "{} rows below the declared end of a table look like records and are not read. Next: compare "
    "`ends_at` with the file, or ask the agency for one table without totals within it",
    "struck_cell": "{} rows of the sheet have cells that are struck out, and their values count like the others. Next: "
    "ask the agency whether it took them back",
    "other_sheet": "the sheets {names} have the same columns and are not read. Next: ask the agency whether they "
    "belong to this delivery",
    "stated_unit": "the table states its amounts in {names}, and its columns declare no unit: the numbers land as they "
    "stand. Next: declare `unit`",
    "no_records": "there is no record in {names}: nothing follows from that. Next: ask the agency whether it is meant "
    "so",
    "file_gone": "of the last snapshot {names} is not there any more. Next: ask the agency whether its delivery is "
    "whole",
    "outdone_again": "{names} has the bytes of a file that another had replaced since, and counts as new. Next: if it "
    "is a copy of the old one, have it taken away and the right file put again",
    "as_before": "the delivery is word for word that of batch {names}, which another had replaced since, and counts as "
    "new. Next: ask the agency whether it put an old one again",
    "column_emptied": "no record has a value in {names} any more. Next: ask the agency whether it is meant so",
    "keys_gone": "{} keys of the last snapshot are not there any more. Next: ask the agency whether they were renamed",
    "few_records": "{names} is new and has far fewer records than those before it. Next: look whether some have a "
    "wrong date, or whether the delivery is not whole",
    "deletions_withheld": "{} records that the delivery lacks were not deleted, for another of its records cannot be "
    "read and may be one of them. Next: have what quarantine shows fixed (for a note below a table: `ends_at`)",
}
"""The notice of a count, by its name or the part before its colon; `names` are the parts behind the colon."""


def waves(sources: Sequence[Source]) -> list[list[tuple[Source, Dataset]]]:
    """The datasets in an order in which each comes after its parent: those of one wave may be pulled side by side.

    The register of enterprises comes alone and first, for by it the first batches of the others are known.
    """
    left = [(source, dataset) for source in sources for dataset in source.datasets]
    found: list[list[tuple[Source, Dataset]]] = []
    done: set[str] = set()
    register = first_limits().known_by.dataset
    while left:
        ready = [(s, d) for s, d in left if d.parent is None or f"{s.name}.{d.parent}" in done]
        ready = [(s, d) for s, d in ready if d.address == register] or ready
        found.append(ready)
        done |= {dataset.address for _, dataset in ready}
        left = [pair for pair in left if pair not in ready]
    return found


def _pull_and_land(
    source: Source, dataset: Dataset, zone: Zone, settings: Settings, ledger: Engine, as_of: date, lines: Lines
) -> tuple[BatchKey, dict[str, Any]]:
    require_newest(dataset, ledger, as_of)
    values = partition_values(source, dataset, settings, ledger, as_of)
    since = lower_bound(dataset, ledger, as_of)
    key, since = open_batch(ledger, source.name, dataset.name, as_of, source.sha256, since)
    delivery = Delivery(dataset, zone, settings, ledger, key, as_of)
    try:
        ask = Ask(source, dataset, settings, since, partition_values=values, as_of=as_of, lines=lines)
        _read_until_it_stands(ask, ledger, delivery)
        close_batch(ledger, key, "pulled")
        landed = delivery.promote()
        return key, {**landed, "counts": dict(sorted((ask.notes + Counter(landed["counts"])).items()))}
    except ConnectorError as error:
        # What may pass leaves the batch open, and its pages: the next run goes on behind the last of them.
        if error.whose != "transient":
            close_batch(ledger, key, "refused", error=str(error))
        raise
    finally:
        delivery.clear()


def _read_until_it_stands(ask: Ask, ledger: Engine, delivery: Delivery) -> None:
    """Read all pages and settle them.

    Records that came on two pages may hide others that came on none. They are read once more; and where they still come
    twice, once more in pages of another size: what does not change with the cut was the agency's own copy. What does is
    quarantined, and the dataset refused.
    """
    _read_twice_if_needed(ask, ledger, delivery)
    if _has_repeats(delivery):
        void_pages(ledger, delivery.key, None)
        _read_twice_if_needed(ask, ledger, delivery)
    if not _has_repeats(delivery):
        return
    before, paginator = delivery.content_sha256, ask.dataset.paginator
    smaller = paginator and paginator.cut_smaller()
    can_tell = smaller != paginator
    if smaller and can_tell:
        void_pages(ledger, delivery.key, None)
        in_smaller_pages = ask.dataset.model_copy(update={"paginator": smaller})
        _read_twice_if_needed(replace(ask, dataset=in_smaller_pages), ledger, delivery)
        can_tell = _longest_page(delivery) <= (smaller.page_size or 0)
    # Where the agency does not let us choose how long a page is there is no other cut to compare with.
    if not can_tell or delivery.content_sha256 != before:
        moving = PagingFaultError(
            "records come on two pages, and others may come on none.",
            ask.dataset.address,
            "run again when the agency is quiet; if it stays, call the agency",
        )
        delivery.quarantine_window(moving)
        raise moving


def _has_repeats(delivery: Delivery) -> bool:
    paginator = delivery.dataset.paginator
    return paginator is not None and paginator.is_counted and delivery.settled.repeats_across_pages > 0


def _longest_page(delivery: Delivery) -> int:
    """The most records of one page that would land."""
    pages = pq.read_table(delivery.staged, columns=["_sequence"])["_sequence"].value_counts()
    return max((one["counts"].as_py() for one in pages), default=0)


def _read_twice_if_needed(ask: Ask, ledger: Engine, delivery: Delivery) -> None:
    try:
        return delivery.read(fetch(ask, ledger, delivery.key))
    except PagingFaultError as error:
        void_pages(ledger, delivery.key, error.restart_at)
    try:
        return delivery.read(fetch(ask, ledger, delivery.key))
    except PagingFaultError as error:
        delivery.quarantine_window(error)
        raise


def fetch(ask: Ask, ledger: Engine, key: BatchKey) -> Iterator[Page]:
    """The pages archived so far, read back from the raw store; then those still to be fetched, archived as they come.

    A page is archived by its raw object and then its row in the ledger: to read it needs nothing else.
    """
    data_dir, held = ask.settings.data_dir, pages_of(ledger, key)
    if held and ask.source.driver == "database":
        # Two halves of a register read at two moments are not one register: begin again.
        void_pages(ledger, key, None)
        held = []
    yield from (page_of(data_dir, row) for row in held)
    if held and held[-1]["next_cursor"] is None:
        return
    sequence = next_sequence_of(ledger, key)
    for fresh in driver_of(ask.source.driver)(_going_on(ask, ledger, held)):
        sha256 = keep_raw(data_dir, fresh.body)
        record_page(ledger, key, sequence, fresh.label, sha256, len(fresh.body), fresh.next_cursor)
        yield replace(fresh, sequence=sequence, sha256=sha256)
        sequence += 1


def _going_on(ask: Ask, ledger: Engine, held: list[Row]) -> Ask:
    """The same question behind the pages that are held, and behind the files of the nights before."""
    dataset, labels, known = ask.dataset, {row["label"] for row in held}, dict[str, str]()
    # A snapshot is all that lies there now, read whole each night; a feed of files is what came since.
    if ask.source.driver in _FILES and dataset.load == "upsert":
        known = seen_files(ledger, dataset.source, dataset.name, ask.as_of)
    return replace(
        ask,
        resume=held[-1]["next_cursor"] if held else None,
        seen=frozenset(labels | known.keys()),
        held={label: sha256 for label, sha256 in known.items() if label not in labels},
    )


def driver_of(name: str) -> PullDriver:
    """The driver of a source, imported when first used: asyncssh and requests are dear to those who need neither."""
    driver: PullDriver = import_module(f"connectors.drivers.{name}").pull
    return driver
