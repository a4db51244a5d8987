"""Checks that a source can be reached and that its first page fits the source file. Nothing is kept."""

import os
from collections import Counter
from typing import Any

from connectors.drivers.pages import Ask, Page
from connectors.errors import AgencyError, ConnectorError, LineDeadError, TransientError
from connectors.pull import driver_of, notices_of
from connectors.quarantine import place_of
from connectors.reading import Part, Reading
from connectors.spec import Dataset, Source
from connectors.zone import Zone
from ledger.settings import MissingVariableError, Settings

CHECK_SECONDS = 15.0
"""How long a check retries: a person waits for its answer."""

WHY_SHOWN = 3
"""For how many refused records a check gives the reason."""


def check_source(source: Source, zone: Zone, settings: Settings) -> list[dict[str, Any]]:
    """One line per dataset: ok, failed with the error, or not_supplied with the reason. Nothing is written.

    Where variables are not set, no request is sent: one line for the source names all of them.
    """
    missing = [name for name in source.variables() if not os.environ.get(name)]
    if missing and any(zone.why_not_supplied(dataset) is None for dataset in source.datasets):
        line = _line(source.name)
        unset = MissingVariableError(missing, source.name, f"jifen source check {source.name}")
        return [{**line, "state": "failed", "message": str(unset)}]
    settings = settings.model_copy(update={"retry_seconds": min(settings.retry_seconds, CHECK_SECONDS)})
    dead: list[TransientError] = []
    return [_check_dataset(source, dataset, zone, settings, dead) for dataset in source.datasets]


def _check_dataset(
    source: Source, dataset: Dataset, zone: Zone, settings: Settings, dead: list[TransientError]
) -> dict[str, Any]:
    """`dead` holds the error of a line that does not answer: only the first dataset waits for it."""
    line = _line(dataset.address)
    if reason := zone.why_not_supplied(dataset):
        return {**line, "state": "not_supplied", "message": reason}
    try:
        # One at most: that of the dataset which met the dead line first.
        for error in dead:
            raise TransientError(error.what, dataset.address, error.next_step)
        notes: Counter[str] = Counter()
        page = _first_page(source, dataset, zone, settings, notes)
        line["message"] = notices_of(notes)
        if page is None:
            return {**line, "state": "failed", "message": line["message"] or "nothing is there to fetch"}
        reading, parts = _read(dataset, zone, settings, page)
    except TransientError as error:
        if isinstance(error, LineDeadError):
            dead.append(error)
        again = TransientError(error.what, error.where, f"jifen source check {source.name}")
        return {**line, "state": "failed", "message": str(again)}
    except (ConnectorError, MissingVariableError) as error:
        return {**line, "state": "failed", "message": str(error)}
    message = " ".join(filter(None, [line["message"], _why_refused(dataset, parts)])) or None
    return {**line, "records": reading.received, "refused": reading.refused, "message": message}


def _line(what: str) -> dict[str, Any]:
    return {"dataset": what, "state": "ok", **dict.fromkeys(("records", "refused", "message"))}


def _why_refused(dataset: Dataset, parts: list[Part]) -> str:
    """The first refused records: place, key, and each broken rule with the value."""
    reasons: dict[int, list[str]] = {}
    for one in (one for part in parts for one in part.refusals if one.action == "record_refused"):
        key = " / ".join(text or "?" for text in one.key) or "no key"
        said = "" if one.value is None else f" {str(one.value)[:40]}"
        reasons.setdefault(one.position, [f"{place_of(dataset, one.position)}: {key}"]).append(f"{one.rule}{said}")
    more = ["…"] if len(reasons) > WHY_SHOWN else []
    first = [", ".join(lines) for lines in list(reasons.values())[:WHY_SHOWN]]
    return f"refused: {'; '.join(first + more)}" if reasons else ""


def _first_page(source: Source, dataset: Dataset, zone: Zone, settings: Settings, notes: Counter[str]) -> Page | None:
    values = _partition_values(source, dataset, zone, settings)
    ask = Ask(source, dataset, settings, partition_values=values, notes=notes)
    pages = iter(driver_of(source.driver)(ask))
    try:
        return next(pages, None)
    finally:
        # A driver holds its connections for as long as more pages may be asked of it.
        getattr(pages, "close", lambda: None)()


def _partition_values(source: Source, dataset: Dataset, zone: Zone, settings: Settings) -> tuple[str, ...]:
    """One value to ask a partition for: the first of its list, or of the first page of its parent."""
    if (partition := dataset.partition) is None:
        return ()
    if partition.values is not None:
        return partition.values[:1]
    parent = source.dataset(str(partition.dataset))
    page = _first_page(source, parent, zone, settings, Counter())
    parts = _read(parent, zone, settings, page)[1] if page else []
    values = [value for part in parts for value in part.rows[str(partition.column)].to_pylist() if value is not None]
    if not values:
        raise AgencyError(
            f"its parent dataset {parent.address} gives no {partition.column}.", dataset.address, "jifen source check"
        )
    return (str(values[0]),)


def _read(dataset: Dataset, zone: Zone, settings: Settings, page: Page) -> tuple[Reading, list[Part]]:
    reading = Reading(dataset, zone, settings.zone)
    return reading, list(reading.parts([page]))
