"""`jifen identity`: names without one certain enterprise in the register; list, compare, decide. Nothing is guessed."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import show
from cli.command import (
    Installation,
    Json,
    date_of_decision,
    day_option,
    edition_asked,
    misused,
    new_group,
    open_installation,
    require_known,
)
from cli.explain import fault_of_code
from cli.identity_standing import Knowledge, knowledge_of, standing, waits
from connectors import uscc as codes
from connectors.errors import ConnectorError
from connectors.identity_decisions import (
    IdentityDecision,
    addresses,
    append_decision,
    contradicted,
    find_address,
    read_decisions,
)
from editions.places import require_edition
from editions.suggest import (
    CONTRADICTING,
    REASONS,
    OpenItem,
    Suggestion,
    business_date,
    codes_held,
    open_items,
    suggest,
)
from ledger.publications import current_id

app = new_group()

DECIDED = "; 已决定，待下次运行 decided, waits for the next night"
Most = Annotated[int, typer.Option("--most", min=1, max=20, help="How many enterprises to suggest for each name.")]
Address = Annotated[str, typer.Argument(metavar="SOURCE.DATASET", help="Where the name stands, as the list says.")]
Identifier = Annotated[str, typer.Argument(help="The name, number or code, exactly as the list gives it.")]
On = Annotated[
    date | None,
    day_option("The first business date whose night knows of it, today otherwise; records of any day count.", "--on"),
]


def _edition(here: Installation) -> Path:
    return require_edition(here.settings.data_dir, edition_asked(here.ledger, None)["edition_id"])


def _decisions(here: Installation) -> tuple[IdentityDecision, ...]:
    return read_decisions(here.settings.data_dir, here.sources)


@app.command("list")
def list_items(
    dataset: Annotated[str | None, typer.Option(help="Items of this dataset, as awards or science.awards.")] = None,
    reason: Annotated[str | None, typer.Option(help="Items open for this reason, as ambiguous.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Names to print: undecided first, then those with most records.")
    ] = 50,
    most: Most = 3,
    as_json: Json = False,
) -> None:
    """List names and codes that the current edition matched to no enterprise, each with its likeliest candidates."""
    here = open_installation()
    edition = _edition(here)
    every = open_items(edition)
    _require_known(here, every, dataset, reason)
    made = _decisions(here)
    knowledge = knowledge_of(edition, made)
    decided = {one for one in every if waits(one, made, knowledge)}
    items = [
        one
        for one in every
        if reason in (None, one.reason) and (dataset is None or dataset in (one.dataset, one.address))
    ]
    # What is left to decide comes first.
    items.sort(key=lambda one: one in decided)
    shown = items[:limit]
    pairs = zip(shown, suggest(edition, shown, most), strict=True)
    rows = [{**item_facts(one, some), "is_decided": one in decided} for one, some in pairs]
    if as_json:
        show.show_json(rows)
    elif not items:
        show.console.print("nothing is open")
    else:
        show_items(rows, len(items))
        first = items[0]
        decide_it = f"jifen identity decide {first.address} {show.safe(repr(first.identifier))}"
        follows = "jifen run" if first in decided else f"{decide_it} --uscc CODE | --nobody, --by WHO --why TEXT"
        show.console.print(f"Next: {follows}")


def _require_known(here: Installation, items: Sequence[OpenItem], dataset: str | None, reason: str | None) -> None:
    known = {*addresses(here.sources), *(one.address for one in items)}
    if dataset is not None and dataset not in known | {address.partition(".")[2] for address in known}:
        try:
            find_address(here.sources, dataset)
        except ConnectorError as error:
            misused(str(error))
    require_known("reason", [reason], (*REASONS, *(one.reason for one in items)))


@app.command("suggest")
def suggest_name(
    name: Annotated[str, typer.Argument(help="Any name, open or not.")],
    on: Annotated[date | None, day_option("Show whether they had the name on that day.", "--on")] = None,
    most: Most = 5,
    as_json: Json = False,
) -> None:
    """Show the enterprises with the most similar names; with --on, whether they had the name on that day."""
    edition = _edition(open_installation())
    item = OpenItem("", "", name.strip(), "asked", 0, None, on, on)
    (found,) = suggest(edition, [item], most)
    if not (found or as_json):
        show.console.print("no name of the register is like it")
        return
    columns = (("code", "uscc"), "score", ("name, borne when", "why"))
    show.show_rows(f"Like {name} 相近名称", item_facts(item, found)["suggestions"], columns, as_json)


@app.command("decide")
def decide(
    address: Address,
    identifier: Identifier,
    by: Annotated[str, typer.Option("--by", help="Who decides; kept in the file.")],
    why: Annotated[str, typer.Option("--why", help="Why; kept in the file.")],
    uscc: Annotated[str | None, typer.Option("--uscc", help="The enterprise that is meant.")] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="The name is not an enterprise of the register.")] = False,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Decide which enterprise a name means in all its records, past ones too; the next night applies it.

    Nights of an earlier business date than --on do not know of it. A later decision replaces this one from its date.
    """
    if (uscc is None) == (not nobody):
        misused("say either --uscc CODE or --nobody.")
    here = open_installation()
    edition = _edition(here)
    code = codes.tidy(uscc) if uscc else None
    if code and not codes_held(edition, [code]):
        fault = fault_of_code(code)
        problem = f"{code} is not in the register of edition {edition.name}{fault and f'. {fault}'}"
        misused(f"{problem}. Next: jifen identity suggest NAME")
    day = date_of_decision(here, on)
    try:
        source, _, dataset = find_address(here.sources, address).partition(".")
        one = IdentityDecision(source, dataset, identifier.strip(), code, day, by.strip(), why.strip())
        _require_open(here, edition, one)
        line = append_decision(here.settings.data_dir, here.sources, one)
    except ConnectorError as error:
        misused(str(error))
    if as_json:
        show.show_json(asdict(one))
    else:
        show_decided(one, line)
    for warning in _warnings(here, edition, one):
        show.errors.print(f"[yellow]warning[/] {warning}")


