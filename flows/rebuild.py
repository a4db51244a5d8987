"""Making a sealed edition again from what its manifest names, and comparing every file of it."""

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from connectors.identity_decisions import known_on, read_decisions
from connectors.inputs import Supplied, resolve
from connectors.pull import Pulled
from connectors.source_files import read_sources
from connectors.spec import Source
from connectors.stored import Store, require_stored
from connectors.zone import read_zone
from editions.candidate import new_candidate
from editions.causes import DECISIONS
from editions.durable import remove_tree
from editions.manifest import FORMAT, canonical_json, read_manifest
from editions.places import MANIFEST, SUMS, edition_path, is_dropped, require_edition
from editions.provenance import Code, code_of
from editions.recipe import InputBatch, edition_id_of, recipe_digest, rules_sha256
from editions.relations import ruleset_in_force
from editions.seal import EditionFacts, seal
from editions.signature import SIGNATURES
from flows.night import Correction, Night
from flows.recipe import build_candidate, inputs_of, judge
from ledger.files import file_sha256
from ledger.overrides import Override
from ledger.publications import edition_row
from ledger.runs import exclusive_run
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import open_ledger

log = logging.getLogger("jifen")

NOT_SUPPLIED = {"told_by": None, "is_stale": False, "reason": None}
"""The input of a dataset that was declared after an edition: it was not supplied then."""


class RebuildError(RuntimeError):
    """An edition cannot be made again: what it was made of is not there, or is something else now."""


class OtherRulesError(RebuildError):
    """An edition was made by other rules or code than those here; `commit` is the one it needs, where one is known."""

    def __init__(self, edition_id: str, manifest: Mapping[str, Any]) -> None:
        code = manifest["code"]
        self.commit: str | None = code["commit"] if code["is_clean"] else None
        needed = (
            f"commit {code['commit']}"
            if self.commit
            else f"the files of version {code['version']} with hash {code['files_sha256'][:16]}"
            + (f" (commit {code['commit']} with changes that were not committed)" if code["commit"] else "")
        )
        super().__init__(
            f"edition {edition_id} was made by other rules or code than these: it needs {needed} and the packages of "
            f"lock {str(code['lock_sha256'])[:16]}. Whose: config. Next: git worktree add ../then "
            f"{code['commit'] or 'COMMIT'}, make setup there, and there jifen edition rebuild {edition_id}"
        )


@dataclass(frozen=True)
class FileDifference:
    """One file that differs between the rebuilt and the sealed edition; None where one of them lacks it."""

    path: str
    sealed_sha256: str | None
    rebuilt_sha256: str | None


@dataclass(frozen=True)
class Rebuilt:
    """How a rebuild came out: the files compared, those that differ, and the commit of the code that rebuilt it."""

    edition_id: str
    files: int
    differences: tuple[FileDifference, ...]
    commit: str | None = None

    @property
    def is_identical(self) -> bool:
        """Whether every file, the manifest too, has the bytes of the sealed one."""
        return not self.differences


def rebuild(settings: Settings, edition_id: str, keep: Path | None = None) -> Rebuilt:
    """Make an edition again from raw and landed data and compare each file's hash with its manifest.

    Nothing that is published is touched. `keep` is a new folder that the rebuilt edition is moved to; it is thrown away
    otherwise. Raises `OtherRulesError` where the rules or the code moved on, `RebuildError` where an input is not what
    it was, and `RunLockedError` while a night is at work.
    """
    with exclusive_run(settings.data_dir):
        ledger = open_ledger(settings)
        manifest = manifest_of(settings, ledger, edition_id)
        if rules_sha256(PROJECT_DIR) != manifest["rules_sha256"]:
            raise OtherRulesError(edition_id, manifest)
        sources = read_sources()
        zone = read_zone(settings.zone_file, sources)
        require_stored(sources, Store(settings, ledger, zone, {}), date.fromisoformat(manifest["as_of"]))
        night, supplied = recipe_of(settings, ledger, manifest, f"{manifest['as_of']}-rebuild-{uuid.uuid4().hex[:8]}")
        candidate = new_candidate(settings.data_dir, night.run_id)
        try:
            root = _sealed_again(night, supplied, manifest)
            made = _hashes(root)
            if keep is not None:
                shutil.copytree(root, keep)
        finally:
            remove_tree(candidate.path)
    sealed = _hashes(edition_path(settings.data_dir, edition_id))
    paths = sorted(sealed.keys() | made.keys())
    differences = [
        FileDifference(path, sealed.get(path), made.get(path)) for path in paths if sealed.get(path) != made.get(path)
    ]
    return Rebuilt(edition_id, len(paths), tuple(differences), code_of(PROJECT_DIR).commit)


