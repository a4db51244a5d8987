"""`jifen edition`: list, show, verify, rebuild and compare what was published."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import show
from cli.command import EditionArgument, Json, day_option, edition_asked, misused, new_group, operator, text_given
from cli.ledger import edition_head
from cli.night import show_ended
from editions.places import edition_path, require_edition
from editions.signature import Keys, by_id, is_signed, signer_of
from editions.verify import Finding, verify
from flows.texts import counted
from ledger.acts import withdrawn
from ledger.journal import breaks
from ledger.minisign import SignatureError
from ledger.publications import beside_rows, current_id, publication_rows
from ledger.settings import Settings
from ledger.store import open_ledger

if TYPE_CHECKING:
    from flows.acts import Acted

app = new_group()
Published = Annotated[str, typer.Argument(help="A published edition.")]
Why = Annotated[str, typer.Option("--why", help="The reason; it is kept.")]
SENT_NEXT = "jifen run, which sends them, or packages of a newer edition"
RECALLED_NEXT = (
    "jifen outbox relay --once, which sends the messages. Then correct what was wrong, and jifen run: while facts and "
    "rules are those of the withdrawn edition no package leaves"
)


@app.command("list")
def list_editions(as_json: Json = False) -> None:
    """List every publication, newest first, then the editions built later for past dates."""
    ledger = open_ledger(Settings())
    current, beside = current_id(ledger), beside_rows(ledger)
    gone = withdrawn(ledger)
    published = [
        {**row, "withdrawn_by": gone.get(row["edition_id"], {}).get("decided_by")} for row in publication_rows(ledger)
    ]
    if as_json:
        rows = [{**row, "is_current": row["edition_id"] == current, "is_beside": False} for row in published]
        show.show_json(rows + [{**row, "is_current": False, "is_beside": True} for row in beside])
        return
    zone = Settings().zone
    for row in published:
        at = datetime.fromisoformat(row["published_at"]).astimezone(zone)
        row["published_at"] = f"{at:%Y-%m-%d %H:%M} {zone}"
    rows = [*published, *({**row, "published_at": "未发布 not published (past date)"} for row in beside)]
    columns = (
        ("edition", "edition_id"),
        ("as of", "as_of"),
        "kind",
        ("rule set", "ruleset_id"),
        ("published at", "published_at"),
        ("follows", "supersedes"),
        ("withdrawn by", "withdrawn_by"),
    )
    show.show_rows("Editions 版次", rows, columns, whole=("edition", "follows"))


@app.command("show")
def show_edition(edition: EditionArgument = None, as_json: Json = False) -> None:
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
    show.show_facts(_facts(manifest))
    show.show_rows(
        "Files 文件", files_by_name(manifest["files"]), (("file", "name"), "kinds", "rows", "bytes", "audience")
    )
    show.console.print("SHA256SUMS and manifest.json hold the hash of each file; README.txt describes each column")
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


def files_by_name(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line for each table, whatever formats it comes in, and one for all contracts."""
    lines: dict[str, dict[str, Any]] = {}
    for one in files:
        path = PurePosixPath(one["path"])
        name = "contracts/" if path.parts[0] == "contracts" else str(path.parent / path.name.partition(".")[0])
        line = lines.setdefault(
            name, {"name": name, "kinds": [], "rows": None, "bytes": 0, "audience": one["audience"]}
        )
        line["kinds"].append(path.suffix[1:])
        line["rows"] = line["rows"] or one["rows"]
        line["bytes"] += one["bytes"]
    return [{**line, "kinds": ", ".join(dict.fromkeys(line["kinds"]))} for line in lines.values()]


