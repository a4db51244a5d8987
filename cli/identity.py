"""`jifen identity`: names that the register does not know or tell apart; look, compare, decide. Nothing is guessed."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.code_words import told_of_code
from cli.day import parse_day
from cli.desk import House, date_of_decision, fail, open_house
from cli.identity_shown import lines_of, show_decided, show_items, show_what_waits, told_of
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
from editions.current import EditionMissingError, require_edition
from editions.manifest import ManifestError
from editions.suggest import (
    REASONS,
    OpenItem,
    business_date,
    codes_held,
    open_items,
    suggest,
)
from ledger.publications import current_id

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Most = Annotated[int, typer.Option("--most", min=1, max=20, help="How many enterprises to suggest for each name.")]
Address = Annotated[str, typer.Argument(metavar="SOURCE.DATASET", help="Where the name stands, as the list says.")]
Identifier = Annotated[str, typer.Argument(help="The name, number or code, exactly as the list gives it.")]
On = Annotated[
    date | None,
    typer.Option(
        "--on",
        parser=parse_day,
        metavar="YYYY-MM-DD",
        help="The first business date whose night knows of it, today otherwise; it settles records of any day.",
    ),
]


def _edition(house: House) -> Path:
    edition_id = current_id(house.ledger)
    if edition_id is None:
        fail("no edition is published yet. Next: jifen run")
    try:
        return require_edition(house.settings.data_dir, edition_id)
    except EditionMissingError as error:
        fail(str(error))


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
    """List what the current edition could not tie to one enterprise, each with those it may mean, likeliest first."""
    house = open_house()
    edition = _edition(house)
    every = open_items(edition)
    _require_known(house, every, dataset, reason)
    waiting = _waiting(house, edition, every)
    items = [
        one
        for one in every
        if reason in (None, one.reason) and (dataset is None or dataset in (one.dataset, one.address))
    ]
    # What is left to decide comes first.
    items.sort(key=lambda one: one in waiting)
    if not items:
        if as_json:
            show.show_json([])
        else:
            show.console.print("nothing is open")
        return
    shown = items[:limit]
    suggested = suggest(edition, shown, most)
    if as_json:
        pairs = zip(shown, suggested, strict=True)
        show.show_json([{**told_of(one, some), "is_decided": one in waiting} for one, some in pairs])
        return
    show_items(shown, suggested, waiting, len(items))


def _require_known(house: House, items: Sequence[OpenItem], dataset: str | None, reason: str | None) -> None:
    """Nothing found for a name that nobody has is no all-clear."""
    known = {*addresses(house.sources), *(one.address for one in items)}
    if dataset is not None and dataset not in known | {address.partition(".")[2] for address in known}:
        try:
            find_address(house.sources, dataset)
        except ConnectorError as error:
            fail(str(error), "usage", 2)
    reasons = dict.fromkeys((*REASONS, *(one.reason for one in items)))
    if reason not in (None, *reasons):
        fail(f"no reason {reason}; there are {', '.join(reasons)}", "usage", 2)


def _knowledge(edition: Path | None, made: Sequence[IdentityDecision]) -> Knowledge:
    try:
        return knowledge_of(edition, made)
    except ManifestError as error:
        fail(str(error))


def _waiting(house: House, edition: Path, items: Sequence[OpenItem]) -> Collection[OpenItem]:
    try:
        made = read_decisions(house.settings.data_dir, house.sources)
    except ConnectorError as error:
        fail(str(error))
    if not made:
        return ()
    knowledge = _knowledge(edition, made)
    return {one for one in items if waits(one, made, knowledge)}


@app.command("suggest")
def suggest_name(
    name: Annotated[str, typer.Argument(help="Any name, open or not.")],
    on: Annotated[
        date | None,
        typer.Option("--on", parser=parse_day, metavar="YYYY-MM-DD", help="Whether they bore it on that day."),
    ] = None,
    most: Most = 5,
    as_json: Json = False,
) -> None:
    """Show the enterprises whose names are most like this one; with --on, whether they bore it on that day."""
    edition = _edition(open_house())
    item = OpenItem("", "", name.strip(), "asked", 0, None, on, on)
    (found,) = suggest(edition, [item], most)
    if as_json:
        show.show_json(told_of(item, found)["suggestions"])
        return
    if not found:
        show.console.print("no name of the register is like it")
        return
    show.show_table(
        f"Like {name} 相近名称", ("code", "score", "name, borne when"), [line[4:] for line in lines_of(item, found)]
    )


@app.command("decide")
def decide(
    address: Address,
    identifier: Identifier,
    by: Annotated[str, typer.Option("--by", help="Who decides; kept in the file.")],
    why: Annotated[str, typer.Option("--why", help="Why; kept in the file.")],
    uscc: Annotated[str | None, typer.Option("--uscc", help="The enterprise that is meant.")] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="It is nobody of the register.")] = False,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Write down whom a name means in all its records, past ones too; the next night applies it.

    Nights of an earlier business date than --on do not know of it. A later word replaces this one from its day.
    """
    if (uscc is None) == (not nobody):
        fail("say either --uscc CODE or --nobody.", "usage", 2)
    house = open_house()
    edition = _edition(house)
    code = codes.tidy(uscc) if uscc else None
    if code and not codes_held(edition, [code]):
        told = told_of_code(code)
        said = f"{code} is not in the register of edition {edition.name}{told and f'. {told}'}"
        fail(f"{said}. Next: jifen identity suggest NAME", "usage", 2)
    day = date_of_decision(house, on)
    try:
        source, _, dataset = find_address(house.sources, address).partition(".")
        one = IdentityDecision(source, dataset, identifier.strip(), code, day, by.strip(), why.strip())
        _require_open(house, edition, one)
        line = append_decision(house.settings.data_dir, house.sources, one)
    except ConnectorError as error:
        fail(str(error), "usage", 2)
    if as_json:
        show.show_json(asdict(one))
    else:
        show_decided(one, line)
    _warn_of_day(edition, day)
    _warn_of_others(house, edition, one)