def manifest_of(settings: Settings, ledger: Engine, edition_id: str) -> dict[str, Any]:
    """The manifest of a sealed edition. Raises `RebuildError` where it is not the one that the ledger knows."""
    row, path = edition_row(ledger, edition_id), edition_path(settings.data_dir, edition_id)
    if not is_dropped(path):
        require_edition(settings.data_dir, edition_id)
    manifest = read_manifest(path)
    hashed = file_sha256(path / MANIFEST)
    if row is None or row["manifest_sha256"] != hashed:
        raise RebuildError(
            f"the manifest of edition {edition_id} is not the one that was sealed, so its inputs are not known. "
            f"Whose: data. Next: restore {path} from a backup, then jifen edition verify {edition_id}"
        )
    if manifest["format"] != FORMAT:
        raise RebuildError(
            f"edition {edition_id} was sealed by an older jifen (format {manifest['format']}), whose manifest does not "
            "name all that it was read from. Whose: config. Next: rebuild it with the jifen of that time"
        )
    return manifest


def recipe_of(
    settings: Settings, ledger: Engine, manifest: Mapping[str, Any], run_id: str
) -> tuple[Night, list[Supplied]]:
    """The night of an edition by its manifest, and what each dataset supplied then.

    Raises `RebuildError` for each input that is not there any more, or is another one.
    """
    sources = tuple(read_sources())
    as_of = date.fromisoformat(manifest["as_of"])
    inputs = {(one["source"], one["dataset"]): one for one in manifest["inputs"]}
    zone = read_zone(settings.zone_file, sources)
    # The file of decisions is only appended to: those made by then are the first of that day's.
    made = inputs[DECISIONS]["rows_landed"] if DECISIONS in inputs else 0
    decisions = known_on(read_decisions(settings.data_dir, sources), as_of)[:made] if made else ()
    until = {f"{source}.{dataset}": one["told_by"] for (source, dataset), one in inputs.items() if one["told_by"]}
    corrects = Correction(manifest["supersedes"], manifest["note"]) if manifest["supersedes"] else None
    night = Night(run_id, as_of, settings, ledger, sources, (), zone, manifest["parent"], decisions, corrects)
    supplied = [
        replace(one, is_stale=then["is_stale"], reason=then["reason"])
        for one in resolve(sources, _pulled_then(sources, inputs), ledger, settings, as_of, until)
        for then in [inputs.get((one.source, one.dataset), NOT_SUPPLIED)]
    ]
    if wrong := list(_other_inputs(manifest, inputs_of(supplied, decisions))):
        raise RebuildError(
            f"edition {manifest['edition_id']} was made of other inputs than are here now: {', '.join(wrong)}. Whose: "
            "data. Next: restore what is named (landed/, quarantine/, ledger, identity_decisions.csv) from a backup"
        )
    return night, supplied


