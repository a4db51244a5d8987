"""`jifen edition`: list, show and verify what was published."""

import json
from typing import Annotated, Any

import typer

from cli import show
from cli.command import Json, fail, new_group
from editions.places import edition_path, require_edition
from editions.verify import verify
from ledger.publications import beside_rows, current_id, edition_row, publication_rows
from ledger.settings import Settings
from ledger.store import open_ledger

app = new_group()
EditionId = Annotated[str | None, typer.Argument(help="An edition; the current one otherwise.")]


def _wanted(edition: str | None) -> tuple[Settings, str, str]:
    """The settings, the edition asked for, and the sha256 its manifest had when it was published."""
    settings = Settings()
    ledger = open_ledger(settings)
    wanted = edition or current_id(ledger)
    row = edition_row(ledger, wanted) if wanted else None
    if row is None:
        told = (
            f"no edition {wanted} here. Next: jifen edition list" if wanted else "none published yet. Next: jifen run"
        )
        fail(told, "not_found")
    return settings, row["edition_id"], row["manifest_sha256"]


@app.command("list")
def list_editions(as_json: Json = False) -> None:
    """List every publication, newest first, then the editions made beside them of days that had passed."""
    ledger = open_ledger(Settings())
    rows, beside = publication_rows(ledger), beside_rows(ledger)
    current = current_id(ledger)
    if as_json:
        told = [{**row, "is_current": row["edition_id"] == current, "is_beside": False} for row in rows]
        show.show_json(told + [{**row, "is_current": False, "is_beside": True} for row in beside])
        return
    show.show_table(
        "Editions 版次",
        ("edition", "as of", "rule set", "published at", "supersedes"),
        [(r["edition_id"], r["as_of"], r["ruleset_id"], r["published_at"], r["supersedes"]) for r in rows]
        + [(r["edition_id"], r["as_of"], r["ruleset_id"], "未发布 beside current", None) for r in beside],
    )


@app.command("show")
def show_edition(edition: EditionId = None, as_json: Json = False) -> None:
    """Show an edition's files, inputs and verdict."""
    settings, wanted, _ = _wanted(edition)
    path = require_edition(settings.data_dir, wanted)
    manifest: dict[str, Any] = json.loads((path / "manifest.json").read_bytes())
    verdict: dict[str, Any] = json.loads((path / "verdict.json").read_bytes())
    if as_json:
        show.show_json({"path": str(path), "manifest": manifest, "verdict": verdict})
        return
    show.console.print(f"edition {show.safe(wanted)} at {show.safe(str(path))}")
    show.show_table(
        "Files 文件",
        ("file", "rows", "bytes", "audience", "sha256"),
        [(f["path"], f.get("rows"), f["bytes"], f.get("audience"), f["sha256"][:16] + "…") for f in manifest["files"]],
    )
    show.show_table(
        "Made from 数据来源",
        ("dataset", "supplied", "stale", "rows", "refused", "learned on", "reason"),
        [
            (
                f"{i['source']}.{i['dataset']}",
                i["is_supplied"],
                i["is_stale"],
                i["rows_landed"],
                i["rows_refused"],
                i["learned_on"],
                i["reason"],
            )
            for i in manifest["inputs"]
        ],
    )
    show.show_verdict(verdict)


@app.command("verify")
def verify_edition(edition: EditionId = None, as_json: Json = False) -> None:
    """Check every byte of an edition against its manifest, and the manifest against the ledger."""
    settings, wanted, manifest_sha256 = _wanted(edition)
    findings = verify(edition_path(settings.data_dir, wanted), manifest_sha256)
    if as_json:
        show.show_json({"edition_id": wanted, "findings": [{"path": f.path, "message": f.message} for f in findings]})
    else:
        for finding in findings:
            show.console.print(f"[red]wrong[/] {show.safe(finding.path)}: {show.safe(finding.message)}")
        if not findings:
            show.console.print(f"[green]whole[/] {show.safe(wanted)}")
    raise typer.Exit(1 if findings else 0)
