"""`jifen programme`: which products, policies and rewards there are, and what each says of an enterprise."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.command import Json, fail, new_group
from cli.score import place, show_problems
from connectors.uscc import tidy
from editions.changes import changes
from editions.places import read_current, require_edition
from editions.programme import SEEDS, programme_problems
from editions.score.ruleset import csv_rows
from editions.sealed_tables import SealedReader
from ledger.data_folder import data_folder
from ledger.publications import current_id, edition_row
from ledger.settings import Settings
from ledger.store import open_ledger

app = new_group()
KINDS = {"product": "products", "policy": "policies", "reward": "rewards"}
ITEM = ("kind", "item_id", "version", "name_zh", "name_en", "valid_from", "valid_to", "provenance")
SAID = {
    "product_offers": (
        "product_id",
        "version",
        "bank",
        "decision",
        "limit_fen",
        "rate_pct",
        "failing_zh",
        "gap",
        "closes_on",
    ),
    "policy_decisions": (
        "policy_id",
        "version",
        "decision",
        "claim_state",
        "confirm_by",
        "failing_zh",
        "gap",
        "closes_on",
    ),
    "reward_places": ("reward_id", "version", "stage", "place", "places", "state"),
    "restrictions": ("measure_id", "name_zh", "document_no", "issuing_body", "starts_on", "ends_on", "is_restricting"),
}
"""What is shown of an enterprise, by table of the edition."""


@app.command("list")
def list_items(as_json: Json = False) -> None:
    """List the project's products, policies and rewards, each version with its days."""
    seeds = place().dbt_project / SEEDS
    rows = [
        {"kind": kind, "item_id": row[f"{kind}_id"], **{name: row[name] for name in ITEM[2:]}}
        for kind, seed in KINDS.items()
        for row in csv_rows(seeds / f"{seed}.csv")
    ]
    if as_json:
        show.show_json(rows)
    else:
        show.show_table("Programme 应用事项", ITEM, [tuple(row.values()) for row in rows], whole=("item_id",))


@app.command("check")
def check(
    parameters: Annotated[
        Path | None, typer.Option(help="A folder of the same files; the project's own otherwise.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check products, policies, rewards and measures, and name every row that cannot be decided by.

    Exit code 0: none. 2: some; nothing is built with them.
    """
    problems = [asdict(one) for one in programme_problems(place().dbt_project, parameters)]
    if as_json:
        show.show_json({"problems": problems})
    else:
        show_problems(problems)
        show.console.print(f"[red]{len(problems)} problems[/]" if problems else "[green]sound[/]")
    raise typer.Exit(2 if problems else 0)


@app.command("changes")
def show_changes(
    since: Annotated[str | None, typer.Option(help="The edition to compare with; the one before otherwise.")] = None,
    edition: Annotated[str | None, typer.Option(help="An edition; the current one otherwise.")] = None,
    as_json: Json = False,
) -> None:
    """Show whose grades, lists, products, policies and rewards differ from an earlier edition: newly and no longer."""
    ledger, data_dir = open_ledger(Settings()), data_folder()
    wanted = edition or current_id(ledger)
    row = edition_row(ledger, wanted) if wanted else None
    if row is None:
        fail(f"no edition {wanted or ''} here. Next: jifen edition list", "not_found")
    before = since or row["supersedes"]
    if before is None:
        fail(f"edition {wanted} has none before it. Next: give one with --since", "not_found")
    found = changes(require_edition(data_dir, before), require_edition(data_dir, row["edition_id"]))
    if as_json:
        show.show_json({"edition_id": row["edition_id"], "since": before, "changes": found})
    else:
        columns = ("table", "uscc", "item", "fact", "kind", "was", "is_now")
        title = f"Changes since {before} 变化"
        show.show_table(title, columns, [tuple(one[name] for name in columns) for one in found], whole=("uscc",))


@app.command("show")
def show_enterprise(
    uscc: Annotated[str, typer.Argument(help="Unified social credit code 统一社会信用代码.")],
    edition: Annotated[str | None, typer.Option(help="An edition; the current one otherwise.")] = None,
    as_json: Json = False,
) -> None:
    """Show what every product, policy and reward says of an enterprise, what it lacks, and what restricts it."""
    data_dir, code = data_folder(), tidy(uscc)
    wanted = edition or read_current(data_dir)
    if wanted is None:
        fail(f"no edition is published in {data_dir} yet. Next: jifen run", "not_found")
    path = require_edition(data_dir, wanted)
    with SealedReader() as reader:
        tables = reader.of(path)
        if tables.first("enterprises", uscc=code) is None:
            fail(f"edition {wanted} has no enterprise {code}. Next: jifen explain {code}", "not_found")
        said = {table: tables.needed(table, uscc=code) for table in SAID}
        said["failed_conditions"] = tables.needed("failed_conditions", uscc=code)
    if as_json:
        show.show_json({"edition_id": wanted, "uscc": code, **said})
        return
    for table, columns in SAID.items():
        show.show_table(table, columns, [tuple(row[name] for name in columns) for row in said[table]])
