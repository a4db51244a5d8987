"""The agency under test in an acceptance run: a stand-in, which can show planned faults, or the real agency."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Protocol

from connectors.spec import Source

WHY_NOT = {
    "truth": "the agency is real: its records cannot be predicted",
    "faults": "the agency is real: no fault can be planned",
    "journal": "the agency is real: it does not show which requests reached it",
    "change": "the agency is real: the kit must not change its records",
    "wrong_secrets": "the agency is real: wrong secrets may lock the account; --wrong-secrets tries them",
}
"""What a check may need of an agency, and why the check is skipped where the agency lacks it."""


class Agency(Protocol):
    """The agency under test. Its journal and fault plan cover all sources that it serves."""

    @property
    def env(self) -> Mapping[str, str]:
        """Every variable that the sources name, with a value that works."""

    def truth(self, source_name: str, dataset_name: str) -> list[dict[str, Any]]:
        """The rows that must be held after a healthy pull: column name -> typed value."""

    def set_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Replace the fault plan; an empty plan plants no fault."""

    def requests(self) -> list[dict[str, Any]]:
        """What reached the agency since the journal was last cleared."""

    def clear_requests(self) -> None:
        """Clear the journal."""

    def change(self, source_name: str, dataset_name: str, how: str) -> None:
        """Let the agency add, correct or delete a record; `truth` follows."""


class RealAgency:
    """The real agency: the kit has its variables, and no truth, journal or fault plan."""

    def __init__(self, sources: Sequence[Source], wrong_secrets: bool = False) -> None:
        named = {name for source in sources for name in source.variables()}
        self.env: Mapping[str, str] = {name: os.environ[name] for name in sorted(named) if os.environ.get(name)}
        self.abilities = frozenset({"wrong_secrets"}) if wrong_secrets else frozenset[str]()

    def _cannot(self, *_: object) -> NoReturn:
        raise NotImplementedError("the agency is real: only a stand-in can do this")

    truth = set_faults = requests = clear_requests = change = _cannot


def abilities_of(agency: Agency) -> frozenset[str]:
    """The abilities of an agency; one without the attribute `abilities` has them all."""
    found: frozenset[str] = getattr(agency, "abilities", frozenset(WHY_NOT))
    return found
