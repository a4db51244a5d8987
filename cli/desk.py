"""What the quarantine commands share: the data folder they work on, how they fail, and who decides as of when."""

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NoReturn

from sqlalchemy import Engine

from cli import show
from connectors.errors import ConnectorError
from connectors.quarantine import Filter, Quarantined, quarantined
from connectors.source_files import read_sources
from connectors.spec import Source
from ledger.settings import Settings
from ledger.store import open_ledger


@dataclass(frozen=True)
class House:
    """What each of these commands works on."""

    settings: Settings
    ledger: Engine
    sources: tuple[Source, ...]

    @property
    def today(self) -> date:
        """The day it is in the zone."""
        return datetime.now(self.settings.zone).date()

    def records(self, wanted: Filter) -> list[Quarantined]:
        """The refused records that are asked for."""
        return quarantined(self.sources, self.ledger, self.settings, self.today, wanted)


def open_house() -> House:
    """The data folder, ledger and source files that the settings name; exits 1 where one cannot be read."""
    settings = Settings()
    try:
        return House(settings, open_ledger(settings), tuple(read_sources()))
    except ConnectorError as error:
        fail(str(error))


def fail(message: str, state: str = "failed", code: int = 1) -> NoReturn:
    """Tell why a command cannot be done, and leave with this exit code."""
    raise show.stopped(code, state, message)


def records(house: House, wanted: Filter) -> list[Quarantined]:
    """The records asked for; exits 1 where a quarantine file is damaged, 2 where a name is none that we know."""
    try:
        found = house.records(wanted)
    except ConnectorError as error:
        fail(str(error))
    if not found:
        _require_known(house, wanted)
    return found


def _require_known(house: House, wanted: Filter) -> None:
    """Nothing found for a name that nobody has is no all-clear."""
    datasets = {dataset.address for source in house.sources for dataset in source.datasets}
    names = {*datasets, *(address.partition(".")[2] for address in datasets)}
    if wanted.source not in (None, *(source.name for source in house.sources)):
        fail(f"no source {wanted.source}; there are {', '.join(s.name for s in house.sources)}", "usage", 2)
    if wanted.dataset not in (None, *names):
        fail(f"no dataset {wanted.dataset}; there are {', '.join(sorted(datasets))}", "usage", 2)


def by_id(house: House, ids: Iterable[str]) -> tuple[list[Quarantined], list[Quarantined]]:
    """The records of these ids in their order, and all there are; an id that is none is a usage error."""
    held = records(house, Filter())
    by_id = {one.record_id: one for one in held}
    asked = list(dict.fromkeys(ids))
    if unknown := [name for name in asked if name not in by_id]:
        fail(f"no record {', '.join(unknown)}. Next: jifen quarantine list --all", "usage", 2)
    return [by_id[name] for name in asked], held


def date_of_decision(house: House, as_of: date | None) -> date:
    """The business date from which a decision counts; one before the current edition's is a usage error."""
    from flows.recipe import UsageError, check_date

    day = as_of or house.today
    try:
        check_date(house.ledger, day, house.today)
    except UsageError as error:
        fail(str(error), "usage", 2)
    return day


def operator() -> str:
    """Who decides: JIFEN_OPERATOR, or the name of the system user."""
    named = os.environ.get("JIFEN_OPERATOR", "").strip()
    if named:
        return named[:200]
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
