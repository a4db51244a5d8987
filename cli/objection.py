"""`jifen objection`: what enterprises object to in an edition, until when it is decided, and how."""

from datetime import date
from typing import Annotated

import typer

from cli import show
from cli.command import (
    EditionOption,
    Json,
    day_of_step,
    day_option,
    edition_asked,
    misused,
    new_group,
    operator,
    text_given,
)
from editions.explain import explain
from editions.places import require_edition
from editions.public_lists import decide_days_on
from ledger.objections import REJECTED, UPHELD, close_objection, decide_objection, objection_rows, open_objection
from ledger.publications import edition_row
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import open_ledger

app = new_group()

ObjectionId = Annotated[str, typer.Argument(help="An objection, as `jifen objection list` names it.")]
Day = Annotated[date | None, day_option("The day on which it happened; today otherwise.", "--on")]
COLUMNS = (("objection", "objection_id"), "state", "uscc", ("edition", "edition_id"), ("due", "due_on"), "what", "why")


@app.command("open")
def open_one(
    uscc: Annotated[str, typer.Argument(help="Unified social credit code of the enterprise.")],
    what: Annotated[str, typer.Option("--what", help="What it objects to; no personal data.")],
    edition: EditionOption = None,
    on: Day = None,
    as_json: Json = False,
) -> None:
    """Write an objection of an enterprise down; it is to be decided within the days of the list in force, or 20."""
    settings = Settings()
    ledger = open_ledger(settings)
    row = edition_asked(ledger, edition)
    what = text_given(what, "--what", "say what is objected to")
    found = explain(require_edition(settings.data_dir, row["edition_id"]), uscc, with_records=False)
    day = day_of_step(settings, on)
    days = decide_days_on(PROJECT_DIR / "dbt_project", date.fromisoformat(row["as_of"]))
    code = str(found.enterprise["uscc"])
    made = open_objection(ledger, row["edition_id"], code, what, day, days, operator())
    decide = f"jifen objection decide {made['objection_id']} --uphold --why TEXT (or --reject)"
    text = f"objection {made['objection_id']} is to be decided by {made['due_on']}. Next: {decide}"
    show.show_done(made, text, as_json)


@app.command("decide")
def decide_one(
    objection: ObjectionId,
    why: Annotated[str, typer.Option("--why", help="The reasons, in the words that the enterprise gets.")],
    uphold: Annotated[bool, typer.Option("--uphold/--reject", help="Whether it is right.")],
    on: Day = None,
    as_json: Json = False,
) -> None:
    """Uphold or reject an objection. An upheld one is then corrected by an edition of its own."""
    settings = Settings()
    why = text_given(why)
    decision = UPHELD if uphold else REJECTED
    made = decide_objection(open_ledger(settings), objection, decision, why, day_of_step(settings, on), operator())
    following = f"jifen objection close {objection}"
    if uphold:
        correct = f"have the facts or rules corrected, jifen edition correct {made['edition_id']} --why TEXT"
        following = f"{correct}, then {following} --correction ID"
    show.show_done(made, f"objection {objection} is {decision}. Next: {following}", as_json)


@app.command("close")
def close_one(
    objection: ObjectionId,
    correction: Annotated[str | None, typer.Option(help="The edition that corrects it, where it was upheld.")] = None,
    on: Day = None,
    as_json: Json = False,
) -> None:
    """Close a decided objection, once the enterprise was informed."""
    settings = Settings()
    ledger = open_ledger(settings)
    if correction is not None and edition_row(ledger, correction) is None:
        misused(f"no edition {correction} here")
    made = close_objection(ledger, objection, day_of_step(settings, on), operator(), correction)
    show.show_done(made, f"objection {objection} is closed", as_json)


@app.command("list")
def list_all(
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False, as_json: Json = False
) -> None:
    """List the objections that are not closed, those due first."""
    settings = Settings()
    rows = objection_rows(open_ledger(settings), day_of_step(settings, None), is_open=not everything)
    show.show_rows("Objections 异议", rows, COLUMNS, as_json, whole=("objection", "uscc"))
