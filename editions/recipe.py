"""The identity of an edition: a digest of its inputs and of the rules that were applied to them."""

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
# The code that lands, judges and seals, and the versions of its tools. The drivers do not affect what an edition says.
CODE_FILES = (
    "connectors/*.py",
    "connectors/uscc_exceptions.csv",
    "connectors/*_limits.yml",
    "connectors/decoders/*.py",
    "editions/*.py",
    "expectations/*.py",
    "ledger/csv_file.py",
    "ledger/hand_made.py",
    "requirements/all.lock",
)
# dbt writes compiled files into its project, which are no rules. Tests may stop an edition, and do not change it.
NOT_RULES = ("target", "logs", "dbt_packages", "dbt_internal_packages", "tests")
TESTS = ("unit_tests", "data_tests", "tests")
"""The parts of dbt's property files that test a model and do not change its result."""

PROVENANCE = ("batches", "told_by", "files")
"""The fields about how an input was received, as against its content."""


@dataclass(frozen=True)
class InputBatch:
    """One dataset as an edition uses it. `reason` says why it is not supplied or stale, without times and addresses.

    `batches` are those that landed, by name; `told_by` is the last promoted batch, which may have had no new content;
    `raw` the SHA-256 of the raw objects that they were read from, by batch; `hashes` those of their content. `files`
    are the landed and refused files that were read, each by its path under the data folder and its SHA-256.
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
        fields = {name: value for name, value in asdict(self).items() if name not in ("batches", "hashes", "raw")}
        read = zip(self.batches, self.hashes, self.raw, strict=True)
        batches = [{"batch": batch, "content_sha256": sha256, "raw": list(raw)} for batch, sha256, raw in read]
        return {**fields, "batches": batches, "learned_on": learned_on}


def rules_sha256(project_dir: Path) -> str:
    """SHA-256 over every rule of a checkout: models, seeds, source and suite files, code and lock.

    Tests and YAML comments are left out. A changed comment in a model or in code gives another digest, and an edition
    of equal content, which is not published again.
    """
    digest = hashlib.sha256()
    for path in rule_files(project_dir):
        content = path.read_bytes()
        if path.suffix in (".yml", ".yaml"):
            content = _yaml_content(content, is_of_dbt=path.is_relative_to(project_dir / "dbt_project"))
        if content:
            digest.update(f"{path.relative_to(project_dir).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def recipe_digest(as_of: date, inputs: Sequence[InputBatch], rules: str) -> str:
    """SHA-256 over the business date, every input, and the rules by their digest; equal ones mean equal editions.

    Every field of an input counts, its age and reason too, since the edition's `supply` table shows them; only its
    batches and their bytes do not: content that goes back to an earlier state gives the same digest again, whatever
    batch brought it. The files were checked against `content_sha256` before they were read (`connectors.stored`).
    """
    ordered = sorted(inputs, key=lambda batch: (batch.source, batch.dataset))
    facts = [{name: value for name, value in batch.as_dict().items() if name not in PROVENANCE} for batch in ordered]
    whole = {"format": FORMAT, "as_of": as_of.isoformat(), "inputs": facts, "rules": rules}
    return hashlib.sha256(canonical_json(whole)).hexdigest()


def facts_and_rules(manifest: Mapping[str, Any]) -> tuple[str, frozenset[tuple[str, str, str | None]]]:
    """An edition's rules and the content of each dataset, without its day."""
    contents = ((one["source"], one["dataset"], one["content_sha256"]) for one in manifest["inputs"])
    return manifest["rules_sha256"], frozenset(contents)


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
def _yaml_content(content: bytes, *, is_of_dbt: bool) -> bytes:
    """The content of a YAML file as JSON, of dbt's files without tests; empty where nothing is left."""
    try:
        node = yaml.compose(content, Loader=_LOADER)
    except yaml.YAMLError:
        return content
    value = None if node is None else _node_value(node)
    if is_of_dbt:
        value = _untested(value)
        if isinstance(value, dict) and value.keys() <= {"version"}:
            return b""
    return canonical_json(value)


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _node_value(node: yaml.Node) -> Any:
    """A YAML node as JSON can hold it; scalars stay as they are written, so that two spellings differ."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _node_value(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_node_value(value) for value in node.value]
    return [node.tag, node.value]


def _untested(value: Any) -> Any:
    """The same without tests, and without models and columns that have only a name, as they are listed for tests."""
    if isinstance(value, dict):
        parts = {name: _untested(part) for name, part in value.items() if name not in TESTS}
        return {name: part for name, part in parts.items() if part not in ({}, [])}
    if isinstance(value, list):
        items = (_untested(item) for item in value)
        return [item for item in items if not (isinstance(item, dict) and item.keys() <= {"name"})]
    return value
