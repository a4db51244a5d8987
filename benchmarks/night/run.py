"""What a night costs after ingest, step by step: dbt's build, the gate, the seal, a verification, one bank's extract.

    .venv/bin/python benchmarks/night/run.py --sizes 702,10k,100k

The records are those of `benchmarks/scoring/generate.py`. Each step is a process of its own; CPU is its user and system
time, children included. The growth of a step is the exponent between two sizes, less what the smallest costs. dbt's
parse of a first build is kept for the second, which is the one that counts.
"""

import argparse
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
GENERATE = PROJECT / "benchmarks" / "scoring" / "generate.py"
DAY = date(2025, 6, 30)
EDITION = f"{DAY}-bench00000"
RUN = "bench"


@dataclass(frozen=True)
class StepCost:
    """What one step of a night took, over so many enterprises."""

    step: str
    enterprises: int
    cpu: float
    wall: float
    peak_mb: int


def build(root: Path) -> None:
    """Build the candidate."""
    from editions.build import build as build_candidate
    from editions.candidate import Candidate, candidates_dir

    build_candidate(Candidate(RUN, candidates_dir(root) / RUN), DAY, PROJECT)


def gate(root: Path) -> None:
    """Audit it, and keep the verdict. Made-up records need not pass: what counts is what the looking costs."""
    from expectations.gate import audit

    verdict = audit(root / "candidates" / RUN / "candidate.duckdb", None).as_dict()
    (root / "verdict.json").write_text(json.dumps({**verdict, "state": "passed"}))


def seal(root: Path) -> None:
    """Write the edition."""
    from editions.build import read_results
    from editions.candidate import Candidate, candidates_dir
    from editions.provenance import code_of
    from editions.relations import ruleset_in_force
    from editions.seal import EditionFacts
    from editions.seal import seal as seal_candidate

    candidate = Candidate(RUN, candidates_dir(root) / RUN)
    report = read_results(candidate.target, candidate.logs / "build.txt")
    verdict = json.loads((root / "verdict.json").read_bytes())
    ruleset, nothing = ruleset_in_force(candidate.warehouse), "0" * 64
    facts = EditionFacts(EDITION, DAY, ruleset, nothing, nothing, (), None, "nightly", nothing, code_of(PROJECT))
    sealed = seal_candidate(root, candidate, facts, verdict, report, landing={}, published_manifest_sha256=None)
    if sealed is None:
        raise SystemExit("nothing was sealed")
    (root / "manifest.sha256").write_text(sealed.manifest_sha256)


def verify(root: Path) -> None:
    """Verify it."""
    from editions.verify import verify as findings

    if found := findings(root / "editions" / EDITION, (root / "manifest.sha256").read_text()):
        raise SystemExit(str(found))


def extract(root: Path) -> None:
    """Cut what each bank gets."""
    from connectors.sink_files import ExtractSink, read_sinks
    from editions.extract import cut_extract, whole_table
    from ledger.csv_file import write_csv

    for sink in read_sinks():
        if isinstance(sink, ExtractSink):
            edition = root / "editions" / EDITION
            for name, granted in sink.tables.items():
                if sink.grant == "mandate":
                    cut = whole_table(edition, name, granted.fields)
                else:
                    cut = cut_extract(edition, sink.name, granted.fields, DAY, purposes=sink.purposes, extract=name)
                write_csv(cut.table, io.BytesIO())


STEPS: dict[str, Callable[[Path], None]] = {
    "build": build,
    "gate": gate,
    "seal": seal,
    "verify": verify,
    "extract": extract,
}


def measured(step: str, enterprises: int, root: Path) -> StepCost:
    """Run one step in a process of its own."""
    began = time.perf_counter()
    command = [sys.executable, "-P", str(Path(__file__).resolve()), "--step", step, "--root", str(root)]
    running = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(PROJECT)}, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(running.pid, 0)
    if status:
        raise SystemExit(f"{step} of {enterprises} failed; look into {root}")
    wall = time.perf_counter() - began
    return StepCost(step, enterprises, used.ru_utime + used.ru_stime, wall, used.ru_maxrss // 1024)


def night(enterprises: int, scratch: Path) -> list[StepCost]:
    """One night after ingest over so many enterprises."""
    root = scratch / str(enterprises)
    candidate = root / "candidates" / RUN
    for folder in ("target", "logs"):
        (candidate / folder).mkdir(parents=True)
    command = [sys.executable, str(GENERATE), str(candidate / "inputs"), "--enterprises", str(enterprises)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    measured("build", enterprises, root)
    return [measured(step, enterprises, root) for step in STEPS]


def table(costs: list[StepCost], sizes: list[int]) -> list[str]:
    """The costs as a table in Markdown: CPU and wall in seconds, the peak at the largest size, the growth."""
    by = {(one.step, one.enterprises): one for one in costs}
    head = [f"{size:,} CPU s | wall" for size in sizes]
    lines = [f"| step | {' | '.join(head)} | peak MB | growth |", "|---|" + "---:|" * (2 * len(sizes) + 2)]
    for step in STEPS:
        row = [by[step, size] for size in sizes]
        cells = [f"{one.cpu:.1f} | {one.wall:.1f}" for one in row]
        lines.append(f"| {step} | {' | '.join(cells)} | {row[-1].peak_mb:,} | {_growth(row)} |")
    sums = [[one for one in costs if one.enterprises == size] for size in sizes]
    cells = [f"{sum(one.cpu for one in some):.1f} | {sum(one.wall for one in some):.1f}" for some in sums]
    return [*lines, f"| together | {' | '.join(cells)} | | |"]


def _growth(row: list[StepCost]) -> str:
    if len(row) < 3:
        return "-"
    least, (smaller, larger) = row[0].cpu, row[-2:]
    if smaller.cpu <= least:
        return "-"
    times = math.log((larger.cpu - least) / (smaller.cpu - least))
    return f"N^{times / math.log(larger.enterprises / smaller.enterprises):.2f}"


def main() -> None:
    """Measure each size in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="702,10k,100k", help="how many enterprises, as in 702,10k,100k")
    parser.add_argument("--scratch", type=Path, help="a folder that is not there yet; the system's own otherwise")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        STEPS[asked.step](asked.root)
        return
    sizes = [int(size.replace("k", "000")) for size in asked.sizes.split(",")]
    scratch = asked.scratch or Path(tempfile.mkdtemp(prefix="jifen-night-"))
    costs = [one for size in sizes for one in night(size, scratch)]
    sys.stdout.write("\n".join(table(costs, sizes)) + f"\nload {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) for one in costs], indent=2) + "\n")
    if asked.scratch is None:
        from editions.durable import remove_tree

        remove_tree(scratch)


if __name__ == "__main__":
    main()
