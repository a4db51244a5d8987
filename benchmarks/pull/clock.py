"""How a client reports its own pull: CPU and wall time from after the imports to the last record written."""

import json
import time
from pathlib import Path


class Clock:
    """Started where the pull starts. `process_time` counts every thread of this process."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def report(self, output: Path) -> None:
        """Print one line for run.py: the two times, and where the records stand."""
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        print(json.dumps({"pull_cpu": cpu, "pull_wall": wall, "output": str(output)}), flush=True)  # noqa: T201