def _warn_of_day(edition: Path, day: date) -> None:
    if day > (as_of := business_date(edition)):
        show.errors.print(
            f"[yellow]warning[/] the current edition is of {as_of}: built again for that date, it would not know of "
            f"this. Where it should, next: the same with --on {as_of}"
        )


def _warn_of_others(house: House, edition: Path, one: IdentityDecision) -> None:
    """Say which datasets mean another by the code. Not refused: two that are to be mended are mended one by one."""
    made = read_decisions(house.settings.data_dir, house.sources)
    persons = codes_held(edition, [each.uscc for each in (*made, one) if each.uscc])
    for other in contradicted(made, house.sources, one, persons):
        where = f"{other.source}.{other.dataset}"
        means = f"--uscc {one.uscc}" if one.uscc else "--nobody"
        show.errors.print(
            f"[yellow]warning[/] {where} says {other.uscc or 'nobody of ours'} of {show.safe(one.identifier)} "
            f"({show.safe(other.decided_by)}, {other.decided_on}): while they contradict each other it counts for "
            "nobody. Where this one is right, next, from a later day than that: "
            f"jifen identity decide {where} {show.safe(one.identifier)} {means} --by WHO --why TEXT"
        )


def _require_open(house: House, edition: Path, one: IdentityDecision) -> None:
    """A word about a name that stands on no list, and that nobody spoke of before, would never be applied."""
    decided = {earlier.about for earlier in read_decisions(house.settings.data_dir, house.sources)}
    listed = {(item.source, item.dataset, item.identifier) for item in open_items(edition)}
    if one.about not in decided | listed:
        fail(
            f"{one.identifier} is not open in {one.source}.{one.dataset}; copy it from the list. "
            "Next: jifen identity list",
            "usage",
            2,
        )


@app.command("decisions")
def list_decisions(as_json: Json = False) -> None:
    """List what was decided, in the order of the file, and what keeps a decision from being applied."""
    house = open_house()
    try:
        made = read_decisions(house.settings.data_dir, house.sources)
    except ConnectorError as error:
        fail(str(error))
    edition = _edition(house) if made and current_id(house.ledger) else None
    held = codes_held(edition, [one.uscc for one in made if one.uscc]) if edition else {}
    knowledge = _knowledge(edition, made)
    told = [standing(one, edition, held, contradicted(made, house.sources, one, held), knowledge) for one in made]
    if as_json:
        show.show_json(told)
        return
    if not told:
        show.console.print("nothing was decided yet")
        return
    show.show_table(
        f"Decisions 识别决定: {len(told)}",
        ("dataset", "name", "means", "from", "by", "why", "applies"),
        [
            (
                f"{one['source']}.{one['dataset']}",
                one["identifier"],
                one["uscc"] or "nobody",
                one["decided_on"],
                one["decided_by"],
                one["why"],
                one["standing"],
            )
            for one in told
        ],
        whole=("dataset", "name"),
    )
    show_what_waits(edition, knowledge, [one for one in told if not one["is_in_edition"]])
