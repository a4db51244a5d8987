"""`jifen recall`: have a recipient drop rows that it should not hold."""

from typing import Annotated

import typer

from cli import show
from cli.command import Json, fail, misused, operator
from connectors.uscc import fault, tidy
from flows.redeliver import recall as send_recall
from ledger.settings import Settings


def recall(
    recipient: Annotated[str, typer.Argument(help="Who holds the rows: the name of its sink file.")],
    codes: Annotated[list[str], typer.Argument(help="Unified social credit codes.")],
    why: Annotated[str, typer.Option(help="The reason, which the recipient reads.")],
    as_json: Json = False,
) -> None:
    """Send a message that names rows to drop, at once; it has a number of its own in the recipient's stream.

    The next delivery holds those enterprises again where consent stands and their facts were corrected.
    """
    named = sorted({tidy(code) for code in codes})
    if wrong := [f"{code} ({reason})" for code in named if (reason := fault(code))]:
        misused(f"no unified social credit code: {', '.join(wrong)}. Nothing was sent")
    row = send_recall(Settings(), recipient, named, why, operator())
    if row["state"] != "sent":
        fail(f"{row['delivery_id']} is not delivered yet and goes with the next night: {row['last_error']}")
    show.show_done(row, f"{row['delivery_id']} sent: {len(named)} enterprises recalled", as_json)
