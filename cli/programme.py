"""`jifen programme`: the products, policies and rewards, and what each decides for an enterprise."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import show
from cli.command import EditionOption, Json, edition_asked, fail, new_group
from cli.score import end_with_problems, place
from connectors.uscc import tidy
from editions.changes import changes
from editions.places import read_current, require_edition
from editions.programme import SEEDS, programme_problems
from editions.programme_page import programme_page
from editions.score.ruleset import csv_rows
from editions.sealed_tables import SealedReader
from flows.texts import plain
from ledger.data_folder import data_folder
from ledger.publications import publication_rows
from ledger.settings import Settings
from ledger.store import open_ledger

app = new_group()
KINDS = {"product": "products", "policy": "policies", "reward": "rewards"}
ITEM = ("kind", "item_id", "version", "name_zh", "name_en", "valid_from", "valid_to", "provenance")
SHOWN = {
    "product_offers": (
        "信贷产品 Loan products",
        (
            "product_id",
            "bank",
            "decision",
            "limit_cny",
            "rate_pct",
            "stands_until",
            ("failing", "{failing_zh} {failing_en}"),
            "gap",
        ),
    ),
    "policy_decisions": (
        "政策 Policies",
        (
            "policy_id",
            "decision",
            "claim_state",
            "is_listed",
            "said_state",
            "confirm_by",
            ("failing", "{failing_zh} {failing_en}"),
            "gap",
        ),
    ),
    "need_states": (
        "融资需求 Needs",
        ("need_no", "posted_on", "amount_cny", "state_zh", "state_en", "since", "bank", "reject_reason", "last_day"),
    ),
    "need_offers": (
        "需求匹配 Offers of needs",
        (
            "need_no",
            "product_id",
            "bank",
            "fit",
            "place",
            "limit_cny",
            "rate_pct",
            "answer_days",
            ("failing", "{failing} {barred_zh} {barred_en}"),
            "gap",
        ),
    ),
    "bank_answers": (
        "银行应答 Answers of banks",
        ("need_no", "bank", "matched_on", "due_on", "answered_on", "working_days", "state"),
    ),
    "reward_places": ("荣誉与优先 Rewards", ("reward_id", "stage", "place", "places", "state")),
    "restrictions": (
        "惩戒措施 Restrictions",
        ("measure_id", "name_zh", "document_no", "issuing_body", "starts_on", "ends_on", "is_restricting"),
    ),
    "failed_conditions": (
        "所缺条件 Conditions that do not hold",
        ("item_id", ("condition", "{text_zh} {text_en}"), "has", "gap", "closes_on"),
    ),
}
"""What is shown of an enterprise, by table of the edition: the title, and the columns."""
WHOLE = ("product_id", "policy_id", "item_id", "need_no")
GAPS = {
    "not_eligible": "condition_gap",
    "amount": "amount_gap_cny",
    "term": "term_gap_months",
    "rate": "rate_gap_pct",
    "collateral": "collateral_missing",
}
"""The column with the gap of an offer, by what fails first."""
MARKET = ("need_states", "need_offers", "bank_answers")


@app.command("list")
def list_items(as_json: Json = False) -> None:
    """List the project's products, policies and rewards, each version with its days."""
    seeds = place().dbt_project / SEEDS
    rows = [
        {"kind": kind, "item_id": row[f"{kind}_id"], **{name: row[name] for name in ITEM[2:]}}
        for kind, seed in KINDS.items()
        for row in csv_rows(seeds / f"{seed}.csv")
    ]
    show.show_rows("Programme 应用事项", rows, ITEM, as_json, whole=("item_id",))


