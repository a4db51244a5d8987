"""Sealing: making an edition, which never changes, of a candidate that passed its gate."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from editions.build import BuildReport
from editions.candidate import Candidate
from editions.descriptors import CONTRACTS, DATAPACKAGE, contract, datapackage
from editions.dictionary import read_dictionary
from editions.durable import make_read_only, remove_tree, sync
from editions.export import Exported, export, open_warehouse
from editions.manifest import SealedFile, canonical_json, describe_file, read_manifest, write_manifest
from editions.places import edition_path, editions_dir, read_current, require_kept
from editions.provenance import Code
from editions.readme import readme_text
from editions.recipe import InputBatch
from editions.relations import sealed_relations
from editions.signature import sign_edition
from editions.verify import verify
from ledger.minisign import SecretKey

PASSED = "passed"
DRAFT = ".sealing-"


class SealError(RuntimeError):
    """The candidate must not, or cannot, be sealed."""


class EditionDamagedError(RuntimeError):
    """A published edition differs from what was sealed."""


@dataclass(frozen=True)
class EditionFacts:
    """What an edition is: its name, kind, date, rules, code and inputs.

    `parent` is the edition that it follows and that the gate compared it with, or None: the verdict depends on it, so a
    rebuild must know it. `rules_sha256` is of all rules, `ruleset_id` and `ruleset_sha256` are of the rule set that it
    was scored by. `supersedes` is the edition that a correction replaces, `note` why. `stale` has for each dataset that
    is older than allowed the day since when. `ledger` is the head of the ledger's journal when it was sealed: number
    and hash, so that a change of earlier entries is detected.
    """

    edition_id: str
    as_of: date
    ruleset_id: str
    recipe_sha256: str
    rules_sha256: str
    inputs: tuple[InputBatch, ...]
    parent: str | None
    kind: str
    ruleset_sha256: str
    code: Code
    stale: Mapping[str, str] = field(default_factory=dict)
    supersedes: str | None = None
    note: str | None = None
    ledger: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The facts as JSON can hold them, inputs by source and dataset."""
        ordered = sorted(self.inputs, key=lambda batch: (batch.source, batch.dataset))
        return {
            **asdict(self),
            "as_of": self.as_of.isoformat(),
            "inputs": [batch.as_dict() for batch in ordered],
            "stale": dict(self.stale),
            "ledger": dict(self.ledger),
        }


@dataclass(frozen=True)
class SealedEdition:
    """An edition on disk; `is_new` is False when the published one was found whole and left as it is."""

    edition_id: str
    path: Path
    manifest_sha256: str
    is_new: bool


def seal(
    data_dir: Path,
    candidate: Candidate,
    facts: EditionFacts,
    verdict: Mapping[str, Any],
    build: BuildReport,
    *,
    landing: Mapping[str, Any],
    published_manifest_sha256: str | None,
    unless_as: Path | None = None,
    key: SecretKey | None = None,
) -> SealedEdition | None:
    """Write `editions/<id>` from a candidate: tables, extracts, verdict, report, README, descriptors and manifest.

    `verdict` is the gate's; its state must be passed. `landing` has the counts of the landing (refusals by reason and
    the like), without times. `published_manifest_sha256` is the ledger's, None where it does not know this edition: a
    published folder is verified and left as it is (`EditionDamagedError` where it is damaged); one that the ledger does
    not know was left by a crash, and is replaced. Equal candidates give equal bytes, the manifest's too. The edition is
    signed with `key`, where there is one. Where every table and extract equals that of the edition in the folder
    `unless_as`, nothing is sealed, and the result is None.
    """
    if verdict["state"] != PASSED:
        raise SealError(
            f"candidate {candidate.run_id} did not pass the gate ({verdict['state']}) and is not sealed. "
            "Whose: data. Read the verdict with `jifen status`."
        )
    path = edition_path(data_dir, facts.edition_id)
    if published_manifest_sha256 is not None:
        require_whole(path, facts.edition_id, published_manifest_sha256)
        return SealedEdition(facts.edition_id, path, published_manifest_sha256, is_new=False)
    if read_current(data_dir) == facts.edition_id:
        raise SealError(
            f"readers follow edition {facts.edition_id}, and the ledger does not know it: it is not replaced. "
            "Whose: config (another ledger than the one that published it?). Check JIFEN_LEDGER_URL."
        )
    draft = editions_dir(data_dir) / f"{DRAFT}{facts.edition_id}"
    remove_tree(draft)
    manifest_sha256 = _write_edition(draft, candidate, facts, verdict, build, landing)
    if unless_as is not None and _tables_in(draft) == _tables_in(unless_as):
        remove_tree(draft)
        return None
    if key is not None:
        sign_edition(draft, facts.edition_id, key)
    make_read_only(draft)
    remove_tree(path)
    draft.rename(path)
    for folder in (path.parent, data_dir):
        sync(folder)
    return SealedEdition(facts.edition_id, path, manifest_sha256, is_new=True)


