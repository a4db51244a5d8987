"""One run of one client in a process of its own: what the kernel counted, and what the client told."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from clients import HERE, PROJECT, Client
from sums import Sums, sums_of


@dataclass(frozen=True)
class Run:
    """CPU and wall in seconds, `pull_…` without start and imports; the most memory resident, in MB; what was got."""

    cpu: float
    wall: float
    pull_cpu: float
    pull_wall: float
    peak_mb: float
    sums: Sums


def run_client(client: Client, address: str, out: Path, *, connections: int = 1, size: int = 1000) -> Run:
    """Start it, wait for it, count what it wrote. A client that fails ends the bench."""
    source = _source_file(out, connections, size)
    first = str(source) if client.requirements is None else address
    command = [str(client.python), str(HERE / client.script), first, str(out)]
    environ = {**os.environ, "BENCH_TAX_BASE_URL": address, "BENCH_TAX_API_KEY": "bench", "DO_NOT_TRACK": "1"}
    if client.requirements is None:
        environ["PYTHONPATH"] = str(PROJECT)
    answer = out / "told.json"
    begun = time.perf_counter()
    with answer.open("wb") as told:
        child = subprocess.Popen(command, stdout=told, env=environ, cwd=out)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begun
    if child.returncode:
        raise SystemExit(f"{client.name} ended with {child.returncode}")
    found = json.loads(answer.read_text(encoding="utf-8").splitlines()[-1])
    return Run(
        cpu=usage.ru_utime + usage.ru_stime,
        wall=wall,
        pull_cpu=found["pull_cpu"],
        pull_wall=found["pull_wall"],
        peak_mb=usage.ru_maxrss / 1024,
        sums=sums_of(Path(found["output"])),
    )


def _source_file(out: Path, connections: int, size: int) -> Path:
    """Our source file, with the limit on connections and the page size that are asked for."""
    text = (HERE / "bench_tax.yml").read_text(encoding="utf-8").replace("size: 1000", f"size: {size}")
    limits = f"          limits: {{connections: {connections}}}\n"
    before, mark, after = text.partition("    tables:\n")
    path = out / "bench_tax.yml"
    path.write_text(before + limits + mark + after, encoding="utf-8")
    return path
