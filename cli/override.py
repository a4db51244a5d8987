"""`jifen override`: two people let an edition pass in spite of a check, for a few days and with a reason."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.command import Json, day_option, new_group, open_installation, require_known
from expectations.suites import SUITES, load_suites
from ledger.minisign import read_secret_key
from ledger.overrides import PEOPLE, Override, ask, overrides, read_approvers, sign_override
from ledger.settings import Settings
from ledger.store import open_ledger

app = new_group()
COLUMNS = ("override_id", "checks", "why", "asked_on", "until", ("signed by", "signed_by"))


@app.command("ask")
def ask_for(
    checks: Annotated[list[str], typer.Argument(help="Checks as table.check, from `jifen status` or the gate's page.")],
    why: Annotated[str, typer.Option(help="Why the edition may be published in spite of them.")],
    until: Annotated[date, day_option("The last business date that it counts for.", "--until")],
    as_of: Annotated[date | None, day_option("The first one; today otherwise.", "--as-of")] = None,
    as_json: Json = False,
) -> None:
    """Request an override. It has no effect until two people have signed it."""
    here = open_installation()
    suites, _ = load_suites(SUITES, ())
    require_known("check", checks, (f"{suite.table}.{one.name}" for suite in suites for one in suite.checks))
    override_id = ask(here.ledger, checks, why, as_of or here.settings.today, until)
    text = f"{override_id} is requested. Next: {PEOPLE} people each: jifen override sign {override_id} --key FILE"
    show.show_done({"override_id": override_id}, text, as_json)


@app.command("sign")
def sign(
    override_id: Annotated[str, typer.Argument(help="From `jifen override list`.")],
    key: Annotated[Path, typer.Option(help="Your own secret key (`jifen key new`).")],
    as_json: Json = False,
) -> None:
    """Sign an override with your own key. Read what it says first: `jifen override list`."""
    settings = Settings()
    approvers = read_approvers(settings.approvers_file)
    signed = sign_override(open_ledger(settings), override_id, read_secret_key(key), approvers)
    _show([signed], as_json)


@app.command("list")
def list_overrides(as_json: Json = False) -> None:
    """List every override that was requested, and the approvers whose signature holds."""
    settings = Settings()
    _show(overrides(open_ledger(settings), read_approvers(settings.approvers_file)), as_json)


def _show(found: list[Override], as_json: bool) -> None:
    rows = [one.as_dict() for one in found]
    show.show_rows("Overrides 闸门豁免", rows, COLUMNS, as_json, whole=("override_id",))
