"""How a night ends, in words and as an exit code."""

from dataclasses import dataclass, field
from typing import Any

EXIT_CODES = {"published": 0, "nothing_new": 0, "failed": 1, "blocked": 3, "source_missing": 4}
"""2 is a usage error and is the command line's own. A published edition that could not be delivered exits 1."""


@dataclass(frozen=True)
class Outcome:
    """The end of one run. `state` is that of the ledger's run row; `report` is what `jifen status --json` shows."""

    state: str
    as_of: str
    edition_id: str | None
    message: str
    report: dict[str, Any] = field(default_factory=dict)
    owed: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of `jifen run`."""
        return 1 if self.owed else EXIT_CODES[self.state]
