"""`jifen backup` and `jifen restore`: the ledger and the data folder of one moment, there and back."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.command import Json, operator
from flows.backup import Backup, back_up, check
from flows.backup import restore as restored
from ledger.settings import Settings


def backup(
    place: Annotated[Path, typer.Argument(help="Where backups are kept: another disk, best of another machine.")],
    as_json: Json = False,
) -> None:
    """Keep the ledger and the data folder as they stand now; what the place has already is not copied again."""
    _show("kept", back_up(Settings(), place), as_json)


def restore(
    place: Annotated[Path, typer.Argument(help="Where the backups are.")],
    name: Annotated[str | None, typer.Option("--backup", help="The name of one; the newest otherwise.")] = None,
    only_check: Annotated[
        bool, typer.Option("--check", help="Compare every file with its hash, and restore nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the data folder and its ledger from a backup, every file checked; what stands there already is refused."""
    if only_check:
        _show("whole", check(place, name), as_json)
    else:
        _show("restored", restored(Settings(), place, operator(), name), as_json)


def _show(what: str, found: Backup, as_json: bool) -> None:
    if as_json:
        show.show_json({"state": what, **asdict(found)})
        return
    new = f", of which {found.new_files} with {found.new_bytes / 1e6:,.1f} MB are new here" if what == "kept" else ""
    text = f"{found.name}: {found.files} files, {found.bytes / 1e6:,.1f} MB{new}"
    show.console.print(f"[green]{what}[/] {show.safe(text)}")
