"""What the checks of `jifen doctor` read: one installation, each part of it read once."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from connectors.plan import reading
from connectors.sink_files import Sink, read_sinks
from connectors.source_files import read_sources
from connectors.spec import Source
from connectors.zone import Zone, read_zone
from flows.deployed import Survey, client_of_server, survey, wanted_of
from flows.prefect_server import api_is_configured
from ledger.data_folder import data_folder
from ledger.settings import PROJECT_DIR, Settings


class CheckFailedError(RuntimeError):
    """A check failed; the message says what was found."""


class NothingToCheckError(RuntimeError):
    """There is nothing here to check; the message says why."""


@dataclass
class Here:
    """One installation at one moment. The ledger is read, never written: from a copy where it is a file."""

    project: Path = PROJECT_DIR
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _open: ExitStack = field(default_factory=ExitStack)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Close at the end what was opened."""
        with self._open:
            yield

    @cached_property
    def settings(self) -> Settings:
        """The settings of this installation."""
        return Settings()

    @cached_property
    def data_dir(self) -> Path:
        """The data folder, whether the settings can be read or not."""
        return data_folder(self.environ)

    @cached_property
    def ledger(self) -> Engine:
        """The ledger, for reading."""
        found = self._open.enter_context(reading(self.settings))
        if found is None:
            raise NothingToCheckError("there is no ledger yet: the first night makes one")
        return found

    @cached_property
    def sources(self) -> list[Source]:
        """Every source file."""
        return read_sources(self.project / "connectors" / "sources")

    @cached_property
    def sinks(self) -> list[Sink]:
        """Every sink file."""
        return read_sinks(self.project / "connectors" / "sinks")

    @cached_property
    def zone(self) -> Zone:
        """The zone file."""
        return read_zone(self.settings.zone_file, self.sources)

    @cached_property
    def prefect(self) -> Survey:
        """The Prefect server compared with our files."""
        if not api_is_configured():
            raise NothingToCheckError("no server: see prefect_api")
        client = self._open.enter_context(client_of_server())
        ledger = self._open.enter_context(reading(self.settings))
        return survey(client, wanted_of(self.project, self.sources, self.settings), ledger)

    @property
    def today(self) -> date:
        """The day it is in the zone."""
        return self.now.astimezone(self.settings.zone).date()