def _warnings(here: Installation, edition: Path, one: IdentityDecision) -> Iterator[str]:
    """Which night would not apply a decision, and which decisions contradict it; each of those is corrected in turn."""
    if one.decided_on > (as_of := business_date(edition)):
        yield (
            f"the current edition is of {as_of}: built again for that date, it would not know of this. Where it "
            f"should, next: the same with --on {as_of}"
        )
    made = _decisions(here)
    persons = codes_held(edition, [each.uscc for each in (*made, one) if each.uscc])
    means = f"--uscc {one.uscc}" if one.uscc else "--nobody"
    for other in contradicted(made, here.sources, one, persons):
        where, name = f"{other.source}.{other.dataset}", show.safe(one.identifier)
        yield (
            f"in {where} {name} was decided as {other.uscc or 'not in the register'} ({show.safe(other.decided_by)}, "
            f"{other.decided_on}): until both agree, the record is not assigned. Where this decision is right, "
            f"next, from a later date than that: jifen identity decide {where} {name} {means} --by WHO --why TEXT"
        )


def _require_open(here: Installation, edition: Path, one: IdentityDecision) -> None:
    """A decision about a name that is not on the list, and was not decided before, would never be applied."""
    decided = {earlier.about for earlier in _decisions(here)}
    listed = {(item.source, item.dataset, item.identifier) for item in open_items(edition)}
    if one.about not in decided | listed:
        where = f"{one.source}.{one.dataset}"
        misused(f"{one.identifier} is not open in {where}; copy it from the list. Next: jifen identity list")


