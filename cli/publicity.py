"""`jifen publicity`: putting an edition's list up in public 公示, and making it final."""

from datetime import date
from typing import Annotated

import typer

from cli import show
from cli.command import EditionArgument, Json, day_of_step, day_option, edition_asked, new_group, operator
from editions.places import require_edition
from editions.public_lists import terms_on
from ledger.objections import close_publicity, open_publicity, publicity_rows
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import open_ledger

app = new_group()

ListId = Annotated[str | None, typer.Option("--list", help="The list, where several are in force.")]
Day = Annotated[date | None, day_option("The day on which it happens; today otherwise.", "--on")]


@app.command("open")
def open_list(edition: EditionArgument = None, list_id: ListId = None, on: Day = None, as_json: Json = False) -> None:
    """Put the list of an edition up in public for its days; its table is `public_list` of that edition."""
    settings = Settings()
    ledger = open_ledger(settings)
    row = edition_asked(ledger, edition)
    terms = terms_on(PROJECT_DIR / "dbt_project", date.fromisoformat(row["as_of"]), list_id)
    path = require_edition(settings.data_dir, row["edition_id"]) / "tables" / "public_list.csv"
    day = day_of_step(settings, on)
    made = open_publicity(ledger, row["edition_id"], terms.list_id, day, terms.publicity_days, operator())
    text = f"list {terms.list_id} of edition {row['edition_id']} is in public until {made['until']}: {path}"
    show.show_done({**made, "file": str(path)}, text, as_json)


@app.command("close")
def close_list(edition: EditionArgument = None, list_id: ListId = None, on: Day = None, as_json: Json = False) -> None:
    """Make a list final: its days are over, and every objection to its edition is decided."""
    settings = Settings()
    ledger = open_ledger(settings)
    row = edition_asked(ledger, edition)
    terms = terms_on(PROJECT_DIR / "dbt_project", date.fromisoformat(row["as_of"]), list_id)
    day = day_of_step(settings, on)
    made = close_publicity(ledger, row["edition_id"], terms.list_id, day, operator())
    show.show_done(made, f"list {terms.list_id} of edition {row['edition_id']} is final", as_json)


@app.command("list")
def list_all(as_json: Json = False) -> None:
    """List what is or was in public."""
    columns = (("list", "list_id"), ("edition", "edition_id"), ("from", "opened_on"), "until", ("final", "closed_on"))
    show.show_rows("Publicity 公示", publicity_rows(open_ledger(Settings())), columns, as_json)
