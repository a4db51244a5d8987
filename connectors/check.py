"""Trying a source without keeping anything: can it be reached, and does its first page read as the file says."""

from typing import Any

from connectors.drivers.pages import Ask
from connectors.errors import ConnectorError
from connectors.pull import driver_of
from connectors.reading import RawPage, read_pages
from connectors.spec import Dataset, Source
from connectors.zone import Zone
from ledger.settings import MissingVariableError, Settings


def check_source(source: Source, zone: Zone, settings: Settings) -> list[dict[str, Any]]:
    """One line per dataset: ok, failed with the error, or not_supplied with the reason. Nothing is written."""
    return [_check_dataset(source, dataset, zone, settings) for dataset in source.datasets]


def _check_dataset(source: Source, dataset: Dataset, zone: Zone, settings: Settings) -> dict[str, Any]:
    line: dict[str, Any] = {
        "dataset": dataset.address,
        "state": "ok",
        "records": None,
        "refused": None,
        "message": None,
    }
    if reason := zone.why_not_supplied(dataset):
        return {**line, "state": "not_supplied", "message": reason}
    try:
        ask = Ask(source, dataset, settings, since=None, resume=None, seen=frozenset())
        page = next(driver_of(source.driver)(ask), None)
        if page is None:
            return {**line, "state": "failed", "message": "nothing is there to fetch"}
        reading = read_pages(dataset, zone, settings.zone, [RawPage(1, page.label, "", page.body)])
    except (ConnectorError, MissingVariableError) as error:
        return {**line, "state": "failed", "message": str(error)}
    return {**line, "records": reading.received, "refused": reading.records_refused}
