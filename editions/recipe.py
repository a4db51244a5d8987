"""The identity of an edition: what went in, and the rules it went through."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from editions.manifest import FORMAT, canonical_json

RULE_SUFFIXES = (".sql", ".yml", ".yaml", ".csv")
RULE_FOLDERS = ("dbt_project", "connectors/sources", "expectations/suites")
# The code that lands, judges and seals, and the versions of its tools; how bytes travel (the drivers) decides nothing.
CODE_FILES = (
    "connectors/*.py",
    "connectors/uscc_exceptions.csv",
    "connectors/spec/*.py",
    "connectors/decoders/*.py",
    "editions/*.py",
    "expectations/*.py",
    "ledger/csv_file.py",
    "requirements/all.lock",
)
# dbt writes into its project: what it compiles there is no rule.
NOT_RULES = ("target", "logs", "dbt_packages", "dbt_internal_packages")


@dataclass(frozen=True)
class InputBatch:
    """What one dataset gave tonight. `reason` says why not supplied or stale, and is free of times and addresses."""

    source: str
    dataset: str
    is_supplied: bool
    batches: tuple[str, ...]
    content_sha256: str | None
    rows_landed: int
    rows_refused: int
    learned_on: date | None
    is_stale: bool
    reason: str | None

    def as_dict(self) -> dict[str, Any]:
        """The batch as JSON can hold it."""
        learned_on = self.learned_on.isoformat() if self.learned_on else None
        return {**asdict(self), "batches": list(self.batches), "learned_on": learned_on}


def recipe_digest(as_of: date, inputs: Sequence[InputBatch], project_dir: Path) -> str:
    """SHA-256 over the business date, every input, and the bytes of every rule; equal digests mean equal editions.

    Every field of an input counts, its age and reason too, since the edition's `supply` table shows them; only the
    names of its batches do not: facts that go back to an earlier state are that state, whatever batch brought them.
    `project_dir` is the checkout: models, seeds, source and suite files, code and lock are read from it.
    """
    digest = hashlib.sha256()
    ordered = sorted(inputs, key=lambda batch: (batch.source, batch.dataset))
    told = [{name: value for name, value in batch.as_dict().items() if name != "batches"} for batch in ordered]
    digest.update(canonical_json({"format": FORMAT, "as_of": as_of.isoformat(), "inputs": told}))
    for path in rule_files(project_dir):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(project_dir).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def edition_id_of(as_of: date, digest: str) -> str:
    """The name of an edition: its business date and the beginning of its recipe's digest."""
    return f"{as_of.isoformat()}-{digest[:10]}"


def rule_files(project_dir: Path) -> Iterator[Path]:
    """Every file that decides what an edition says, in an order that no file system changes."""
    for folder in RULE_FOLDERS:
        found = (path for path in (project_dir / folder).rglob("*") if _is_rule(path, project_dir / folder))
        yield from sorted(found, key=lambda path: path.relative_to(project_dir).as_posix())
    for pattern in CODE_FILES:
        yield from sorted(path for path in project_dir.glob(pattern) if path.is_file() and path.name[0] != ".")


def _is_rule(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    hidden = any(part.startswith(".") for part in parts)
    return path.is_file() and path.suffix in RULE_SUFFIXES and parts[0] not in NOT_RULES and not hidden