@app.command("check")
def check(
    parameters: Annotated[
        Path | None,
        typer.Option(help="A folder of such files, each whole: it replaces the project's. None: the project's own."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check products, policies, rewards and measures, and list every invalid row.

    Exit code 0: none. 2: some; nothing is built with them.
    """
    end_with_problems(programme_problems(place().dbt_project, parameters), as_json)


@app.command("changes")
def show_changes(
    since: Annotated[str | None, typer.Option(help="The edition to compare with; the one before otherwise.")] = None,
    edition: EditionOption = None,
    as_json: Json = False,
) -> None:
    """Show the grades, lists, products, policies and rewards gained or lost since an earlier edition."""
    ledger, data_dir = open_ledger(Settings()), data_folder()
    wanted = edition_asked(ledger, edition)["edition_id"]
    published = (row for row in publication_rows(ledger) if row["edition_id"] == wanted)
    before = since or next((row["supersedes"] for row in published), None)
    if before is None:
        fail(f"edition {wanted} has none before it. Next: give one with --since", "not_found")
    found = changes(require_edition(data_dir, before), require_edition(data_dir, wanted))
    if as_json:
        show.show_json({"edition_id": wanted, "since": before, "changes": found})
    else:
        columns = ("table", "uscc", "item", "fact", "kind", "was", "is_now")
        show.show_rows(f"Changes since {before} 变化", found, columns, whole=("uscc",))


@app.command("page")
def write_page(
    out: Annotated[Path, typer.Option(help="The HTML file to write; it may not be there yet.")],
    edition: EditionOption = None,
) -> None:
    """Write the programme's figures of an edition as one page of charts: no server, no script, and it prints."""
    wanted = edition_asked(open_ledger(Settings()), edition)["edition_id"]
    written = programme_page(require_edition(data_folder(), wanted))
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(written)
    except FileExistsError:
        fail(f"{out} is there already. Next: give another file with --out", "exists")
    show.console.print(f"written 已写入: {show.safe(str(out))}")


@app.command("show")
def show_enterprise(
    uscc: Annotated[str, typer.Argument(help="Unified social credit code 统一社会信用代码.")],
    edition: EditionOption = None,
    as_json: Json = False,
) -> None:
    """Show what products, policies and rewards decide for an enterprise, its needs, its offers and its restrictions."""
    data_dir, code = data_folder(), tidy(uscc)
    wanted = edition or read_current(data_dir)
    if wanted is None:
        fail(f"no edition is published in {data_dir} yet. Next: jifen run", "not_found")
    path = require_edition(data_dir, wanted)
    with SealedReader() as reader:
        tables = reader.of(path)
        enterprise = tables.first("enterprises", uscc=code)
        if enterprise is None:
            fail(f"edition {wanted} has no enterprise {code}. Next: jifen explain {code} says why", "not_found")
        # An edition from before the supermarket is shown without it.
        found = {
            table: tables.rows(table, uscc=code) or [] if table in MARKET else tables.needed(table, uscc=code)
            for table in SHOWN
        }
    if as_json:
        show.show_json({"edition_id": wanted, "uscc": code, **found})
        return
    show.console.print(
        f"{show.safe(enterprise['enterprise_name'])} {show.safe(code)}, edition {show.safe(wanted)}", style="bold"
    )
    for_people(found)
    for table, (title, columns) in SHOWN.items():
        if found[table]:
            show.show_rows(title, found[table], columns, whole=WHOLE)
        else:
            show.console.print(f"[bold]{show.safe(title)}[/] 无 none")


def for_people(found: dict[str, list[dict[str, Any]]]) -> None:
    """Yuan in place of fen, a gap without idle zeros, and what the enterprise has beside each condition that fails."""
    for row in (*found["product_offers"], *found["need_offers"]):
        row["limit_cny"] = _yuan(row["limit_fen"])
    for row in found["need_states"]:
        row["amount_cny"] = _yuan(row["amount_fen"])
    for row in found["need_offers"]:
        row["amount_gap_cny"] = _yuan(row["amount_gap_fen"])
        row["gap"] = row.get(GAPS.get(row["failing"], ""))
    found["need_offers"].sort(
        key=lambda row: (row["need_no"], row["place"] or len(found["need_offers"]), row["product_id"])
    )
    for row in found["failed_conditions"]:
        row["has"] = "未知 not known" if row["is_not_known"] else row["text"] or _plain(row["number"])
    for rows in found.values():
        for row in rows:
            row.update(
                {
                    name: ""
                    for name in ("failing", "failing_zh", "failing_en", "barred_zh", "barred_en")
                    if name in row and row[name] is None
                }
            )
            if "gap" in row:
                row["gap"] = _plain(row["gap"])


def _yuan(fen: int | None) -> Decimal | None:
    """Exact: fen have two decimals of a yuan."""
    return None if fen is None else Decimal(fen).scaleb(-2)


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, Decimal) else value
