"""One source pulled by itself, beside the night and under its lock: records land, nothing is published."""

from collections.abc import Sequence
from datetime import date

from connectors.drivers.pages import Lines
from connectors.pull import Pulled, pull_dataset
from connectors.spec import Dataset, Source
from connectors.stored import Store, require_stored
from connectors.zone import Zone
from ledger.runs import exclusive_run
from ledger.settings import Settings
from ledger.store import open_ledger


def pull_source(
    settings: Settings, source: Source, zone: Zone, day: date, datasets: Sequence[Dataset] | None = None
) -> list[Pulled]:
    """Pull these datasets of a source, all of them otherwise, for a business date."""
    with exclusive_run(settings.data_dir):
        ledger = open_ledger(settings)
        lines = Lines()
        require_stored([source], Store(settings, ledger, zone, {}), day)
        wanted = source.datasets if datasets is None else datasets
        return [pull_dataset(source, one, zone, settings, ledger, day, lines) for one in wanted]
