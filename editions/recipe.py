"""The identity of an edition: what went in, and the rules it went through."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

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
# dbt writes into its project: what it compiles there is no rule. Tests may stop an edition; none says what is in it.
NOT_RULES = ("target", "logs", "dbt_packages", "dbt_internal_packages", "tests")
TESTS = ("unit_tests", "data_tests", "tests")
"""The parts of dbt's property files that test a model and change nothing that it makes."""

BROUGHT = ("batches", "told_by", "files")
"""What says how an input came, and not what it says."""


@dataclass(frozen=True)
class InputBatch:
    """What one dataset gave tonight. `reason` says why not supplied or stale, and is free of times and addresses.

    `batches` are those that landed, by name; `told_by` the last one that was heard of it, which may have said nothing
    new; `raw` the SHA-256 of every raw object that they were read from, by batch; `hashes` that of their content.
    `files` are those that were read, landed and refused, each by its path under the data folder and its SHA-256.
    """

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
    told_by: str | None = None
    raw: tuple[tuple[str, ...], ...] = ()
    hashes: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The batch as JSON can hold it."""
        learned_on = self.learned_on.isoformat() if self.learned_on else None
        said = {name: value for name, value in asdict(self).items() if name not in ("batches", "hashes", "raw")}
        read = zip(self.batches, self.hashes, self.raw, strict=True)
        batches = [{"batch": batch, "content_sha256": sha256, "raw": list(raw)} for batch, sha256, raw in read]
        return {**said, "batches": batches, "learned_on": learned_on}


def rules_sha256(project_dir: Path) -> str:
    """SHA-256 over every rule of a checkout: models, seeds, source and suite files, code and lock.

    Neither tests nor comments of YAML are among them. Who changes a comment of a model or of code gets another digest,
    and an edition of equal content, which is not published again.
    """
    digest = hashlib.sha256()
    for path in rule_files(project_dir):
        content = path.read_bytes()
        if path.suffix in (".yml", ".yaml"):
            content = _said_in(content, is_of_dbt=path.is_relative_to(project_dir / "dbt_project"))
        if content:
            digest.update(f"{path.relative_to(project_dir).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def recipe_digest(as_of: date, inputs: Sequence[InputBatch], rules: str) -> str:
    """SHA-256 over the business date, every input, and the rules by their digest; equal ones mean equal editions.

    Every field of an input counts, its age and reason too, since the edition's `supply` table shows them; only its
    batches and their bytes do not: facts that go back to an earlier state are that state, whatever batch brought them.
    That the files say what `content_sha256` says was checked before they were read (`connectors.stored`).
    """
    ordered = sorted(inputs, key=lambda batch: (batch.source, batch.dataset))
    told = [{name: value for name, value in batch.as_dict().items() if name not in BROUGHT} for batch in ordered]
    whole = {"format": FORMAT, "as_of": as_of.isoformat(), "inputs": told, "rules": rules}
    return hashlib.sha256(canonical_json(whole)).hexdigest()


def facts_and_rules(manifest: Mapping[str, Any]) -> tuple[str, frozenset[tuple[str, str, str | None]]]:
    """What an edition says whatever its day: its rules, and the content of each dataset."""
    said = ((one["source"], one["dataset"], one["content_sha256"]) for one in manifest["inputs"])
    return manifest["rules_sha256"], frozenset(said)


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


@lru_cache(maxsize=128)
def _said_in(content: bytes, *, is_of_dbt: bool) -> bytes:
    """What stands in a YAML file, without tests; empty for nothing."""
    try:
        node = yaml.compose(content, Loader=_LOADER)
    except yaml.YAMLError:
        return content
    said = None if node is None else _said(node)
    if is_of_dbt:
        said = _untested(said)
        if isinstance(said, dict) and said.keys() <= {"version"}:
            return b""
    return canonical_json(said)


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _said(node: yaml.Node) -> Any:
    """A YAML node as JSON can hold it, each plain word as it is written: no two spellings are taken for one."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _said(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_said(value) for value in node.value]
    return [node.tag, node.value]


def _untested(said: Any) -> Any:
    """The same without tests, nor a model or column that says no more than its name: it stands there to be tested."""
    if isinstance(said, dict):
        parts = {name: _untested(value) for name, value in said.items() if name not in TESTS}
        return {name: value for name, value in parts.items() if value not in ({}, [])}
    if isinstance(said, list):
        parts_of_list = (_untested(value) for value in said)
        return [value for value in parts_of_list if not (isinstance(value, dict) and value.keys() <= {"name"})]
    return said
