"""Pulling one dataset: resume or begin, keep each page with its checkpoint, then land the batch."""

import os
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from connectors.drivers.pages import Ask, PullDriver
from connectors.errors import ConnectorError, PagingFaultError, UnforeseenError
from connectors.landing import check_repeats, land, read_batch
from connectors.raw import keep_raw
from connectors.reading import Reading
from connectors.spec import Dataset, PageNumber, RestRequest, Source
from connectors.zone import Zone
from ledger.batches import (
    BatchKey,
    close_batch,
    latest_promoted,
    open_batch,
    pages_of,
    record_page,
    refuse_open,
    seen_labels,
)
from ledger.settings import MissingVariableError, Settings


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
    return replace(base, batch=values.get("same_as", key.batch), **told)


def _pull_and_land(
    source: Source, dataset: Dataset, zone: Zone, settings: Settings, ledger: Engine, as_of: date
) -> tuple[BatchKey, dict[str, Any]]:
    key, reading = _pull_and_read(source, dataset, zone, settings, ledger, as_of)
    try:
        return key, land(dataset, settings, ledger, key, as_of, reading)
    except ConnectorError as error:
        close_batch(ledger, key, "refused", error=str(error))
        raise


def _pull_and_read(
    source: Source, dataset: Dataset, zone: Zone, settings: Settings, ledger: Engine, as_of: date
) -> tuple[BatchKey, Reading]:
    """Pull once; where pages do not add up or records came on two pages, once more from the start to be sure."""

    def once() -> tuple[BatchKey, Reading]:
        key = _pull_pages(source, dataset, settings, ledger, as_of)
        try:
            return key, read_batch(dataset, zone, settings, ledger, key)
        except ConnectorError as error:
            close_batch(ledger, key, "refused", error=str(error))
            raise

    try:
        key, reading = once()
    except PagingFaultError:
        return once()
    if isinstance(dataset.paginator, PageNumber) and reading.repeats_across_pages:
        close_batch(ledger, key, "abandoned", error="records came on two pages: pulled again to be sure")
        key, again = once()
        try:
            check_repeats(dataset, reading, again)
        except PagingFaultError as error:
            close_batch(ledger, key, "refused", error=str(error))
            raise
        return key, again
    return key, reading


def _pull_pages(source: Source, dataset: Dataset, settings: Settings, ledger: Engine, as_of: date) -> BatchKey:
    """Keep every page of a batch, going on behind the last checkpoint where a process died; answers the whole batch."""
    since = _since(dataset, ledger, as_of)
    key, since = open_batch(ledger, source.name, dataset.name, as_of, source.sha256, since)
    done = pages_of(ledger, key)
    if done and source.driver == "database":
        # Two halves of a register read at two moments are not one register: begin again.
        close_batch(ledger, key, "abandoned", error="broken off: a table is read whole or not at all")
        key, since = open_batch(ledger, source.name, dataset.name, as_of, source.sha256, since)
        done = []
    if done and done[-1]["next_cursor"] is None:
        return key
    seen = seen_labels(ledger, source.name, dataset.name, as_of) if source.driver == "sftp" else set()
    seen |= {page["label"] for page in done}
    ask = Ask(source, dataset, settings, since, done[-1]["next_cursor"] if done else None, frozenset(seen))
    sequence = len(done)
    try:
        for page in driver_of(source.driver)(ask):
            sequence += 1
            sha256 = keep_raw(settings.data_dir, page.body)
            record_page(ledger, key, sequence, page.label, sha256, len(page.body), page.next_cursor)
    except PagingFaultError as error:
        close_batch(ledger, key, "abandoned", error=str(error))
        raise
    close_batch(ledger, key, "pulled")
    return key


def _since(dataset: Dataset, ledger: Engine, as_of: date) -> str | None:
    """The lower bound of a change feed: the newest change we hold, less the lookback; None before the first pull."""
    request = dataset.request
    if not isinstance(request, RestRequest) or request.since is None:
        return None
    last = latest_promoted(ledger, dataset.source, dataset.name, as_of)
    if last is None or last["high_water"] is None:
        return None
    newest = datetime.fromisoformat(last["high_water"]) - timedelta(days=request.since.lookback_days)
    return newest.isoformat() + "+00:00"


def driver_of(name: str) -> PullDriver:
    """The driver of a source, imported when first used: asyncssh and requests are dear to those who need neither."""
    if name == "rest":
        from connectors.drivers import rest

        return rest.pull
    if name == "sftp":
        from connectors.drivers import sftp

        return sftp.pull
    from connectors.drivers import database

    return database.pull
