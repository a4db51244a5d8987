"""What one run needs, read once and handed to every step."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import Engine

from connectors.drivers.pages import Lines
from connectors.identity_decisions import IdentityDecision
from connectors.inputs import Supplied
from connectors.sink_files import Sink, read_sinks
from connectors.spec import Source
from connectors.stored import Hashed
from connectors.zone import Zone
from editions.build import BuildReport
from editions.candidate import Candidate
from editions.dbt import Dbt
from editions.places import edition_path
from editions.recipe import InputBatch
from expectations.verdict import Verdict
from ledger.settings import Settings
from ledger.store import open_ledger


@dataclass(frozen=True)
class Correction:
    """The published edition that a night corrects, and why, in the words of a person."""

    edition_id: str
    why: str


@dataclass(frozen=True)
class Night:
    """Everything one run needs, read once: the business date of the facts, settings, ledger, sources and sinks.

    `follows` is the edition that stood on the business date, which the gate compares with: `current`, or for a day that
    has passed the last one published of then. `decisions` are those about identity that were made by the business date.
    `corrects` is set where a person asked for a correction. `lines` is what the pulls of this run know of the
    lines to their sources, `hashed` which files it has hashed, and `dbt` starts with the first dataset that landed.
    """

    run_id: str
    as_of: date
    settings: Settings
    ledger: Engine
    sources: tuple[Source, ...]
    sinks: tuple[Sink, ...]
    zone: Zone
    follows: str | None = None
    decisions: tuple[IdentityDecision, ...] = ()
    corrects: Correction | None = None
    lines: Lines = field(default_factory=Lines, compare=False)
    hashed: Hashed = field(default_factory=dict, compare=False)
    dbt: Dbt = field(default_factory=Dbt, compare=False)

    @property
    def previous(self) -> Path | None:
        """The folder of the edition that it follows."""
        return edition_path(self.settings.data_dir, self.follows) if self.follows else None


def night_without_run(settings: Settings) -> Night:
    """What sending outside a night needs: today, and the recipients."""
    return Night("", settings.today, settings, open_ledger(settings), (), tuple(read_sinks()), Zone())


@dataclass(frozen=True)
class Cleared:
    """A candidate that passed the gate, with all that its edition is made of and named after."""

    candidate: Candidate
    build: BuildReport
    verdict: Verdict
    inputs: tuple[InputBatch, ...]
    recipe_sha256: str
    rules_sha256: str
    supplied: tuple[Supplied, ...]
