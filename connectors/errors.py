"""The four classes of error on the way in and out, each saying what, where, whose and what to do next."""

from typing import Any


class ConnectorError(RuntimeError):
    """A fault between us and an agency or a recipient. `whose` is one of config, agency, transient, data."""

    whose = "unknown"

    def __init__(self, what: str, where: str, next_step: str) -> None:
        super().__init__(f"{where}: {what} Whose: {self.whose}. Next: {next_step}")
        self.what = what
        self.where = where
        self.next_step = next_step


class ConfigError(ConnectorError):
    """Our own file or variable is wrong: nothing was sent, or what was sent can never work."""

    whose = "config"


class AgencyError(ConnectorError):
    """The agency rejected the request or answered outside its own document: the agency must act."""

    whose = "agency"


class GoneError(AgencyError):
    """The channel answers 410, gone for good: nothing more is sent to it until a person acts."""


class TransientError(ConnectorError):
    """Down, slow or busy for longer than the retry budget: the same call may work later."""

    whose = "transient"
    retry_after: float | None = None
    """After how many seconds the other side asks to be called again."""


class LineDeadError(TransientError):
    """There was no answer for the whole retry budget: no dataset of this source can be pulled now."""


class DataError(ConnectorError):
    """What arrived is complete but wrong as a whole: a control total, a truncated archive, a floor not reached."""

    whose = "data"


class UnforeseenError(ConnectorError):
    """An input or a state that none of the four classes covers: a fault of ours, reported like the others."""

    whose = "jifen"


class PagingFaultError(DataError):
    """Pages that do not add up: repeated, out of order, moving, or not as many records as declared.

    Worth one new pull, from `restart_at` on (a cursor that was yielded before, or None: from the beginning): what
    came after it is void.
    """

    def __init__(self, what: str, where: str, next_step: str, restart_at: dict[str, Any] | None = None) -> None:
        super().__init__(what, where, next_step)
        self.restart_at = restart_at


def printable(text: str, longest: int) -> str:
    """A text of the other side as it may stand in a message: without control characters, and not longer than this."""
    return "".join(sign for sign in text if sign.isprintable())[:longest]
