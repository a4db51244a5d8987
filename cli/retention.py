"""`jifen retention`: what the data folder holds by kind, what the policy lets go, and dropping it."""

from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.command import Json, operator
from flows.retention import SHIPPED, apply, plan, read_policy
from ledger.settings import Settings

MB = 1_000_000


def retention(
    is_applied: Annotated[bool, typer.Option("--apply/--plan", help="Drop it; without it the plan is shown.")] = False,
    policy: Annotated[Path, typer.Option(help="Another policy than the shipped one.")] = SHIPPED,
    as_json: Json = False,
) -> None:
    """Show the space by kind before and after the policy, and with --apply drop what it lets go."""
    settings, asked = Settings(), read_policy(policy)
    found = apply(settings, asked, operator()) if is_applied else plan(settings, asked)
    if as_json:
        names = ("kind", "files", "bytes", "what", "going_bytes")
        kinds = [{name: getattr(one, name) for name in names} for one in found]
        show.show_json({"applied": is_applied, "kinds": kinds})
        return
    rows = [
        {
            "kind": one.kind,
            "files": one.files,
            "MB": f"{one.bytes / MB:,.1f}",
            "going": len(one.what),
            "MB after": f"{(one.bytes - one.going_bytes) / MB:,.1f}",
        }
        for one in found
    ]
    show.show_rows("Retention 保留", rows, ("kind", "files", "MB", "going", "MB after"))
    for one in found:
        if one.kind == "editions" and one.what:
            show.console.print(show.safe(f"editions whose tables go: {', '.join(one.what)}"))
    ended = f"dropped by {policy}"
    if not is_applied:
        goes = any(one.what for one in found)
        ended = f"{policy} would drop this. Next: jifen retention --apply" if goes else f"{policy} lets nothing go yet"
    show.console.print(show.safe(ended))
