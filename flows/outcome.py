"""How a night ends, in words and as an exit code."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from ledger.report import Report

EXIT_CODES = {"published": 0, "nothing_new": 0, "beside": 0, "failed": 1, "blocked": 3, "source_missing": 4}
"""2 is a usage error and is the command line's own."""
OWED, SOURCE_FAILED = 1, 5
"""A good night with something not delivered; one without a source that is not critical, or with a batch that is held,
so that the last good one stands."""
_RUN = re.compile(r"\bjifen run\b(?! --as-of)")


def dated(text: str, as_of: date | str) -> str:
    """A text in which `jifen run` has the day of a night: on a later day it has to repeat that night."""
    return _RUN.sub(f"jifen run --as-of {as_of}", text)


@dataclass(frozen=True)
class Outcome:
    """The end of one run.

    `state` is that of the ledger's run row, or `beside` of a day that has passed, whose building is no night and has no
    row; `edition_id` is the one it left current, or the one beside. `report` is what `jifen status --json` shows.
    """

    state: str
    as_of: str
    edition_id: str | None
    message: str
    report: Report = field(default_factory=Report)
    owed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Date each `jifen run` in the message."""
        object.__setattr__(self, "message", self.dated(self.message))

    def dated(self, text: str) -> str:
        """A text in which `jifen run` has the day of this night."""
        return dated(text, self.as_of)

    @property
    def is_good(self) -> bool:
        """Whether `current` is what it should be, whatever is not delivered yet."""
        return EXIT_CODES[self.state] == 0

    def without(self, what: str, recipients: Iterable[str]) -> "Outcome":
        """This outcome, where something was not sent to these recipients; a bad night stays what it is."""
        left = tuple(dict.fromkeys(recipients))
        if not left or not self.is_good:
            return self
        message = f"{self.message} {what}: {', '.join(left)}. Next: `jifen status`, then `jifen run`."
        return replace(self, message=message, owed=(*self.owed, *left))

    @property
    def failed(self) -> dict[str, str]:
        """The datasets that were not pulled, as source.dataset, each with the reason."""
        return self._messages("failed")

    @property
    def held(self) -> dict[str, str]:
        """The datasets whose new batch is held, each with the figures: the last good batch stands for them."""
        return self._messages("held")

    @property
    def noticed(self) -> dict[str, str]:
        """The datasets that were pulled and have a message that a person has to look at."""
        return self._messages("landed", "unchanged")

    def _messages(self, *states: str) -> dict[str, str]:
        pulled = [one for one in self.report.get("pulled", ()) if one["state"] in states and one.get("message")]
        return {f"{one['source']}.{one['dataset']}": self.dated(one["message"]) for one in pulled}

    @property
    def exit_code(self) -> int:
        """The exit code of `jifen run`."""
        if self.owed:
            return OWED
        return SOURCE_FAILED if self.is_good and (self.failed or self.held) else EXIT_CODES[self.state]
