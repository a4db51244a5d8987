"""Run the bench: every client in its own process and venv, interleaved, and print the table.

    .venv/bin/python benchmarks/pull/run.py                     # 200,000 records, five runs of each client
    .venv/bin/python benchmarks/pull/run.py --in-key-order      # the same, listed in the order of the key
    .venv/bin/python benchmarks/pull/run.py --scale 10          # ours at ten times the records: peak memory
    .venv/bin/python benchmarks/pull/run.py --latency-ms 20     # ours with one connection and with four

CPU is user and system time of the child as the kernel counts it, its own children included; the server's is not in it.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from clients import CLIENTS, Client, ensure_venvs
from measure import Run, run_client
from serving import serve
from sums import check_equal

BASELINE = "ours"
FLOOR = "requests + json"


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
            with serve(given.records, is_in_key_order=given.in_key_order) as address:
                _compare(chosen, address, given.records, given.runs, Path(scratch))


def _compare(chosen: list[Client], address: str, records: int, runs: int, scratch: Path) -> None:
    """Each client once, then each once more, so that a busy minute falls on all of them alike."""
    found: dict[str, list[Run]] = {client.name: [] for client in chosen}
    for number in range(runs):
        for client in chosen:
            run = _one(client, address, scratch)
            found[client.name].append(run)
            _say(f"{number + 1}. {client.name}: {run.cpu:.2f} CPU s, {run.wall:.2f} s, {run.peak_mb:.0f} MB")
    check_equal(found, records)
    _say("")
    print("\n".join(_table(found, records)))  # noqa: T201 - the table is the output


def _one(client: Client, address: str, scratch: Path, **settings: int) -> Run:
    out = scratch / client.script.removesuffix(".py")
    out.mkdir()
    try:
        return run_client(client, address, out, **settings)
    finally:
        shutil.rmtree(out)


def _table(found: dict[str, list[Run]], records: int) -> list[str]:
    def median(name: str, part: str) -> float:
        return statistics.median(getattr(run, part) for run in found[name])

    def ratio(name: str, part: str) -> str:
        return f"{median(name, part) / median(BASELINE, part):.2f}x" if BASELINE in found else "-"

    runs = len(next(iter(found.values())))
    lines = [
        f"{records:,} records, {runs} runs, medians. `pull` leaves the start of Python and the imports out.",
        "",
        "| client | CPU s, pull | of ours | CPU s, whole | of ours | records per CPU s, pull | wall s | peak MB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in found:
        pull = median(name, "pull_cpu")
        lines.append(
            f"| {name} | {pull:.2f} | {ratio(name, 'pull_cpu')} | {median(name, 'cpu'):.2f} | {ratio(name, 'cpu')} "
            f"| {records / pull:,.0f} | {median(name, 'wall'):.2f} | {median(name, 'peak_mb'):.0f} |"
        )
    return lines


def _scale(records: int, times: int, scratch: Path) -> None:
    peaks = {}
    for count in (records, records * times):
        with serve(count) as address:
            run = _one(CLIENTS[0], address, scratch)
        check_equal({"ours": [run]}, count)
        peaks[count] = run.peak_mb
        _say(f"{count:,} records: {run.peak_mb:.0f} MB at most, {run.cpu:.2f} CPU s")
    print(f"peak memory at {times} times the records: {peaks[records * times] / peaks[records]:.2f}x")  # noqa: T201


def _latency(records: int, runs: int, latency_ms: float, size: int, scratch: Path) -> None:
    walls: dict[int, list[float]] = {1: [], 4: []}
    with serve(records, size=size, latency_ms=latency_ms) as address:
        for _ in range(runs):
            for connections, taken in walls.items():
                run = _one(CLIENTS[0], address, scratch, connections=connections, size=size)
                taken.append(run.pull_wall)
                _say(f"{connections} connections: {run.pull_wall:.2f} s of pull, {run.pull_cpu:.2f} CPU s")
    one, four = (statistics.median(taken) for taken in walls.values())
    told = f"{records // size} pages of {size} at {latency_ms:g} ms latency: {one:.2f} s with one connection, "
    print(f"{told}{four:.2f} s with four: {one / four:.2f}x")  # noqa: T201 - the figure is the output


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress of a command


if __name__ == "__main__":
    main()
