"""`jifen returns`: which return files were written for whom, and what one of them says."""

import json
from typing import Annotated, Any

import typer

from cli import show
from cli.command import Json, misused, new_group, operator
from ledger.publications import give_up
from ledger.returns import return_rows
from ledger.runs import exclusive_run
from ledger.settings import Settings
from ledger.store import open_ledger
from ledger.tables import returns

app = new_group()

ReturnId = Annotated[str, typer.Argument(help="A return, as 2025-06-30.bank_a.")]

SUMS = ("received", "accepted", "refused")
"""What the ledger sums up. Duplicates are not their difference: what was not counted is left out of two of them."""


@app.command("list")
def list_returns(
    source: Annotated[str | None, typer.Option(help="Returns to this source.")] = None, as_json: Json = False
) -> None:
    """List every return file, newest night first: what was received and refused, and whether it arrived."""
    rows = return_rows(open_ledger(Settings()), source)
    columns = (("return", "return_id"), "state", "recipient", *SUMS, ("error", "last_error"))
    show.show_rows("Returns 回执", rows, columns, as_json)


@app.command("show")
def show_return(return_id: ReturnId, as_json: Json = False) -> None:
    """Show one return: where its file stands, its control totals, every page with its hash; as JSON its manifest."""
    settings = Settings()
    row = next((row for row in return_rows(open_ledger(settings)) if row["return_id"] == return_id), None)
    if row is None:
        misused(f"no return {return_id}. Next: jifen returns list")
    path = settings.data_dir / "returns" / row["file_name"]
    manifest: dict[str, Any] = json.loads(path.with_name(f"{path.name}.manifest.json").read_bytes())
    if as_json:
        show.show_json({"path": str(path), "state": row["state"], **manifest})
        return
    names = ("return_id", "state", "recipient", "sent_at", "last_error")
    facts = {name: row[name] for name in names} | {"file": path, "sha256": manifest["sha256"]}
    show.show_facts(facts.items(), settings.zone)
    datasets = manifest["datasets"]
    show.show_rows(
        "Datasets 数据集", datasets, ("dataset", "state", *SUMS, "duplicates", "discarded", "repaired", "message")
    )
    pages = [{**page, "dataset": one["dataset"]} for one in datasets for page in one["pages"]]
    show.show_rows("Pages 页", pages, ("dataset", "label", "records", "bytes", "sha256"))


@app.command("discard")
def discard(return_id: ReturnId, why: Annotated[str, typer.Option(help="The reason; it is kept.")]) -> None:
    """Give up sending a return, whose agency has no sink file any more. The file stays; the ledger keeps the reason."""
    settings = Settings()
    with exclusive_run(settings.data_dir):
        give_up(open_ledger(settings), returns, return_id, why, operator())
    show.console.print(f"{show.safe(return_id)} is not sent any more")
