"""`jifen ledger`: verify the ledger, show its journal, bind it to its data folder."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.command import Json, new_group, operator
from editions import package
from editions.places import MANIFEST, editions_dir
from flows.texts import local
from ledger.binding import bind_again
from ledger.journal import Head, breaks, differences, entries, head
from ledger.runs import exclusive_run
from ledger.settings import Settings
from ledger.store import open_ledger

app = new_group()


@app.command("verify")
def verify_ledger(as_json: Json = False) -> None:
    """Check the journal's chain, its heads in manifests of editions and packages, and each row by its entry.

    Exit code 1: not whole.
    """
    settings = Settings()
    ledger = open_ledger(settings)
    sealed = dict(journal_heads(settings))
    found = [*breaks(ledger, sealed), *differences(ledger)]
    last = head(ledger)
    if as_json:
        show.show_json({"entries": last.sequence, "sha256": last.sha256, "manifests": len(sealed), "findings": found})
    else:
        for finding in found:
            show.console.print(f"[red]wrong[/] {show.safe(finding)}")
        if not found:
            text = f"{last.sequence} entries, the last {last.sha256}; {len(sealed)} manifests agree"
            show.console.print(f"[green]whole[/] {show.safe(text)}")
    raise typer.Exit(1 if found else 0)


def journal_heads(settings: Settings) -> Iterator[tuple[str, Head]]:
    """The journal's head in the manifest of each edition and package, by the name of either.

    Manifests older than the journal have none. A package is made after its edition, and its bank has the manifest too:
    it shows that entries since the last edition were cut off the journal's end.
    """
    for folder in sorted(editions_dir(settings.data_dir).glob("[!.]*")):
        if not folder.is_symlink():
            yield from edition_head(folder)
    for path in sorted((settings.data_dir / "deliveries").glob(f"*/*/{package.MANIFEST}")):
        name = f"package {path.parent.parent.name}.{path.parent.name.lstrip('0')}"
        yield from _head_in(name, path, "journal_head")


def edition_head(folder: Path) -> Iterator[tuple[str, Head]]:
    """The journal's head in the manifest of one edition."""
    yield from _head_in(f"edition {folder.name}", folder / MANIFEST, "ledger")


def _head_in(name: str, manifest: Path, part: str) -> Iterator[tuple[str, Head]]:
    """The head in one manifest; none where it cannot be read or names no entry, which another check reports."""
    with suppress(OSError, TypeError, ValueError, LookupError, AttributeError, RecursionError):
        if found := json.loads(manifest.read_bytes()).get(part):
            yield name, Head(int(found["sequence"]), str(found["sha256"]))


@app.command("bind")
def bind(why: Annotated[str, typer.Option(help="Why: moved, restored from which backup.")]) -> None:
    """Bind the data folder and its ledger anew, after one of them was moved or restored on purpose; who is recorded."""
    settings = Settings()
    with exclusive_run(settings.data_dir):
        ledger = open_ledger(settings, is_bound=False)
        folder_id = bind_again(ledger, settings.data_dir, operator(), why)
    show.console.print(f"bound {show.safe(settings.data_dir)} and {show.safe(repr(ledger.url))}: id {folder_id}")


@app.command("show")
def show_journal(as_json: Json = False) -> None:
    """Print the journal: what was landed, decided, published and sent, each entry with its hash."""
    rows = entries(open_ledger(Settings()))
    if as_json:
        show.show_json(rows)
        return
    zone = Settings().zone
    rows = [{**row, "at": local(row["at"], zone), "what": _short(row["content"])} for row in rows]
    show.show_rows("Journal 账本", rows, (("no", "sequence"), "at", "kind", "what", "sha256"))


def _short(content: dict[str, object]) -> str:
    """Its facts by name, whose they are first; the hashes among them, and all after the sixth, are in `--json`."""
    named = sorted(content, key=lambda name: name not in ("source", "dataset", "recipient", "edition_id"))
    told = [f"{name} {content[name]}" for name in named if content[name] is not None and "sha256" not in name]
    return ", ".join(told[:6])
