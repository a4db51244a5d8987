"""Time `jifen explain` as a whole process, fifty enterprises in turn; prints the median and the 95th percentile."""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

JIFEN = [sys.executable, "-c", "from flows.entry import main; main()"]
KINDS = {"text": [], "json": ["--json"], "one indicator": ["--indicator", "C07"]}


def measure(data_dir: Path, words: list[str], enterprises: int, runs: int) -> tuple[list[float], float]:
    """Milliseconds of wall clock of each of `runs` calls, shortest first, and of CPU on average.

    Each call is of another enterprise. CPU says what the machine, if busy with other things, hides.
    """
    environment = {**os.environ, "JIFEN_DATA_DIR": str(data_dir)}
    taken = []
    before = os.times()
    for run in range(runs + 1):
        uscc = f"91441300MA{run * 7919 % enterprises:08}"
        began = time.perf_counter()
        subprocess.run([*JIFEN, "explain", uscc, *words], env=environment, stdout=subprocess.DEVNULL, check=True)
        taken.append((time.perf_counter() - began) * 1000)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    # The first call pays for the files that the system has not read yet.
    return sorted(taken[1:]), cpu * 1000 / (runs + 1)


def main() -> None:
    """Measure every kind of answer on a data folder that `generate.py` made."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("data_dir", type=Path)
    asked.add_argument("--enterprises", type=int, default=10_000)
    asked.add_argument("--runs", type=int, default=50)
    options = asked.parse_args()
    for kind, words in KINDS.items():
        taken, cpu = measure(options.data_dir, words, options.enterprises, options.runs)
        p95 = taken[int(len(taken) * 0.95)]
        sys.stdout.write(
            f"{kind:14} median {statistics.median(taken):5.0f} ms   p95 {p95:5.0f} ms   CPU {cpu:5.0f} ms\n"
        )


if __name__ == "__main__":
    main()
