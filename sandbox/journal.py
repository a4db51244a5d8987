"""What the servers keep of each request, and the faults that a file makes them show."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

# How the tax office behaves on any ordinary day: a busy moment on the second page of statements.
USUAL_FAULTS: Final[dict[str, Any]] = {
    "tax": {"too_many_requests": {"path": "/api/v1/statements", "page": 2, "times": 1, "retry_after": 1}}
}


def append_line(path: Path, entry: dict[str, Any]) -> None:
    """Append one JSON object to a file of lines, whole: readers never see half of it."""
    with path.open("ab", buffering=0) as file:
        file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")


@dataclass
class Journal:
    """The access log and the fault plan of one state folder.

    The plan is `faults.json`, read again whenever it changes; without the file the usual faults hold, and an empty
    object in it means none at all. Counters of "times" start anew with each change.
    """

    state: Path
    _stamp: tuple[int, str] | None = field(default=None, init=False)
    _plan: dict[str, Any] = field(default_factory=lambda: dict(USUAL_FAULTS), init=False)
    _spent: dict[str, int] = field(default_factory=dict, init=False)

    def record(self, agency: str, method: str, path: str, query: Mapping[str, str], status: int) -> None:
        """Note one request and how it was answered."""
        at = datetime.now(tz=UTC).isoformat()
        entry = {"agency": agency, "method": method, "path": path, "query": dict(query), "status": status, "at": at}
        append_line(self.state / "access.jsonl", entry)

    def plan(self, agency: str) -> dict[str, Any]:
        """Return the faults in force for an agency; raise ValueError where the file is no JSON object."""
        path = self.state / "faults.json"
        try:
            stamp = (path.stat().st_mtime_ns, path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            stamp = None
        # A file without a word in it is just being written: what held before holds until it is whole.
        if stamp != self._stamp and (stamp is None or stamp[1]):
            self._plan = dict(USUAL_FAULTS) if stamp is None else json.loads(stamp[1])
            self._stamp = stamp
            self._spent.clear()
        faults: dict[str, Any] = self._plan.get(agency, {})
        return faults

    def strikes(self, agency: str, fault: str, path: str, page: int) -> dict[str, Any] | None:
        """Return a fault's settings if it strikes this page of this path now, and count it; else None."""
        settings: dict[str, Any] | None = self.plan(agency).get(fault)
        if settings is None or settings.get("path", path) != path or settings.get("page", page) != page:
            return None
        counter = f"{agency}.{fault}"
        spent = self._spent.get(counter, 0)
        if spent >= settings.get("times", 1):
            return None
        self._spent[counter] = spent + 1
        return settings
