"""The rate budget of a host: requests in flight and begun in a second, shared by whatever asks it in this process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from connectors.drivers.listing import host_key
from connectors.spec import Limits


@dataclass
class HostBudget:
    """How busy one host is kept by us. The limits come with each request: two sources may share a host."""

    _changed: threading.Condition = field(default_factory=threading.Condition)
    _in_flight: int = 0
    _next_start: float = 0.0

    @contextmanager
    def slot(self, limits: Limits) -> Iterator[None]:
        """Hold one of the connections; waits until one is free."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight < limits.connections)
            self._in_flight += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_flight -= 1
                # All, not one: those who wait may have different limits.
                self._changed.notify_all()

    def pace(self, limits: Limits, stop: threading.Event) -> None:
        """Wait for our turn to begin a request, `1 / per_second` after the one before; `stop` ends the wait."""
        if limits.per_second is None:
            return
        with self._changed:
            now = time.monotonic()
            turn = max(now, self._next_start)
            self._next_start = turn + 1.0 / limits.per_second
        if turn > now:
            stop.wait(turn - now)


_budgets: dict[tuple[str, str, int | None], HostBudget] = {}
_budgets_lock = threading.Lock()


def budget_of(url: str) -> HostBudget:
    """The one budget of the host that an address names."""
    with _budgets_lock:
        return _budgets.setdefault(host_key(url), HostBudget())