def _facts(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if manifest["format"] == 1:
        return
    code = manifest["code"]
    yield "kind", f"{manifest['kind']}, follows {manifest['parent'] or 'none'}"
    yield "rules", f"{manifest['ruleset_id']} {manifest['ruleset_sha256'][:16]}"
    at = f"commit {code['commit']}{'' if code['is_clean'] else ' with changes'}" if code["commit"] else "no git"
    yield "code", f"{code['version']}, {at}, lock {(code['lock_sha256'] or 'none')[:16]}"
    if manifest["supersedes"]:
        yield "supersedes", f"{manifest['supersedes']}: {manifest['note']}"


@app.command("verify")
def verify_edition(edition: EditionArgument = None, as_json: Json = False) -> None:
    """Check each byte of an edition by its manifest, that by ledger and journal, and its signature."""
    settings = Settings()
    ledger = open_ledger(settings)
    row = edition_asked(ledger, edition)
    wanted, path = row["edition_id"], edition_path(settings.data_dir, row["edition_id"])
    keys = settings.known_keys
    known = None if keys is None else by_id(keys)
    findings = verify(path, row["manifest_sha256"], known, is_signed=row["signed_by"] is not None)
    findings += [Finding("the ledger", "journal", found) for found in breaks(ledger, dict(edition_head(path)))]
    signature = _signature(path, known)
    if as_json:
        lines = [{"path": found.path, "message": found.message} for found in findings]
        show.show_json({"edition_id": wanted, "findings": lines, "signature": signature})
    else:
        for finding in findings:
            show.console.print(f"[red]wrong[/] {show.safe(finding.path)}: {show.safe(finding.message)}")
        if not findings:
            show.console.print(f"[green]whole[/] {show.safe(wanted)}, {show.safe(signature)}")
    raise typer.Exit(1 if findings else 0)


@app.command("diff")
def diff_editions(
    then: Published,
    now: Annotated[str, typer.Argument(help="The edition to compare it with.")],
    uscc: Annotated[str | None, typer.Option(help="One enterprise.")] = None,
    top: Annotated[int, typer.Option(min=0, help="How many of those that moved most are shown.")] = 10,
    csv: Annotated[Path | None, typer.Option(help="Write every part into this CSV file.")] = None,
    as_json: Json = False,
) -> None:
    """Split what moved each enterprise between two editions by cause; `jifen explain` shows it from then on."""
    from cli.edition_diff import show_diff
    from flows.diff import diff

    ledger = open_ledger(Settings())
    for one in (then, now):
        edition_asked(ledger, one)
    if then == now:
        misused(f"{then} is compared with itself: name two editions. Next: jifen edition list")
    with show.progress(f"{then} → {now}"):
        found = diff(Settings(), then, now)
    show_diff(found, uscc, top, csv, as_json=as_json)


@app.command("rebuild")
def rebuild_edition(
    edition: EditionArgument = None,
    keep: Annotated[Path | None, typer.Option(help="A new folder that the rebuilt edition is copied to.")] = None,
    by_its_commit: Annotated[
        bool, typer.Option("--by-its-commit", help="Where rules or code moved on: by the commit that it was made by.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make an edition again from what its manifest names, and compare every file; what is published stays as it is.

    Exit code 0 where every file has the bytes of the sealed one, 1 otherwise.
    """
    from flows.rebuild import OtherRulesError, rebuild, rebuild_at

    settings = Settings()
    wanted = edition_asked(open_ledger(settings), edition)["edition_id"]
    try:
        with show.progress(f"rebuilding {wanted}"):
            found = rebuild(settings, wanted, keep)
    except OtherRulesError as error:
        if not by_its_commit or error.commit is None:
            raise
        raise typer.Exit(rebuild_at(settings, wanted, error.commit)) from None
    if as_json:
        show.show_json({**asdict(found), "is_identical": found.is_identical})
    elif found.is_identical:
        show.console.print(f"[green]identical[/] {show.safe(wanted)}: {found.files} files, byte for byte")
    else:
        rows = [asdict(one) for one in found.differences]
        show.show_rows(f"{wanted}: differing files 不同的文件", rows, ("path", "sealed_sha256", "rebuilt_sha256"))
    raise typer.Exit(0 if found.is_identical else 1)


@app.command("rollback")
def rollback(edition: Published, why: Why, as_json: Json = False) -> None:
    """Make an earlier edition current again, as a new publication; the next night goes on from it."""
    from flows.acts import roll_back

    _show_act(roll_back(Settings(), edition, text_given(why), operator()), "is current again", SENT_NEXT, as_json)


@app.command("withdraw")
def withdraw_edition(edition: Published, why: Why, as_json: Json = False) -> None:
    """Withdraw an edition for good: readers go to the one before it, and a recall is queued for every channel."""
    from flows.acts import withdraw

    _show_act(withdraw(Settings(), edition, text_given(why), operator()), "is withdrawn", RECALLED_NEXT, as_json)


@app.command("correct")
def correct_edition(
    edition: Published,
    why: Why,
    as_of: Annotated[date | None, day_option("The business date; today otherwise.")] = None,
    as_json: Json = False,
) -> None:
    """Run the night as a correction of an edition, after the fault was corrected; lists the enterprises it touches."""
    from flows.acts import correct

    with show.progress(f"correcting {edition}"):
        outcome = correct(Settings(), edition, text_given(why), operator(), as_of)
    code = show_ended(outcome, as_json)
    for touched in () if as_json else outcome.report.get("touched", ()):
        show.console.print(f"  {show.safe(touched)}")
    raise typer.Exit(code)


def _show_act(found: "Acted", what: str, next_step: str, as_json: bool) -> None:
    stands = "" if found.stands == found.edition_id else f"; {found.stands} is current"
    queued = f"{counted(len(found.deliveries), 'package')} and {counted(len(found.notices), 'message')} are queued"
    show.show_done(asdict(found), f"edition {found.edition_id} {what}{stands}\n{queued}. Next: {next_step}", as_json)


def _signature(path: Path, keys: Keys | None) -> str:
    """Who signed, in words; an invalid signature is a finding of its own."""
    if not is_signed(path):
        return "unsigned 未签名"
    if keys is None:
        return "signed, and no public key is set to check it. Next: set JIFEN_PUBLIC_KEY_FILE"
    try:
        return f"signed by key {signer_of(path, path.name, keys)}"
    except SignatureError:
        return "the signature does not hold"
