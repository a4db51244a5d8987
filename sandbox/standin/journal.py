"""The access log of a simulated agency: one line for each request, written before its answer is sent."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

LOG: Final = "access.jsonl"


@dataclass
class Journal:
    """Appends to `access.jsonl` of a state folder; lines of several threads do not mix."""

    state: Path
    _file: BinaryIO = field(init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self._file = (self.state / LOG).open("ab", buffering=0)

    def record(
        self,
        source: str,
        dataset: str | None,
        kind: str,
        method: str,
        path: str,
        status: int,
        *,
        query: Mapping[str, str] | None = None,
        position: int | None = None,
        faults: tuple[str, ...] = (),
    ) -> None:
        """Note one request. `kind` is data, token, login, job, list or other; status 0 stands for no whole answer."""
        entry = {
            "source": source,
            "dataset": dataset,
            "kind": kind,
            "method": method,
            "path": path,
            "query": dict(query or {}),
            "position": position,
            "status": status,
            "faults": list(faults),
            "at": datetime.now(tz=UTC).isoformat(),
        }
        line = json.dumps(entry, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            self._file.write(line)
