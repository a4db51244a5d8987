"""Run the bench: every contestant in a process of its own, in turns, and print the table.

    .venv/bin/python benchmarks/scoring/run.py                               # 10,000 and 100,000 enterprises
    .venv/bin/python benchmarks/scoring/run.py --sizes 10k,100k,1m --runs 3  # and a million: an hour, 5 GB of disk
    .venv/bin/python benchmarks/scoring/run.py --sizes 1m --runs 1 --only "ours, through dbt"

No figure is shown before the three results of every run of all contestants have been found equal, to the last decimal.
CPU is user and system time as the kernel counts it, of the contestant and of all that it starts.
"""

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import CONTESTANTS, HERE, PROJECT, Contestant, Run, differences, ensure_venvs, run_contestant

SCRIPT = "one DuckDB script"
OURS = "ours, through dbt"
UNITS = {"k": 1_000, "m": 1_000_000}

Found = dict[int, dict[str, list[Run]]]


def main() -> None:
    """Do what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10k,100k", help="how many enterprises, as in 10k,100k,1m")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--only", action="append", choices=[one.name for one in CONTESTANTS], help="leave the others out"
    )
    parser.add_argument("--memory-limit", default="2500MB", help="what DuckDB may use, in ours and in the script")
    parser.add_argument("--scratch", type=Path, help="a folder for records and results; the system's own otherwise")
    parser.add_argument("--json", type=Path, help="write every run to this file too")
    given = parser.parse_args()
    chosen = [one for one in CONTESTANTS if not given.only or one.name in given.only]
    ensure_venvs(chosen)
    with tempfile.TemporaryDirectory(prefix="bench-scoring-", dir=given.scratch) as folder:
        scratch = Path(folder)
        _parse(scratch)
        found = {
            size: _compare(chosen, size, given.runs, scratch, given.memory_limit)
            for size in map(_number, given.sizes.split(","))
        }
    told = _told(found, given.memory_limit)
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print("\n".join([*_table(found, given.runs, given.memory_limit), "", json.dumps(told)]))  # noqa: T201 - the output


def _number(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1].lower()] if text[-1].lower() in UNITS else int(text)


def _parse(scratch: Path) -> None:
    """Let dbt parse the project, once: the night carries that from one day to the next."""
    _say("dbt parses the project")
    (scratch / "parse").mkdir()
    # Not imported: that would need DuckDB's memory in this process.
    code = "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import ours; "
    code += "ours.run_dbt(pathlib.Path(sys.argv[2]), 'parse')"
    environ = {"BENCH_MEMORY_LIMIT": "1GB", "PATH": "/usr/bin:/bin"}
    subprocess.run(
        [sys.executable, "-c", code, str(HERE / "contestants"), str(scratch / "parse")], check=True, env=environ
    )


def _compare(chosen: list[Contestant], size: int, runs: int, scratch: Path, memory_limit: str) -> dict[str, list[Run]]:
    """Each contestant once, then each once more, so that a busy minute falls on all of them alike."""
    inputs = scratch / "inputs"
    generate = [
        str(PROJECT / ".venv" / "bin" / "python"),
        str(HERE / "generate.py"),
        str(inputs),
        "--enterprises",
        str(size),
    ]
    _say(f"{size:,} enterprises are made up")
    subprocess.run(generate, check=True)
    found: dict[str, list[Run]] = {one.name: [] for one in chosen}
    first: Path | None = None
    for number in range(runs):
        for one in chosen:
            out = scratch / one.script.removesuffix(".py")
            out.mkdir()
            run = run_contestant(one, inputs, out, scratch / "parse", memory_limit)
            found[one.name].append(run)
            _say(f"{size:,} {number + 1}. {one.name}: {run.cpu:.2f} CPU s, {run.wall:.2f} s, {run.peak_mb:.0f} MB")
            first = _checked(first, out, run, found, scratch)
    shutil.rmtree(inputs)
    shutil.rmtree(scratch / "first")
    return found


def _checked(first: Path | None, out: Path, run: Run, found: dict[str, list[Run]], scratch: Path) -> Path:
    """Keep the first results to hold all others against; where one differs, show the rows and end."""
    if first is None:
        return out.rename(scratch / "first")
    expected = next(run for runs in found.values() for run in runs)
    if run.sums != expected.sums:
        shown = differences(first, out)
        raise SystemExit(f"the results differ, so there are no figures: {expected.sums} and {run.sums}\n{shown}")
    shutil.rmtree(out)
    return first


def _median(runs: list[Run], part: str) -> float:
    return statistics.median(getattr(run, part) for run in runs)


def _table(found: Found, runs: int, memory_limit: str) -> list[str]:
    """Medians, ratios to the script and to ours, and by which power of the enterprises CPU grew since the last size."""
    lines = [
        f"{runs} runs, medians; DuckDB may use {memory_limit}; results of all equal.",
        "",
        "| enterprises | contestant | CPU s | of the script | of ours | wall s | peak MB | CPU grows as N^ |",
        "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    sizes = list(found)
    for place, size in enumerate(sizes):
        for name, measured in found[size].items():
            cpu = _median(measured, "cpu")
            ratios = [
                f"{cpu / _median(found[size][base], 'cpu'):.2f}x" if base in found[size] else "-"
                for base in (SCRIPT, OURS)
            ]
            before = sizes[place - 1] if place else None
            grows = (
                f"{math.log(cpu / _median(found[before][name], 'cpu')) / math.log(size / before):.2f}"
                if before
                else "-"
            )
            lines.append(
                f"| {size:,} | {name} | {cpu:.2f} | {ratios[0]} | {ratios[1]} | {_median(measured, 'wall'):.2f} "
                f"| {_median(measured, 'peak_mb'):.0f} | {grows} |"
            )
    return lines


def _told(found: Found, memory_limit: str) -> dict[str, object]:
    runs = [
        {
            "enterprises": size,
            "contestant": name,
            "cpu_s": round(run.cpu, 3),
            "wall_s": round(run.wall, 3),
            "peak_mb": round(run.peak_mb),
        }
        for size, by_name in found.items()
        for name, measured in by_name.items()
        for run in measured
    ]
    return {"memory_limit": memory_limit, "runs": runs}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress of a command


if __name__ == "__main__":
    main()
