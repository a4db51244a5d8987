"""One run of one contestant in a process of its own, and what the kernel counted of it and all it started."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCHMARKS = HERE.parent
PROJECT = BENCHMARKS.parent

Sums = dict[str, list[str]]


@dataclass(frozen=True)
class Contestant:
    """What the table calls it, its script, and its requirement file (None: the project's own venv)."""

    name: str
    script: str
    requirements: str | None

    @property
    def python(self) -> Path:
        """The interpreter of its venv."""
        venv = PROJECT / ".venv" if self.requirements is None else BENCHMARKS / ".venvs" / self.requirements
        return venv / "bin" / "python"


CONTESTANTS = (
    Contestant("ours, through dbt", "ours.py", None),
    Contestant("one DuckDB script", "duckdb_script.py", None),
    Contestant("polars", "polars_lazy.py", "polars"),
    Contestant("pandas", "pandas_analyst.py", "pandas"),
)


@dataclass(frozen=True)
class Run:
    """CPU and wall in seconds, the most memory resident of any of its processes in MB, and what came of it."""

    cpu: float
    wall: float
    peak_mb: float
    sums: Sums


def ensure_venvs(contestants: list[Contestant]) -> None:
    """Make each venv that is not there, or not as its requirement file says, by the hashes that stand in it."""
    uv = str(PROJECT / ".venv" / "bin" / "uv")
    environ = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    for name in sorted({one.requirements for one in contestants if one.requirements}):
        venv, wanted = BENCHMARKS / ".venvs" / name, BENCHMARKS / "requirements" / f"{name}.txt"
        if not (venv / "bin" / "python").exists():
            interpreter = str(PROJECT / ".venv" / "bin" / "python")
            subprocess.run([uv, "venv", "--quiet", "--python", interpreter, str(venv)], check=True, env=environ)
        sync = [uv, "pip", "sync", "--quiet", "--python", str(venv / "bin" / "python"), "--require-hashes"]
        subprocess.run([*sync, "--compile-bytecode", str(wanted)], check=True, env=environ)


def run_contestant(one: Contestant, inputs: Path, out: Path, parse: Path, memory_limit: str) -> Run:
    """Start it, wait for it, count what it left. One that fails ends the bench."""
    environ = {**os.environ, "BENCH_PARSE": str(parse), "BENCH_MEMORY_LIMIT": memory_limit, "POLARS_MAX_THREADS": "2"}
    command = [str(one.python), str(HERE / "contestants" / one.script), str(inputs), str(out)]
    begun = time.perf_counter()
    child = subprocess.Popen(command, env=environ, cwd=out, stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begun
    if child.returncode:
        raise SystemExit(f"{one.name} ended with {child.returncode}")
    return Run(cpu=usage.ru_utime + usage.ru_stime, wall=wall, peak_mb=usage.ru_maxrss / 1024, sums=sums_of(out))


def sums_of(out: Path) -> Sums:
    """In a process of its own: what this one holds would count as the memory of the next that it starts."""
    told = subprocess.run(
        [sys.executable, str(HERE / "results.py"), str(out)], check=True, capture_output=True, text=True
    )
    found: Sums = json.loads(told.stdout)
    return found


def differences(left: Path, right: Path) -> str:
    """The first rows that only one of two outputs has."""
    command = [sys.executable, str(HERE / "results.py"), str(left), str(right)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
