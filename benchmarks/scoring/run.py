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
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from process import Contestant, Cost, ensure_venvs, measured  # noqa: E402

OURS, SCRIPT = "ours, through dbt", "one DuckDB script"
CONTESTANTS = tuple(
    Contestant(name, HERE / "contestants" / script, requirements)
    for name, script, requirements in (
        (OURS, "ours.py", None),
        (SCRIPT, "duckdb_script.py", None),
        ("polars", "polars_points.py", "polars"),
        ("pandas", "pandas_points.py", "pandas"),
    )
)
UNITS = {"k": 1_000, "m": 1_000_000}

Found = dict[int, dict[str, list[Cost]]]


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
    os.environ |= {"BENCH_MEMORY_LIMIT": given.memory_limit, "POLARS_MAX_THREADS": "2"}
    with tempfile.TemporaryDirectory(prefix="bench-scoring-", dir=given.scratch) as folder:
        scratch = Path(folder)
        _say("dbt makes the scorecard, and parses the project")
        _python("scorecard.py", str(scratch / "scorecard"))
        found = {size: _compare(chosen, size, given.runs, scratch) for size in map(_number, given.sizes.split(","))}
    if given.json:
        runs = [
            {"enterprises": size, "contestant": name, **asdict(run)}
            for size, by_name in found.items()
            for name, runs in by_name.items()
            for run in runs
        ]
        result = {"memory_limit": given.memory_limit, "runs": runs}
        given.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    head = f"{given.runs} runs, medians; DuckDB may use {given.memory_limit}; results of all equal."
    print("\n".join([head, "", *_table(found)]))  # noqa: T201 - the output


def _number(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1].lower()] if text[-1].lower() in UNITS else int(text)


def _python(script: str, *arguments: str) -> str:
    """A script beside this one, in a process of its own: what this one holds would count as its children's memory."""
    done = subprocess.run(
        [sys.executable, str(HERE / script), *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def _compare(chosen: list[Contestant], size: int, runs: int, scratch: Path) -> dict[str, list[Cost]]:
    """Each contestant once, then each once more, so that a busy minute falls on all of them alike."""
    inputs, scorecard, first = scratch / "inputs", scratch / "scorecard", scratch / "first"
    _say(f"{size:,} enterprises are made up")
    _python("generate.py", str(inputs), "--enterprises", str(size))
    found: dict[str, list[Cost]] = {one.name: [] for one in chosen}
    expected = None
    for number in range(runs):
        for one in chosen:
            out = scratch / one.script.stem
            out.mkdir()
            run = measured(
                one.name, [one.python, str(one.script), str(inputs), str(scorecard), str(out)], os.environ, out
            )
            found[one.name].append(run)
            _say(f"{size:,} {number + 1}. {one.name}: {run.cpu:.2f} CPU s, {run.wall:.2f} s, {run.peak_mb:.0f} MB")
            sums = _python("results.py", str(out))
            if expected is None:
                expected = sums
                out.rename(first)
            elif sums != expected:
                rows = _python("results.py", str(first), str(out))
                raise SystemExit(f"the results differ, so there are no figures: {expected} and {sums}\n{rows}")
            else:
                shutil.rmtree(out)
    shutil.rmtree(inputs)
    shutil.rmtree(first)
    return found


def _table(found: Found) -> list[str]:
    """Medians, ratios to the script and to ours, and by which power of the enterprises CPU grew since the last size."""
    lines = [
        "| enterprises | contestant | CPU s | of the script | of ours | wall s | peak MB | CPU grows as N^ |",
        "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    before: tuple[int, dict[str, float]] | None = None
    for size, by_name in found.items():
        cpus = {name: statistics.median(run.cpu for run in runs) for name, runs in by_name.items()}
        for name, runs in by_name.items():
            cells = [f"{cpus[name]:.2f}"]
            cells += [f"{cpus[name] / cpus[base]:.2f}x" if base in cpus else "-" for base in (SCRIPT, OURS)]
            cells.append(f"{statistics.median(run.wall for run in runs):.2f}")
            cells.append(f"{statistics.median(run.peak_mb for run in runs):.0f}")
            grown = before and math.log(cpus[name] / before[1][name]) / math.log(size / before[0])
            cells.append(f"{grown:.2f}" if grown else "-")
            lines.append(f"| {size:,} | {name} | {' | '.join(cells)} |")
        before = size, cpus
    return lines


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress of a command


if __name__ == "__main__":
    main()
