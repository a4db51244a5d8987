"""`jifen deliveries`: the packages, each with recipient and number, and their acknowledgements."""

from typing import Annotated

import typer

from cli import show
from cli.command import Json, misused, new_group, operator
from flows.packages import kept_folder, kept_manifest
from flows.redeliver import redeliver
from ledger.deliveries import acknowledge, delivery_row, delivery_rows
from ledger.publications import give_up
from ledger.runs import exclusive_run
from ledger.settings import Settings
from ledger.store import open_ledger
from ledger.tables import deliveries

app = new_group()

Delivery = Annotated[str, typer.Argument(help="A delivery, as bank_a.7.")]


@app.command("list")
def list_deliveries(
    recipient: Annotated[str | None, typer.Option(help="Deliveries to this recipient.")] = None, as_json: Json = False
) -> None:
    """List every delivery, newest first: number, day, whether it arrived, and what the recipient answered."""
    rows = delivery_rows(open_ledger(Settings()), recipient)
    answer = (("answer", "ack_state"), ("due", "ack_due_on"), ("error", "last_error"))
    columns = (("delivery", "delivery_id"), "kind", "state", "send_date", "rows", "denied", *answer)
    show.show_rows("Deliveries 交付", rows, columns, as_json)


@app.command("show")
def show_delivery(delivery_id: Delivery, as_json: Json = False) -> None:
    """Show one delivery: where its package is kept, and the manifest inside."""
    settings = Settings()
    row = delivery_row(open_ledger(settings), delivery_id)
    composed = row["manifest_sha256"] is not None
    path = str(kept_folder(settings.data_dir, row) / row["file_name"]) if composed else None
    manifest = kept_manifest(settings.data_dir, row) if composed else None
    if as_json:
        show.show_json({**row, "path": path, "manifest": manifest})
        return
    inside = {"purposes": ", ".join(manifest["purposes"]), "drops": manifest["drops"]["rows"]} if manifest else {}
    show.show_facts({**row, "path": path, **inside}.items(), settings.zone)
    if manifest:
        show.show_rows("Files 文件", manifest["files"], ("path", "rows", "bytes", "sha256"))


@app.command("redeliver")
def send_again(delivery_id: Delivery, as_json: Json = False) -> None:
    """Send a package again, byte for byte. Refused where consents or sink file of today allow less than it holds."""
    row = redeliver(Settings(), delivery_id, operator())
    show.show_done(row, f"{row['file_name']} was left with {row['recipient']} again", as_json)


@app.command("discard")
def discard(delivery_id: Delivery, why: Annotated[str, typer.Option(help="The reason; it is kept.")]) -> None:
    """Give up a package that was not sent yet: its recipient is gone, or must not get it. The ledger keeps it.

    A recipient that has a sink file is owed a package each day: the next run makes a new one.
    """
    settings = Settings()
    with exclusive_run(settings.data_dir):
        give_up(open_ledger(settings), deliveries, delivery_id, why, operator())
    show.console.print(f"{show.safe(delivery_id)} is given up")


@app.command("ack")
def acknowledged(
    delivery_id: Delivery,
    received: Annotated[bool, typer.Option("--received", help="They have it, and have not decided yet.")] = False,
    accepted: Annotated[bool, typer.Option("--accepted", help="They loaded it.")] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="They will not load it: say --why.")] = False,
    why: Annotated[str | None, typer.Option(help="The reason they gave.")] = None,
) -> None:
    """Write down an answer that came by telephone or mail."""
    answers = {"received": received, "accepted": accepted, "rejected": rejected}
    chosen = [state for state, is_it in answers.items() if is_it]
    if len(chosen) != 1 or (rejected and not why):
        misused("say one of --received, --accepted, --rejected; with --rejected the reason: --why")
    ledger = open_ledger(Settings())
    row = delivery_row(ledger, delivery_id)
    if row["state"] != "sent":
        misused(f"{delivery_id} is {row['state']}, so there is nothing to answer")
    is_new = acknowledge(ledger, delivery_id, chosen[0], why, operator())
    state = chosen[0] if is_new else f"{row['ack_state']}, as was known"
    show.console.print(f"{show.safe(delivery_id)} is {state}")
