"""The other side of an acceptance run: a stand-in that can be told to misbehave, or the real agency, which cannot."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from connectors.spec import Dataset, Source

ABILITIES = frozenset({"truth", "faults", "journal", "change", "wrong_secrets"})

WHY_NOT = {
    "truth": "the other side is real: nobody can say what its records should be",
    "faults": "the other side is real: no fault can be planned",
    "journal": "the other side is real: it does not show us which requests reached it",
    "change": "the other side is real: its records are not ours to change",
    "wrong_secrets": "the other side is real: wrong secrets may lock the account; --wrong-secrets tries them",
}
"""Why a check is skipped where the other side lacks an ability."""


class FaultKind(Protocol):
    """One way in which an agency misbehaves. `expected` of a sound client: `right`, `loud` or `either`.

    `later`: what the fault holds back may be left for the next run, and must land then. `again`: it strikes what was
    pulled in health before.
    """

    @property
    def does(self) -> str:
        """What the fault does, in a sentence."""

    @property
    def expected(self) -> str:
        """What a sound client makes of it."""

    @property
    def later(self) -> bool:
        """Whether what it holds back may wait for the next run."""

    @property
    def again(self) -> bool:
        """Whether a healthy pull comes before it."""

    def applies(self, source: Source, dataset: Dataset) -> bool:
        """Whether it can strike this dataset at all."""


class Agency(Protocol):
    """Whoever answers in an acceptance run. The journal and the fault plan hold for all sources that it stands for."""

    @property
    def env(self) -> Mapping[str, str]:
        """Every variable that the sources name, with a value that works."""

    def truth(self, source_name: str, dataset_name: str) -> list[dict[str, Any]]:
        """The rows that must be held after a healthy pull: column name -> typed value."""

    def set_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Replace the fault plan; an empty one is health."""

    def requests(self) -> list[dict[str, Any]]:
        """What reached the agency since the journal was last cleared."""

    def clear_requests(self) -> None:
        """Begin the journal anew."""

    def change(self, source_name: str, dataset_name: str, how: str) -> None:
        """Let the agency add, correct or delete a record; `truth` follows."""


class RealAgency:
    """The agency itself: it has our variables and nothing else that the kit could use."""

    def __init__(self, sources: Sequence[Source], wrong_secrets: bool = False) -> None:
        named = {name for source in sources for name in source.variables()}
        self.env: Mapping[str, str] = {name: os.environ[name] for name in sorted(named) if os.environ.get(name)}
        self.abilities = frozenset({"wrong_secrets"}) if wrong_secrets else frozenset[str]()

    def truth(self, source_name: str, dataset_name: str) -> list[dict[str, Any]]:
        """Unknown."""
        raise NotImplementedError(WHY_NOT["truth"])

    def set_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Only health can be asked for."""
        if faults:
            raise NotImplementedError(WHY_NOT["faults"])

    def requests(self) -> list[dict[str, Any]]:
        """Unknown."""
        raise NotImplementedError(WHY_NOT["journal"])

    def clear_requests(self) -> None:
        """Nothing to clear."""

    def change(self, source_name: str, dataset_name: str, how: str) -> None:
        """Never."""
        raise NotImplementedError(WHY_NOT["change"])


def abilities_of(agency: Agency) -> frozenset[str]:
    """What an agency can do for us; one that does not say so can do everything."""
    found: frozenset[str] = getattr(agency, "abilities", ABILITIES)
    return found
