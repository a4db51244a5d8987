"""Time `jifen explain` as a whole process, enterprise after enterprise, beside what Python and DuckDB take to start."""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

EXPLAIN = "from cli.entry import main; main()"
COMMANDS = {
    "text": [EXPLAIN, "explain", "{uscc}"],
    "JSON": [EXPLAIN, "explain", "{uscc}", "--json"],
    "one indicator": [EXPLAIN, "explain", "{uscc}", "--indicator", "C07"],
    # The same machine at the same time: a figure of a busy one is read against these.
    "python -c pass": ["pass"],
    "import duckdb": ["import duckdb"],
}
PROJECT_DIR = Path(__file__).resolve().parents[2]


def measure(data_dir: Path, enterprises: int, runs: int) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds of wall clock and of CPU of each call, by command: in turns, each turn of another enterprise.

    CPU time shows the cost also on a machine that is busy with other things. The first turn is not counted: it pays for
    the files that the system has not read yet, and for compiling what was not compiled.
    """
    environment = {**os.environ, "JIFEN_DATA_DIR": str(data_dir.resolve())}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for turn in range(runs + 1):
        uscc = f"91441300MA{turn * 7919 % enterprises:08}"
        for name, words in COMMANDS.items():
            figures = _one_call([word.format(uscc=uscc) for word in words], environment)
            if turn:
                taken[name].append(figures)
    return taken


def _one_call(words: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    before, began = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", *words], env=environment, cwd=PROJECT_DIR, stdout=subprocess.DEVNULL, check=True
    )
    wall, after = time.perf_counter() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall * 1000, cpu * 1000


def main() -> None:
    """Measure every kind of answer on a data folder that `generate.py` made."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("data_dir", type=Path)
    asked.add_argument("--enterprises", type=int, default=10_000)
    asked.add_argument("--runs", type=int, default=50)
    options = asked.parse_args()
    sys.stdout.write(f"{'ms, whole process':18} {'median':>7} {'p95':>7} {'CPU':>7}\n")
    for name, figures in measure(options.data_dir, options.enterprises, options.runs).items():
        walls = sorted(wall for wall, _ in figures)
        cpu = statistics.mean(cpu for _, cpu in figures)
        p95 = walls[int(len(walls) * 0.95)]
        sys.stdout.write(f"{name:18} {statistics.median(walls):7.0f} {p95:7.0f} {cpu:7.0f}\n")


if __name__ == "__main__":
    main()