def _pulled_then(sources: Sequence[Source], inputs: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[Pulled]:
    datasets = [dataset for source in sources for dataset in source.datasets]
    return [
        Pulled(dataset.source, dataset.name, dataset.critical, state)
        for dataset in datasets
        for then in [inputs.get((dataset.source, dataset.name), NOT_SUPPLIED)]
        for state in ["unchanged" if then["told_by"] else "not_supplied"]
    ]


def _other_inputs(manifest: Mapping[str, Any], inputs: Sequence[InputBatch]) -> Iterator[str]:
    # As JSON has it: there a tuple is a list.
    now = {(one.source, one.dataset): json.loads(canonical_json(one.as_dict())) for one in inputs}
    for one in manifest["inputs"]:
        found = now.get((one["source"], one["dataset"]))
        if found != one:
            differing = [name for name in one if found is None or found[name] != one[name]]
            yield f"{one['source']}.{one['dataset']} ({', '.join(differing)})"


def _sealed_again(night: Night, supplied: Sequence[Supplied], manifest: Mapping[str, Any]) -> Path:
    """Build, judge and seal into a folder of the candidate's own; answers where the edition stands in it."""
    candidate, built = build_candidate(night, supplied)
    verdict = judge(night, candidate, [Override.of(one) for one in manifest["verdict"]["overrides"]]).as_dict()
    inputs = inputs_of(supplied, night.decisions)
    digest = recipe_digest(night.as_of, inputs, manifest["rules_sha256"])
    facts = EditionFacts(
        edition_id=edition_id_of(night.as_of, digest),
        as_of=night.as_of,
        ruleset_id=ruleset_in_force(candidate.warehouse),
        recipe_sha256=digest,
        inputs=inputs,
        code=Code(**manifest["code"]),
        # What a rebuild cannot work out is taken from the manifest, whose hash the ledger holds.
        **{
            name: manifest[name]
            for name in ("rules_sha256", "ruleset_sha256", "parent", "kind", "supersedes", "note", "ledger")
        },
        stale=manifest["stale"],
    )
    landing = {f"{one.source}.{one.dataset}": one.counts for one in supplied if one.counts}
    root = candidate.path / "rebuilt"
    sealed = seal(root, candidate, facts, verdict, built, landing=landing, published_manifest_sha256=None)
    if sealed is None:
        raise AssertionError("seal answers None only where it is given an edition to compare with")
    return sealed.path


def _hashes(edition: Path) -> dict[str, str]:
    """The hash of every file of an edition, its manifest too, by path; signatures are of a key, not of the inputs.

    Where the tables were dropped, the hashes are those of its sums.
    """
    if is_dropped(edition):
        sums = (line.split("  ", 1) for line in (edition / SUMS).read_text(encoding="utf-8").splitlines())
        return {SUMS: file_sha256(edition / SUMS), **{path: sha256 for sha256, path in sums}}
    files = [path for path in edition.rglob("*") if path.is_file()]
    found = {path.relative_to(edition).as_posix(): file_sha256(path) for path in files}
    return {path: sha256 for path, sha256 in found.items() if path not in SIGNATURES}


def rebuild_at(settings: Settings, edition_id: str, commit: str) -> int:
    """Rebuild by the code of another commit of this checkout, in a folder of its own that is removed again.

    Answers the exit code of the command that ran there, whose output is this command's. Raises `RebuildError` where git
    does not know the commit, or its lock asks for other packages than are installed here.
    """
    with _checked_out(commit) as folder:
        if code_of(folder).lock_sha256 != code_of(PROJECT_DIR).lock_sha256:
            raise RebuildError(
                f"commit {commit} needs other packages than are installed here ({folder.name}/requirements/all.lock). "
                f"Whose: config. Next: git worktree add ../then {commit}, make setup there, and there jifen "
                f"edition rebuild {edition_id}"
            )
        command = [sys.executable, "-P", "-m", "cli", "edition", "rebuild", edition_id]
        environment = {**os.environ, "PYTHONPATH": str(folder), "JIFEN_DATA_DIR": str(settings.data_dir)}
        log.info("rebuild: by commit %s", commit)
        return subprocess.run(command, env=environment, cwd=Path.cwd(), check=False).returncode


@contextmanager
def _checked_out(commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="jifen-rebuild-") as parent:
        folder = Path(parent) / "checkout"
        git = ["git", "-C", str(PROJECT_DIR), "worktree"]
        added = subprocess.run(
            [*git, "add", "--quiet", "--detach", str(folder), commit], capture_output=True, text=True, check=False
        )
        if added.returncode != 0:
            raise RebuildError(
                f"git has no commit {commit} here ({added.stderr.strip().splitlines()[-1:]}). Whose: config. "
                "Next: git fetch, then again"
            )
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], capture_output=True, check=False)
