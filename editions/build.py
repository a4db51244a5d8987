"""Building a candidate: dbt in a process of its own, and what its results say."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from editions.candidate import Candidate
from editions.dbt import Dbt
from editions.parse_cache import fetch_parse, keep_parse

GOOD = ("success", "pass", "warn", "no-op")
LOG_TAIL_LINES = 12
AGAIN = "Fix it, then `jifen run`."
CHECKED = "Next: fix what the head of its file in dbt_project/tests says, then `jifen ruleset check`, `jifen run`."
PARSE_CACHE = ".parse_cache"


@dataclass(frozen=True)
class NodeNote:
    """What dbt says of one node; `compiled_path` is the SQL it ran, where there is one.

    `is_of_rules` is a test that says of itself that what it finds is a fault of models and rules, and none of the data.
    """

    unique_id: str
    status: str
    message: str
    compiled_path: Path | None
    is_of_rules: bool = False


@dataclass(frozen=True)
class BuildReport:
    """What a build did: nodes by status, models and tests run, and what asks for attention."""

    counts: dict[str, int]
    models: int
    tests: int
    failed: tuple[NodeNote, ...]
    warnings: tuple[NodeNote, ...]
    log: Path

    def as_dict(self) -> dict[str, Any]:
        """The part that is the same for equal inputs: no times, no paths."""
        noted = [{"node": note.unique_id, "message": note.message} for note in self.warnings]
        counts = dict(sorted(self.counts.items()))
        return {"counts": counts, "models": self.models, "tests": self.tests, "warned": noted}


class BuildError(RuntimeError):
    """dbt did not build the whole candidate; `report` is None when it never came to its first node."""

    def __init__(self, message: str, report: BuildReport | None) -> None:
        super().__init__(message)
        self.report = report


def build(candidate: Candidate, as_of: date, project_dir: Path, dbt: Dbt | None = None) -> BuildReport:
    """Build every model and run every test into a fresh warehouse, as of one business date.

    `project_dir` is the checkout, with `dbt_project` in it; `dbt` may have been started already.
    Raises `BuildError` when a node failed, when dbt did not start, or built nothing.
    """
    for leftover in candidate.path.glob(f"{candidate.warehouse.name}*"):
        leftover.unlink()
    return build_upon(candidate, as_of, project_dir, candidate.path.parent / PARSE_CACHE, dbt=dbt)


def build_upon(
    candidate: Candidate,
    as_of: date,
    project_dir: Path,
    cache: Path,
    select: Sequence[str] = (),
    *,
    ruleset_id: str = "",
    whose: str | None = None,
    next_step: str = AGAIN,
    dbt: Dbt | None = None,
) -> BuildReport:
    """Build what `select` names (dbt's words; everything otherwise) upon what the warehouse holds already.

    `cache` is the folder that carries dbt's parse from one build to the next. `ruleset_id` is in force whatever its
    days, where one is asked for by name. `whose` and `next_step` are what errors say of a node that failed, where it is
    not for its own text to say. Raises as `build` does.
    """
    fetch_parse(cache, project_dir, candidate.target)
    log = candidate.logs / "build.txt"
    arguments = _arguments(candidate, project_dir.resolve() / "dbt_project", select)
    exit_code = (dbt or Dbt()).run(arguments, _environment(candidate, as_of, ruleset_id), candidate.path, log)
    results = candidate.target / "run_results.json"
    if not results.exists():
        raise BuildError(_did_not_start(log, exit_code, next_step), None)
    report = read_results(candidate.target, log)
    require_whole(report, exit_code, whose, next_step)
    keep_parse(cache, project_dir, candidate.target)
    return report


def _arguments(candidate: Candidate, project: Path, select: Sequence[str]) -> list[str]:
    options = {
        "--project-dir": str(project),
        "--profiles-dir": str(project),
        "--target": "night",
        "--exclude-resource-type": "unit_test",
        "--target-path": str(candidate.target),
        "--log-path": str(candidate.logs),
        "--log-level-file": "none",
    }
    # Cautious: only the tests of which every model was chosen; others would ask for tables that are not there.
    selected = ["--indirect-selection", "cautious", "--select", *select] if select else []
    return ["build", "--no-use-colors", *(part for pair in options.items() for part in pair), *selected]


def _environment(candidate: Candidate, as_of: date, ruleset_id: str) -> dict[str, str]:
    return {
        # Relative to the candidate, where dbt is started: a parse that knows a run's own path fits no other run.
        "JIFEN_INPUTS": candidate.inputs.name,
        # Not --vars: a changed variable makes dbt parse the whole project anew, 3 to 4 s each day.
        "JIFEN_AS_OF": as_of.isoformat(),
        "JIFEN_RULESET": ruleset_id,
        "JIFEN_WAREHOUSE": candidate.warehouse.name,
    }


def read_results(target: Path, log: Path) -> BuildReport:
    """Read dbt's `run_results.json` and `manifest.json` into a report."""
    results = json.loads((target / "run_results.json").read_bytes())["results"]
    nodes = json.loads((target / "manifest.json").read_bytes())["nodes"]
    notes = [_note(result, nodes) for result in sorted(results, key=lambda result: str(result["unique_id"]))]
    built = [note for note in notes if note.status == "success" and note.unique_id.startswith("model.")]
    return BuildReport(
        counts=dict(Counter(note.status for note in notes)),
        models=len(built),
        tests=sum(note.unique_id.startswith("test.") for note in notes),
        failed=tuple(note for note in notes if note.status not in GOOD),
        warnings=tuple(note for note in notes if note.status == "warn"),
        log=log,
    )


def _note(result: dict[str, Any], nodes: dict[str, Any]) -> NodeNote:
    node = nodes.get(result["unique_id"], {})
    compiled = node.get("compiled_path")
    return NodeNote(
        unique_id=str(result["unique_id"]),
        status=str(result["status"]),
        message=" ".join(str(result["message"] or "").split()),
        compiled_path=Path(compiled) if compiled else None,
        is_of_rules=node.get("config", {}).get("meta", {}).get("whose") == "config",
    )


def require_whole(report: BuildReport, exit_code: int, whose: str | None = None, next_step: str = AGAIN) -> None:
    """Raise `BuildError` unless every node went well, at least one model among them, and dbt itself says so too."""
    broken = [note for note in report.failed if note.status != "skipped"] or list(report.failed)
    if broken:
        first = "; ".join(f"{note.unique_id}: {note.message or note.status}" for note in broken[:3])
        more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        found, fix = _whose(broken)
        next_step = fix if next_step == AGAIN else next_step
        seen = next((f" SQL: {note.compiled_path}." for note in broken if note.compiled_path), "")
        raise BuildError(
            f"the build failed at {len(broken)} of {sum(report.counts.values())} nodes: {first}{more}. "
            f"Whose: {whose or found}. Log: {report.log}.{seen} {next_step}",
            report,
        )
    if report.models == 0:
        raise BuildError(
            f"the build ran no model at all. Whose: config (dbt_project). Log: {report.log}. "
            "Run `dbt ls --project-dir dbt_project` to see what it selects.",
            report,
        )
    if exit_code != 0:
        raise BuildError(
            f"dbt ended with exit code {exit_code} although no node failed. Whose: config. Log: {report.log}. "
            f"{next_step}",
            report,
        )


def _whose(broken: Sequence[NodeNote]) -> tuple[str, str]:
    """Whose the faults are, and what to do."""
    if any(note.status != "fail" for note in broken):
        return "config (a model or seed)", AGAIN
    if any(note.is_of_rules for note in broken):
        return "config (a test found models and rule sets that do not fit)", CHECKED
    return "data (a test of the models found rows it forbids)", AGAIN


def _did_not_start(log: Path, exit_code: int, next_step: str) -> str:
    tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
    said = " | ".join(line.strip() for line in tail if line.strip()) or "nothing"
    return (
        f"dbt ended with exit code {exit_code} before it ran a node; it said: {said}. "
        f"Whose: config (dbt_project). Log: {log}. {next_step}"
    )
