"""The code that made an edition (commit, lock, suites), and the edition's kind by its differences from its parent."""

import hashlib
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from editions.causes import ruleset_of
from editions.recipe import InputBatch
from ledger.files import file_sha256

NIGHTLY, RULE_CHANGE, AFTER_OUTAGE, CORRECTION, BESIDE = KINDS = (
    "nightly",
    "rule_change",
    "after_outage",
    "correction",
    "beside",
)
"""An ordinary night; the first night of another rule set; the first night after an outage of a source; an edition that
replaces a wrong one at a person's request; an edition of a past day, which never becomes current."""
LOCK = "requirements/all.lock"
SUITES = "expectations/suites"
PACKAGES = ("cli", "connectors", "editions", "expectations", "flows", "ledger")
_GIT_SECONDS = 20


@dataclass(frozen=True)
class Code:
    """The code of a build. `commit` is None where there is no git; `files_sha256` is of the packages' Python files."""

    commit: str | None
    is_clean: bool | None
    version: str | None
    files_sha256: str
    lock_sha256: str | None
    suites_sha256: str

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return asdict(self)


def code_of(project_dir: Path) -> Code:
    """The code in this checkout or installed folder, with the commit where there is git."""
    commit = _git(project_dir, "rev-parse", "--verify", "HEAD")
    changed = None if commit is None else _git(project_dir, "status", "--porcelain")
    lock = project_dir / LOCK
    return Code(
        commit=commit,
        is_clean=None if changed is None else not changed,
        version=_version(),
        files_sha256=_sha256_of(path for name in PACKAGES for path in (project_dir / name).rglob("*.py")),
        lock_sha256=file_sha256(lock) if lock.is_file() else None,
        suites_sha256=_sha256_of((project_dir / SUITES).rglob("*.yml")),
    )


def _git(project_dir: Path, *words: str) -> str | None:
    # `.git` must be in this folder: a package installed inside another project's checkout has no commit of that.
    if not (project_dir / ".git").exists():
        return None
    try:
        done = subprocess.run(  # the words are our own
            ["git", "-C", str(project_dir), *words],  # noqa: S607  # git is where the operator's PATH has it
            capture_output=True,
            text=True,
            check=False,
            timeout=_GIT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version() -> str | None:
    try:
        return version("jifen")
    except PackageNotFoundError:
        return None


def _sha256_of(paths: Iterable[Path]) -> str:
    """SHA-256 over names and bytes, in the order of the names below the project."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.parent.name}/{path.name}\0{file_sha256(path)}\0".encode())
    return digest.hexdigest()


def kind_of(
    parent: Mapping[str, Any] | None,
    ruleset: Mapping[str, str],
    inputs: Sequence[InputBatch],
    *,
    is_beside: bool = False,
    corrects: str | None = None,
) -> str:
    """The kind of an edition, by its facts alone: one of `KINDS`.

    `parent` is the manifest of the edition it follows, `ruleset` the id and content hash of its own rule set. A rule
    change comes before an outage: both move points, and a rule change those of all enterprises.
    """
    if is_beside:
        return BESIDE
    if corrects is not None:
        return CORRECTION
    if parent is None:
        return NIGHTLY
    if ruleset_of(parent) != (ruleset["ruleset_id"], ruleset["ruleset_sha256"]):
        return RULE_CHANGE
    back = {(one.source, one.dataset) for one in inputs if one.is_supplied and not one.is_stale}
    return AFTER_OUTAGE if back & away(parent) else NIGHTLY


def away(manifest: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The datasets that an edition took from an earlier day, or lacks, because they could not be pulled."""
    return {
        (one["source"], one["dataset"])
        for one in manifest["inputs"]
        if one["is_stale"] or str(one["reason"] or "").startswith(("pull failed", "held"))
    }
