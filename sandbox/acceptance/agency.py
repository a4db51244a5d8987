"""The other side of an acceptance run: a stand-in that can be told to misbehave, or the real agency, which cannot."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Protocol

from connectors.spec import Source

WHY_NOT = {
    "truth": "the other side is real: nobody can say what its records should be",
    "faults": "the other side is real: no fault can be planned",
    "journal": "the other side is real: it does not show us which requests reached it",
    "change": "the other side is real: its records are not ours to change",
    "wrong_secrets": "the other side is real: wrong secrets may lock the account; --wrong-secrets tries them",
}
"""What an agency may be able to do for us, and why a check is skipped where it is not."""


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

    def _cannot(self, *_: object) -> NoReturn:
        raise NotImplementedError("the other side is real: this can be asked of a stand-in alone")

    truth = set_faults = requests = clear_requests = change = _cannot


def abilities_of(agency: Agency) -> frozenset[str]:
    """What an agency can do for us; one that does not say so can do everything."""
    found: frozenset[str] = getattr(agency, "abilities", frozenset(WHY_NOT))
    return found
