"""`jifen edition`: list, show and verify what was published."""

import json
from typing import Annotated, Any

import typer

from cli import show
from cli.command import Json, edition_asked, new_group
from editions.places import edition_path, require_edition
from editions.verify import verify
from ledger.publications import beside_rows, current_id, publication_rows
from ledger.settings import Settings
from ledger.store import open_ledger

app = new_group()
EditionId = Annotated[str | None, typer.Argument(help="An edition; the current one otherwise.")]


@app.command("list")
def list_editions(as_json: Json = False) -> None:
    """List every publication, newest first, then the editions built later for past dates."""
    ledger = open_ledger(Settings())
    current, published, beside = current_id(ledger), publication_rows(ledger), beside_rows(ledger)
    if as_json:
        told = [{**row, "is_current": row["edition_id"] == current, "is_beside": False} for row in published]
        show.show_json(told + [{**row, "is_current": False, "is_beside": True} for row in beside])
        return
    rows = [*published, *({**row, "published_at": "未发布 not published (past date)"} for row in beside)]
    columns = (
        ("edition", "edition_id"),
        ("as of", "as_of"),
        ("rule set", "ruleset_id"),
        ("published at", "published_at"),
        "supersedes",
    )
    show.show_rows("Editions 版次", rows, columns)


@app.command("show")
def show_edition(edition: EditionId = None, as_json: Json = False) -> None:
    """Show an edition's files, inputs and verdict."""
    settings = Settings()
    wanted = edition_asked(open_ledger(settings), edition)["edition_id"]
    path = require_edition(settings.data_dir, wanted)
    manifest: dict[str, Any] = json.loads((path / "manifest.json").read_bytes())
    verdict: dict[str, Any] = json.loads((path / "verdict.json").read_bytes())
    if as_json:
        show.show_json({"path": str(path), "manifest": manifest, "verdict": verdict})
        return
    show.console.print(f"edition {show.safe(wanted)} at {show.safe(str(path))}")
    files = [{**one, "sha256": one["sha256"][:16] + "…"} for one in manifest["files"]]
    show.show_rows("Files 文件", files, (("file", "path"), "rows", "bytes", "audience", "sha256"))
    columns = (
        ("dataset", "{source}.{dataset}"),
        ("supplied", "is_supplied"),
        ("stale", "is_stale"),
        ("rows", "rows_landed"),
        ("refused", "rows_refused"),
        ("learned on", "learned_on"),
        "reason",
    )
    show.show_rows("Made from 数据来源", manifest["inputs"], columns)
    show.show_verdict(verdict)


@app.command("verify")
def verify_edition(edition: EditionId = None, as_json: Json = False) -> None:
    """Check every byte of an edition against its manifest, and the manifest against the ledger."""
    settings = Settings()
    row = edition_asked(open_ledger(settings), edition)
    wanted = row["edition_id"]
    findings = verify(edition_path(settings.data_dir, wanted), row["manifest_sha256"])
    if as_json:
        show.show_json({"edition_id": wanted, "findings": [{"path": f.path, "message": f.message} for f in findings]})
    else:
        for finding in findings:
            show.console.print(f"[red]wrong[/] {show.safe(finding.path)}: {show.safe(finding.message)}")
        if not findings:
            show.console.print(f"[green]whole[/] {show.safe(wanted)}")
    raise typer.Exit(1 if findings else 0)
