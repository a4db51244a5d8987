"""`jifen simulate`: what a proposed rule set or proposed parameters would change, before they are decided on."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.command import Json, day_option
from flows.simulate import simulate as simulate_day
from ledger.settings import Settings

SHOWN = (
    "field",
    "value",
    "enterprises",
    "gains",
    "loses",
    "unchanged",
    "enters",
    "leaves",
    "unranked",
    "places_gained",
)
MOVES = ("gains", "loses", "enters", "leaves")
TITLES = {"items": "准入变化 Items opened and closed", "money": "金额（分） Money in fen"}


def simulate(
    out: Annotated[Path, typer.Option(help="The folder to write; it may not be there yet.")],
    ruleset: Annotated[Path | None, typer.Option(help="A folder of a rule set (docs/rule-sets.md).")] = None,
    parameters: Annotated[
        Path | None, typer.Option(help="A folder of files of seeds/programme, each whole: it replaces the project's.")
    ] = None,
    as_of: Annotated[date | None, day_option("The business date; the current edition's otherwise.")] = None,
    as_json: Json = False,
) -> None:
    """Score and decide a day by proposed rules beside today's: who gains, who loses, what opens, closes and costs.

    Writes tables, a page and a record with hashes; no edition. Exit code 1: it cannot be built as it stands.
    """
    with show.errors.status("jifen simulate"):
        found = simulate_day(Settings(), out, ruleset=ruleset, parameters=parameters, as_of=as_of)
    if as_json:
        show.show_json({"out": str(out.resolve()), **{name: found[name] for name in found if name != "enterprises"}})
        return
    moved = [row for row in found["groups"] if row["field"] == "zone" or any(row[name] for name in MOVES)]
    show.show_rows("得失 Who gains, who loses", moved, SHOWN)
    show.console.print(f"{len(found['groups']) - len(moved)} groups in which no enterprise moves are in groups.csv")
    for table, title in TITLES.items():
        if rows := found[table]:
            show.show_rows(title, rows, list(rows[0]))
    show.console.print(show.safe(f"written 已写入: {out}; page.html has all of it"))
