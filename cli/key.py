"""`jifen key`: the key that signs editions."""

from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.command import Json, fail, new_group
from ledger.minisign import new_key, public_path_of, read_public_keys
from ledger.settings import Settings

app = new_group()


@app.command("new")
def new(
    path: Annotated[Path, typer.Argument(help="Where the secret key will stand; its public key stands beside it.")],
    as_json: Json = False,
) -> None:
    """Make a key. The secret file is yours alone (mode 0600) and has no password; an existing file is not replaced."""
    key = new_key(path.expanduser().absolute())
    row = {"key": key.name, "public": key.text, "secret_file": str(path), "public_file": str(public_path_of(path))}
    if as_json:
        show.show_json(row)
        return
    columns = ("key", ("public key", "public"), ("secret file", "secret_file"), ("public file", "public_file"))
    show.show_rows("Key 密钥", [row], columns, whole=("public key",))
    show.console.print(
        show.safe(
            f"Next: back the file up; to sign editions set JIFEN_SIGNING_KEY_FILE={path.expanduser().absolute()}; "
            "to sign overrides have the public key added to the file that JIFEN_APPROVERS_FILE names"
        )
    )


@app.command("show")
def show_key(as_json: Json = False) -> None:
    """Show the public keys that editions are checked with: what a bank needs for `minisign -V -P`."""
    file = Settings().known_keys_file
    if file is None:
        fail("no key is set, so editions are not signed. Whose: config. Next: jifen key new PATH", "not_found")
    keys = [{"key": key.name, "public": key.text} for key in read_public_keys(file)]
    show.show_rows(f"Public keys 公钥 ({file})", keys, ("key", "public"), as_json, whole=("public",))