@app.command("decisions")
def list_decisions(as_json: Json = False) -> None:
    """List the decisions in the order of the file, and why one is not applied."""
    here = open_installation()
    made = _decisions(here)
    edition = _edition(here) if made and current_id(here.ledger) else None
    held = codes_held(edition, [one.uscc for one in made if one.uscc]) if edition else {}
    knowledge = knowledge_of(edition, made)
    standings = [standing(one, edition, held, contradicted(made, here.sources, one, held), knowledge) for one in made]
    if not (standings or as_json):
        show.console.print("nothing was decided yet")
        return
    columns = (
        ("dataset", "{source}.{dataset}"),
        ("name", "identifier"),
        ("means", "uscc"),
        ("from", "decided_on"),
        ("by", "decided_by"),
        "why",
        ("applies", "standing"),
    )
    rows = standings if as_json else [{**one, "uscc": one["uscc"] or "nobody"} for one in standings]
    show.show_rows(f"Decisions 识别决定: {len(standings)}", rows, columns, as_json, whole=("dataset", "name"))
    if not as_json:
        show_what_waits(edition, knowledge, [one for one in standings if not one["is_in_edition"]])


def show_items(items: Sequence[dict[str, Any]], count: int) -> None:
    """Print items of the list, out of `count`, each with those it may mean on lines of their own."""
    rows: list[dict[str, Any]] = []
    for one in items:
        first, *others = one["suggestions"] or [{}]
        decided = DECIDED if one["is_decided"] else ""
        head = {**one, "address": f"{one['source']}.{one['dataset']}", "reason": one["reason"] + decided}
        rows += [{**head, **first}, *others]
    columns = (
        ("dataset", "address"),
        ("name", "identifier"),
        "reason",
        ("records", "count"),
        ("may mean", "uscc"),
        "score",
        ("its name, borne when", "why"),
    )
    show.show_rows(f"Open names 待识别: {count}", rows, columns, whole=("dataset", "name"))
    if count > len(items):
        show.console.print(f"… and {count - len(items)} more: --limit, --dataset or --reason")


def _borne(item: OpenItem, one: Suggestion) -> str:
    days = f"{one.valid_from or '…'} – {one.valid_to or '今 now'}"
    then = {True: ", 记录日正用 on the day", False: ", 非记录日 on other days", None: ""}[one.is_borne_then]
    by = f", 分支或前身 borne by {one.borne_by}" if one.borne_by != one.uscc else ""
    claim = ", 另有决定指向它 some decision names it" if item.reason == CONTRADICTING else ", 登记同一号码 claims it"
    claims = claim if one.score is None else ""
    return f"({days}{then}{by}{claims})"


def item_facts(one: OpenItem, some: tuple[Suggestion, ...]) -> dict[str, Any]:
    """An item as programs read it, with those it may mean and why."""
    return {**asdict(one), "suggestions": [{**asdict(s), "why": f"{s.enterprise_name} {_borne(one, s)}"} for s in some]}


def show_decided(one: IdentityDecision, line: int | None) -> None:
    """Print a decision; `line` is that of an equal decision in the file, None where this one was written."""
    stands = "" if line is None else f" That is decided already (line {line}); nothing is written."
    show.console.print(
        f"{show.safe(one.identifier)}: {one.uscc or 'not in the register'}, for records of any date, in each night "
        f"of {one.decided_on} or later.{stands} Next: jifen run"
    )


def show_what_waits(edition: Path | None, knowledge: Knowledge, waiting: Sequence[dict[str, Any]]) -> None:
    """Print why decisions that the edition was not built with wait, and what applies them."""
    if edition and not knowledge.is_sure:
        show.console.print(
            f"Lines of the file were changed by hand after edition {edition.name} was built: which of them it was "
            "built with is not known. Next: jifen run"
        )
    elif any(one["applies"] and not one["is_later_than_edition"] for one in waiting):
        built = f"written after edition {edition.name} was built" if edition else "no edition is published yet"
        show.console.print(f"Not yet 尚未生效: {built}. Next: jifen run")
