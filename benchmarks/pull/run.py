"""Run the bench: every client in its own process and venv, interleaved, and print the table.

    .venv/bin/python benchmarks/pull/run.py                     # 200,000 records, five runs of each client
    .venv/bin/python benchmarks/pull/run.py --in-key-order      # the same, listed in the order of the key
    .venv/bin/python benchmarks/pull/run.py --scale 10          # ours at ten times the records: peak memory
    .venv/bin/python benchmarks/pull/run.py --latency-ms 20     # ours with one connection and with four

CPU is user and system time of the child as the kernel counts it, its own children included; the server's is not in it.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sums import Sums, check_equal, sums_of

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from process import PROJECT, Contestant, Cost, ensure_venvs, measured  # noqa: E402

OURS = Contestant("ours", HERE / "ours.py", None)
CLIENTS = (
    OURS,
    Contestant("requests + json", HERE / "bare_json.py", "bare"),
    Contestant("dlt", HERE / "dlt_rest.py", "dlt"),
    Contestant("airbyte-cdk", HERE / "airbyte_cdk_read.py", "airbyte"),
)


@dataclass(frozen=True)
class Run:
    """The whole process; what the client reports of its pull without start and imports, in seconds; what it got."""

    whole: Cost
    pull_cpu: float
    pull_wall: float
    sums: Sums


def main() -> None:
    """Do what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=int, help="peak memory of ours at so many times the records")
    parser.add_argument("--latency-ms", type=float, help="wall time of ours with one and with four connections")
    parser.add_argument(
        "--only", action="append", choices=[c.name for c in CLIENTS], help="leave the other clients out"
    )
    parser.add_argument("--size", type=int, default=1000, help="records a page, with --latency-ms")
    parser.add_argument(
        "--in-key-order", action="store_true", help="the agency lists by key, so that nothing needs sorting"
    )
    given = parser.parse_args()
    chosen = [client for client in CLIENTS if not given.only or client.name in given.only]
    with tempfile.TemporaryDirectory(prefix="bench-pull-") as scratch:
        if given.scale:
            _scale(given.records, given.scale, Path(scratch))
        elif given.latency_ms is not None:
            _latency(given.records, given.runs, given.latency_ms, given.size, Path(scratch))
        else:
            ensure_venvs(chosen)
            order = ["--in-key-order"] if given.in_key_order else []
            with _serve("--records", str(given.records), *order) as address:
                _compare(chosen, address, given.records, given.runs, Path(scratch))


@contextmanager
def _serve(*options: str) -> Iterator[str]:
    """The address of the server, a process of its own that stops when its standard input closes."""
    command = [sys.executable, str(HERE / "server.py"), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        if server.stdout is None or not (address := server.stdout.readline().strip()):
            raise SystemExit("the server did not start")
        try:
            yield address
        finally:
            server.terminate()


def _compare(chosen: list[Contestant], address: str, records: int, runs: int, scratch: Path) -> None:
    """Each client once, then each once more, so that a busy minute falls on all of them alike."""
    found: dict[str, list[Run]] = {client.name: [] for client in chosen}
    for number in range(runs):
        for client in chosen:
            run = _one(client, address, scratch)
            found[client.name].append(run)
            cost = f"{run.whole.cpu:.2f} CPU s, {run.whole.wall:.2f} s, {run.whole.peak_mb:.0f} MB"
            _say(f"{number + 1}. {client.name}: {cost}")
    check_equal({name: [run.sums for run in taken] for name, taken in found.items()}, records)
    print("\n".join(_table(found, records)))  # noqa: T201 - the table is the output


def _one(client: Contestant, address: str, scratch: Path, connections: int = 1, size: int = 1000) -> Run:
    """One run of one client in a folder of its own."""
    out, result = scratch / client.script.stem, scratch / "result.json"
    out.mkdir()
    source = out / "bench_tax.yml"
    text = (HERE / source.name).read_text(encoding="utf-8").replace("size: 1000", f"size: {size}")
    before, mark, after = text.partition("    tables:\n")
    source.write_text(f"{before}          limits: {{connections: {connections}}}\n{mark}{after}", encoding="utf-8")
    environ = {**os.environ, "BENCH_TAX_BASE_URL": address, "BENCH_TAX_API_KEY": "bench", "DO_NOT_TRACK": "1"}
    if client is OURS:
        environ["PYTHONPATH"] = str(PROJECT)
    command = [client.python, str(client.script), str(source) if client is OURS else address, str(out)]
    whole = measured(client.name, command, environ, out, result)
    found = json.loads(result.read_text(encoding="utf-8").splitlines()[-1])
    run = Run(whole, found["pull_cpu"], found["pull_wall"], sums_of(Path(found["output"])))
    shutil.rmtree(out)
    return run


def _table(found: dict[str, list[Run]], records: int) -> list[str]:
    rows = {
        name: [statistics.median(one) for one in zip(*map(_figures, taken), strict=True)]
        for name, taken in found.items()
    }
    ours = rows.get(OURS.name)
    lines = [
        f"{records:,} records, medians of {len(next(iter(found.values())))}. `pull` is without start and imports.",
        "",
        "| client | CPU s, pull | of ours | CPU s, whole | of ours | records per CPU s, pull | wall s | peak MB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, (pull, cpu, wall, peak) in rows.items():
        of_ours = [f"{one / base:.2f}x" for one, base in zip((pull, cpu), ours, strict=False)] if ours else ["-", "-"]
        lines.append(
            f"| {name} | {pull:.2f} | {of_ours[0]} | {cpu:.2f} | {of_ours[1]} "
            f"| {records / pull:,.0f} | {wall:.2f} | {peak:.0f} |"
        )
    return lines


def _figures(run: Run) -> tuple[float, float, float, float]:
    return run.pull_cpu, run.whole.cpu, run.whole.wall, run.whole.peak_mb


def _scale(records: int, times: int, scratch: Path) -> None:
    peaks = []
    for count in (records, records * times):
        with _serve("--records", str(count)) as address:
            run = _one(OURS, address, scratch)
        check_equal({"ours": [run.sums]}, count)
        peaks.append(run.whole.peak_mb)
        _say(f"{count:,} records: {run.whole.peak_mb:.0f} MB at most, {run.whole.cpu:.2f} CPU s")
    print(f"peak memory at {times} times the records: {peaks[1] / peaks[0]:.2f}x")  # noqa: T201


def _latency(records: int, runs: int, latency_ms: float, size: int, scratch: Path) -> None:
    walls: dict[int, list[float]] = {1: [], 4: []}
    with _serve("--records", str(records), "--size", str(size), "--latency-ms", str(latency_ms)) as address:
        for _ in range(runs):
            for connections, taken in walls.items():
                run = _one(OURS, address, scratch, connections, size)
                taken.append(run.pull_wall)
                _say(f"{connections} connections: {run.pull_wall:.2f} s of pull, {run.pull_cpu:.2f} CPU s")
    one, four = (statistics.median(taken) for taken in walls.values())
    setting = f"{records // size} pages of {size} at {latency_ms:g} ms latency: {one:.2f} s with one connection, "
    print(f"{setting}{four:.2f} s with four: {one / four:.2f}x")  # noqa: T201 - the figure is the output


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress of a command


if __name__ == "__main__":
    main()
