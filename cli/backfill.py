"""`jifen backfill`: the editions of past days that have none."""

from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from cli import show
from cli.command import Json, day_option
from flows.backfill import DUE, GOOD, build_days, days_between
from ledger.settings import Settings


def backfill(
    first: Annotated[date, day_option("The first business date.", "--from")],
    last: Annotated[date, day_option("The last business date.", "--to")],
    only_plan: Annotated[bool, typer.Option("--plan", help="Say what would be built, and build nothing.")] = False,
    keep_going: Annotated[bool, typer.Option("--continue", help="Go on with the next day where one fails.")] = False,
    as_json: Json = False,
) -> None:
    """Build an edition of each past day that has none, newest first, beside the current one. Sends nothing.

    What is built already is skipped, so it may be called again. Exit code: that of the first day that failed.
    """
    settings = Settings()
    days = days_between(settings, first, last)
    due = sum(one.state == DUE for one in days)
    if not as_json:
        rows = [{**asdict(one), "day": one.day.isoformat()} for one in days]
        show.show_rows("Past days 往日", rows, ("day", "state", ("edition", "edition_id"), "why"))
        show.console.print(f"{due} of {len(days)} days are due")
    ended = []
    if not only_plan:
        for day, outcome in build_days(settings, days, keep_going=keep_going):
            ended.append((day, outcome))
            if not as_json:
                show.console.print(f"{day} {show.coloured(outcome.state)} {show.safe(outcome.message)}")
    if as_json:
        results = {day: {"state": outcome.state, "message": outcome.message} for day, outcome in ended}
        show.show_json([{**asdict(one), "day": one.day.isoformat(), **results.get(one.day, {})} for one in days])
    failed = [outcome.exit_code for _, outcome in ended if outcome.state not in GOOD]
    raise typer.Exit(failed[0] if failed else 0)
