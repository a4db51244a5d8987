"""What the programme costs beside the scoring: the CPU of dbt over each, upon the same made-up records.

    .venv/bin/python benchmarks/night/programme.py --enterprises 100000 --nodes

Builds upon one warehouse, each a process of its own with dbt's own start in it, 3 to 4 CPU s:
- scoring: points, ranks and the four dearest reasons with all that they need, and the tests of these;
- its other tables: every reason, totals of classes, verdicts, what the middle enterprise has, and their tests;
- what the programme reads beside it, counted to neither;
- the programme: every model of `models/programme` and every test that reads nothing else, and once every row of those
  of its views that leave the warehouse, which cost nothing to build.

`--nodes` runs the programme's SQL once more, in one thread without dbt, and says what each model and test took.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent.parent
GENERATE = PROJECT / "benchmarks" / "scoring" / "generate.py"
DAY = date(2025, 6, 30)
BESIDE = ("rulesets", "staging", "intermediate", "indicators", "scoring", "marts")
PARTS = {
    "scoring": ["+points", "+ranks", "+top_reasons"],
    "its other tables": ["reasons", "class_totals", "verdicts", "peer_medians"],
    "beside": ["path:seeds/programme", *(f"+path:models/programme,path:models/{room}" for room in BESIDE)],
    "programme": ["path:models/programme"],
}
VIEWS = ("failed_conditions", "credit_figures")
SHOWN_FROM_S = 0.2


def build(root: Path, part: str) -> None:
    """Build one part upon what is there."""
    import duckdb

    from editions.build import build_upon
    from editions.candidate import Candidate

    candidate = Candidate("bench", root)
    build_upon(candidate, DAY, PROJECT, root / "parse", PARTS[part])
    if part == "programme":
        with duckdb.connect(str(candidate.warehouse), read_only=True) as connection:
            for view in VIEWS:
                for _ in connection.execute(f"from {view}").to_arrow_reader():
                    pass


def nodes(root: Path) -> list[str]:
    """Run what dbt ran last once more, in its order, and say what took longest."""
    import duckdb

    os.chdir(root)
    ran = json.loads(Path("target/run_results.json").read_bytes())["results"]
    kinds = {key: node["config"]["materialized"] for key, node in _manifest_nodes().items()}
    took = []
    with duckdb.connect("candidate.duckdb") as connection:
        connection.execute("set threads = 1; set preserve_insertion_order = false")
        for node in ran:
            kind, _, name, *_ = node["unique_id"].split(".")
            if kind not in ("model", "test"):
                continue
            into = f"create or replace {kinds[node['unique_id']]} {name} as" if kind == "model" else ""
            begun = time.process_time()
            connection.execute(f"{into} {node['compiled_code']}").fetchall()
            took.append((time.process_time() - begun, kind, name))
    lines = [f"  {cpu:5.2f} {kind} {name}" for cpu, kind, name in sorted(took, reverse=True) if cpu >= SHOWN_FROM_S]
    return [f"programme, one thread without dbt: {sum(cpu for cpu, *_ in took):.1f} CPU s", *lines]


def _manifest_nodes() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("target/manifest.json").read_bytes())["nodes"]
    return found


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
    parser.add_argument("--nodes", action="store_true", help="what each model and test of the programme takes")
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
    lines = [f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {root}"]
    lines += [f"{part}: {cpu:.1f} CPU s" for part, cpu in costs.items()]
    sys.stdout.write("\n".join(lines + (nodes(root) if asked.nodes else [])) + "\n")


if __name__ == "__main__":
    main()