def _tables_in(edition: Path) -> dict[str, str]:
    """The hash of each table and extract."""
    return {file["path"]: file["sha256"] for file in read_manifest(edition)["files"] if file["rows"] is not None}


def drop_drafts(data_dir: Path) -> list[str]:
    """Remove drafts that a crash left half sealed, which hold consents; returns the names removed.

    Call it under the lock of the data folder: a draft that another run is writing would go too.
    """
    drafts = sorted(editions_dir(data_dir).glob(f"{DRAFT}*"))
    for draft in drafts:
        remove_tree(draft)
    if drafts:
        sync(editions_dir(data_dir))
    return [draft.name for draft in drafts]


def require_whole(path: Path, edition_id: str, manifest_sha256: str) -> None:
    """Raise `EditionDamagedError` unless an edition equals what was sealed."""
    require_kept(path)
    findings = verify(path, manifest_sha256)
    if findings:
        first = findings[0]
        raise EditionDamagedError(
            f"edition {edition_id} was published and is damaged: {first.path} {first.message} "
            f"({len(findings)} findings). Whose: data ({path} was changed). "
            f"Run `jifen edition verify {edition_id}`, then restore the folder from a backup."
        )


def _write_edition(
    draft: Path,
    candidate: Candidate,
    facts: EditionFacts,
    verdict: Mapping[str, Any],
    build: BuildReport,
    landing: Mapping[str, Any],
) -> str:
    for folder in ("tables", "extracts"):
        (draft / folder).mkdir(parents=True)
    with open_warehouse(candidate.warehouse) as connection:
        words = read_dictionary()
        exported = [export(connection, relation, draft, words) for relation in sealed_relations(candidate.target)]
    head = facts.as_dict()
    report = {
        "edition_id": facts.edition_id,
        "build": build.as_dict(),
        "landing": dict(landing),
        "rows": {item.relation.name: item.rows for item in exported},
    }
    (draft / "verdict.json").write_bytes(canonical_json(dict(verdict)))
    (draft / "report.json").write_bytes(canonical_json(report))
    (draft / "README.txt").write_text(readme_text(head, exported), encoding="utf-8-sig", newline="\n")
    tables = {
        item.relation.name: {
            "audience": item.relation.audience,
            "description": item.relation.description,
            "key": list(item.relation.key),
            "columns": [asdict(column) for column in item.columns],
            "totals": item.totals,
        }
        for item in exported
    }
    files = _files(draft, exported)
    plain = ["README.txt", "report.json", "verdict.json", *_describe(draft, head, tables, files)]
    files += [describe_file(draft, name, None, "zone") for name in plain]
    judged = {"state": verdict["state"], "overrides": list(verdict.get("overrides", ()))}
    return write_manifest(draft, {**head, "verdict": judged, "tables": tables}, files)


def _files(draft: Path, exported: Sequence[Exported]) -> list[SealedFile]:
    return [
        # A workbook is listed without rows: it repeats those of the table beside it.
        describe_file(draft, file, None if file.endswith(".xlsx") else item.rows, item.relation.audience)
        for item in exported
        for file in item.files
    ]


def _describe(
    draft: Path, head: Mapping[str, Any], tables: Mapping[str, Any], files: Sequence[SealedFile]
) -> list[str]:
    """Write the descriptors of open standards; returns their names."""
    (draft / CONTRACTS).mkdir()
    made = {DATAPACKAGE: datapackage(head, tables, files)}
    made |= {f"{CONTRACTS}/{name}.odcs.yaml": contract(name, table) for name, table in tables.items()}
    for name, content in made.items():
        (draft / name).write_bytes(content)
    return list(made)
