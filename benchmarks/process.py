"""What every benchmark shares: contestants with venvs of their own, and what the kernel counts of a process."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
PROJECT = BENCHMARKS.parent


@dataclass(frozen=True)
class Contestant:
    """Its name in the table, its script, and its requirement file (None: the project's own venv)."""

    name: str
    script: Path
    requirements: str | None

    @property
    def python(self) -> str:
        """The interpreter of its venv."""
        venv = PROJECT / ".venv" if self.requirements is None else BENCHMARKS / ".venvs" / self.requirements
        return str(venv / "bin" / "python")


@dataclass(frozen=True)
class Cost:
    """CPU and wall in seconds, and the most memory resident of any of its processes in MB."""

    cpu: float
    wall: float
    peak_mb: float


def ensure_venvs(contestants: Sequence[Contestant]) -> None:
    """Make each venv that is not there, or differs from its requirement file, with the hashes of that file."""
    uv = str(PROJECT / ".venv" / "bin" / "uv")
    environ = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    for name in sorted({one.requirements for one in contestants if one.requirements}):
        venv, wanted = BENCHMARKS / ".venvs" / name, BENCHMARKS / "requirements" / f"{name}.txt"
        if not (venv / "bin" / "python").exists():
            interpreter = str(PROJECT / ".venv" / "bin" / "python")
            subprocess.run([uv, "venv", "--quiet", "--python", interpreter, str(venv)], check=True, env=environ)
        sync = [uv, "pip", "sync", "--quiet", "--python", str(venv / "bin" / "python"), "--require-hashes"]
        subprocess.run([*sync, "--compile-bytecode", str(wanted)], check=True, env=environ)


def measured(
    name: str, command: Sequence[str], environ: Mapping[str, str], cwd: Path, output: Path | None = None
) -> Cost:
    """Start a process, wait for it and measure it; `output` takes its standard output. A failure ends the benchmark."""
    begun = time.perf_counter()
    with (output or Path(os.devnull)).open("wb") as stdout:
        child = subprocess.Popen(command, env=environ, cwd=cwd, stdin=subprocess.DEVNULL, stdout=stdout)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begun
    if child.returncode:
        raise SystemExit(f"{name} ended with {child.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)
