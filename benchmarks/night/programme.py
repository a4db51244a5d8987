"""What the programme costs beside the scoring: the CPU of dbt over each, upon the same made-up records.

    .venv/bin/python benchmarks/night/programme.py --enterprises 100000

Three builds upon one warehouse, each a process of its own with dbt's own start in it, 3 to 4 CPU s: scoring (points,
ranks and reasons with all that they need), what the programme reads beside it, and the programme. The second is counted
to neither.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
GENERATE = PROJECT / "benchmarks" / "scoring" / "generate.py"
DAY = date(2025, 6, 30)
BESIDE = ("rulesets", "staging", "intermediate", "indicators", "scoring", "marts")
PARTS = {
    "scoring": ["+points", "+ranks", "+top_reasons"],
    "beside": ["path:seeds/programme", *(f"+path:models/programme,path:models/{room}" for room in BESIDE)],
    "programme": ["path:models/programme"],
}


def build(root: Path, part: str) -> None:
    """Build one part upon what is there."""
    from editions.build import build_upon
    from editions.candidate import Candidate

    build_upon(Candidate("bench", root), DAY, PROJECT, root / "parse", PARTS[part])


def measured(root: Path, part: str) -> float:
    """Build one part in a process of its own; answers its CPU seconds, children included."""
    command = [sys.executable, "-P", str(Path(__file__).resolve()), "--part", part, "--root", str(root)]
    running = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(PROJECT)})
    _, status, used = os.wait4(running.pid, 0)
    if status:
        raise SystemExit(f"{part} failed; look into {root}")
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Generate, build the parts in turn, and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--enterprises", type=int, default=100_000)
    parser.add_argument("--root", type=Path, help="a folder that is not there yet; the system's own otherwise")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        build(asked.root, asked.part)
        return
    root = asked.root or Path(tempfile.mkdtemp(prefix="jifen-programme-"))
    for folder in ("target", "logs", "parse"):
        (root / folder).mkdir(parents=True)
    command = [sys.executable, str(GENERATE), str(root / "inputs"), "--enterprises", str(asked.enterprises)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    costs = {part: measured(root, part) for part in PARTS}
    lines = [f"{part}: {cpu:.1f} CPU s" for part, cpu in costs.items()]
    sys.stdout.write("\n".join([*lines, f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {root}"]) + "\n")


if __name__ == "__main__":
    main()
