"""`jifen receive`: the bank's end of a delivery."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import show
from cli.command import Json, misused


def receive(
    packages: Annotated[list[Path], typer.Argument(help="Packages as they came, in any order.", exists=True)],
    into: Annotated[Path, typer.Option(help="The folder that they are loaded into.")],
    as_recipient: Annotated[str, typer.Option("--as", help="Who we are: the recipient that the packages name.")],
    key: Annotated[Path | None, typer.Option(help="Our secret key file (OpenPGP, age or 国密), of mode 0600.")] = None,
    sender: Annotated[Path | None, typer.Option(help="The sender's public keys, in one file.")] = None,
    unsealed: Annotated[bool, typer.Option("--unsealed", help="Take packages that are not sealed.")] = False,
    first: Annotated[bool, typer.Option("--first", help="Begin with the number that comes, whatever it is.")] = False,
    ack: Annotated[Path | None, typer.Option(help="Write an answer for each package into this folder.")] = None,
    as_json: Json = False,
) -> None:
    """Open packages, verify signature, sums and number, and load their rows once, whatever ends the process.

    A package that was loaded before is known and skipped. One that is damaged, not by the known sender, not for us or
    out of order is refused and nothing of it is loaded: exit code 1. A later one that does not need it is loaded.
    """
    from flows.receive import Keys, ReceiveError, write_ack
    from flows.receive import receive as load

    if (key is None or sender is None) != unsealed:
        misused("name --key and --sender, or --unsealed where packages come unsealed")
    keys = Keys(key, sender) if key is not None and sender is not None else None
    lines: list[dict[str, Any]] = []
    # Names sort by date and number.
    for place, package in enumerate(sorted(packages, key=lambda path: path.name)):
        try:
            received = load(package, into, as_recipient, keys, is_first=first and place == 0)
        except ReceiveError as error:
            lines.append({"package": package.name, "state": error.state, "message": str(error)})
            continue
        if ack is not None:
            write_ack(received, ack, as_recipient, "accepted")
        lines.append(asdict(received))
    columns = ("package", "state", "number", "rows", "dropped", "message")
    show.show_rows("Received 接收", lines, columns, as_json, whole=("package",))
    if any(line["state"] == ReceiveError.state for line in lines):
        raise typer.Exit(1)
