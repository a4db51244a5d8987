"""`jifen identity`: names that the register does not know or tell apart; look, compare, decide. Nothing is guessed."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import show
from cli.command import Installation, Json, date_of_decision, day_option, fail, new_group, open_installation
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
    edition_id = current_id(here.ledger)
    if edition_id is None:
        fail("no edition is published yet. Next: jifen run")
    return require_edition(here.settings.data_dir, edition_id)


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
    here = open_installation()
    edition = _edition(here)
    every = open_items(edition)
    _require_known(here, every, dataset, reason)
    waiting = _waiting(here, edition, every)
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


def _require_known(here: Installation, items: Sequence[OpenItem], dataset: str | None, reason: str | None) -> None:
    """Nothing found for a name that nobody has is no all-clear."""
    known = {*addresses(here.sources), *(one.address for one in items)}
    if dataset is not None and dataset not in known | {address.partition(".")[2] for address in known}:
        try:
            find_address(here.sources, dataset)
        except ConnectorError as error:
            fail(str(error), "usage", 2)
    reasons = dict.fromkeys((*REASONS, *(one.reason for one in items)))
    if reason not in (None, *reasons):
        fail(f"no reason {reason}; there are {', '.join(reasons)}", "usage", 2)


def _waiting(here: Installation, edition: Path, items: Sequence[OpenItem]) -> Collection[OpenItem]:
    made = read_decisions(here.settings.data_dir, here.sources)
    if not made:
        return ()
    knowledge = knowledge_of(edition, made)
    return {one for one in items if waits(one, made, knowledge)}


@app.command("suggest")
def suggest_name(
    name: Annotated[str, typer.Argument(help="Any name, open or not.")],
    on: Annotated[date | None, day_option("Whether they bore it on that day.", "--on")] = None,
    most: Most = 5,
    as_json: Json = False,
) -> None:
    """Show the enterprises whose names are most like this one; with --on, whether they bore it on that day."""
    edition = _edition(open_installation())
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
    here = open_installation()
    edition = _edition(here)
    code = codes.tidy(uscc) if uscc else None
    if code and not codes_held(edition, [code]):
        fault = fault_of_code(code)
        said = f"{code} is not in the register of edition {edition.name}{fault and f'. {fault}'}"
        fail(f"{said}. Next: jifen identity suggest NAME", "usage", 2)
    day = date_of_decision(here, on)
    try:
        source, _, dataset = find_address(here.sources, address).partition(".")
        one = IdentityDecision(source, dataset, identifier.strip(), code, day, by.strip(), why.strip())
        _require_open(here, edition, one)
        line = append_decision(here.settings.data_dir, here.sources, one)
    except ConnectorError as error:
        fail(str(error), "usage", 2)
    if as_json:
        show.show_json(asdict(one))
    else:
        show_decided(one, line)
    _warn_of_day(edition, day)
    _warn_of_others(here, edition, one)


def _warn_of_day(edition: Path, day: date) -> None:
    if day > (as_of := business_date(edition)):
        show.errors.print(
            f"[yellow]warning[/] the current edition is of {as_of}: built again for that date, it would not know of "
            f"this. Where it should, next: the same with --on {as_of}"
        )


def _warn_of_others(here: Installation, edition: Path, one: IdentityDecision) -> None:
    """Say which datasets mean another by the code. Not refused: two that are to be mended are mended one by one."""
    made = read_decisions(here.settings.data_dir, here.sources)
    persons = codes_held(edition, [each.uscc for each in (*made, one) if each.uscc])
    for other in contradicted(made, here.sources, one, persons):
        where = f"{other.source}.{other.dataset}"
        means = f"--uscc {one.uscc}" if one.uscc else "--nobody"
        show.errors.print(
            f"[yellow]warning[/] {where} says {other.uscc or 'nobody of ours'} of {show.safe(one.identifier)} "
            f"({show.safe(other.decided_by)}, {other.decided_on}): while they contradict each other it counts for "
            "nobody. Where this one is right, next, from a later day than that: "
            f"jifen identity decide {where} {show.safe(one.identifier)} {means} --by WHO --why TEXT"
        )


def _require_open(here: Installation, edition: Path, one: IdentityDecision) -> None:
    """A word about a name that stands on no list, and that nobody spoke of before, would never be applied."""
    decided = {earlier.about for earlier in read_decisions(here.settings.data_dir, here.sources)}
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
    here = open_installation()
    made = read_decisions(here.settings.data_dir, here.sources)
    edition = _edition(here) if made and current_id(here.ledger) else None
    held = codes_held(edition, [one.uscc for one in made if one.uscc]) if edition else {}
    knowledge = knowledge_of(edition, made)
    told = [standing(one, edition, held, contradicted(made, here.sources, one, held), knowledge) for one in made]
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


def show_items(
    items: Sequence[OpenItem], suggested: Sequence[tuple[Suggestion, ...]], waiting: Collection[OpenItem], count: int
) -> None:
    """Print items of the list with those they may mean, out of `count`; those of `waiting` are decided and marked."""
    show.show_table(
        f"Open names 待识别: {count}",
        ("dataset", "name", "reason", "records", "may mean", "score", "its name, borne when"),
        [
            line
            for one, some in zip(items, suggested, strict=True)
            for line in lines_of(one, some, DECIDED if one in waiting else "")
        ],
        whole=("dataset", "name"),
    )
    if count > len(items):
        show.console.print(f"… and {count - len(items)} more: --limit, --dataset or --reason")
    show.console.print(f"Next: {'jifen run' if items[0] in waiting else _next_step(items[0])}")


def lines_of(one: OpenItem, some: tuple[Suggestion, ...], mark: str = "") -> list[tuple[Any, ...]]:
    """An item as rows of the list: itself, with a mark behind its reason, and each enterprise that it may mean."""
    head = (one.address, one.identifier, one.reason + mark, one.count)
    first, *others = [
        (s.uscc, "" if s.score is None else str(s.score), f"{s.enterprise_name} {_borne(one, s)}") for s in some
    ] or [("", "", "")]
    return [(*head, *first), *(("", "", "", None, *other) for other in others)]


def _borne(item: OpenItem, one: Suggestion) -> str:
    days = f"{one.valid_from or '…'} – {one.valid_to or '今 now'}"
    then = {True: ", 记录日正用 on the day", False: ", 非记录日 on other days", None: ""}[one.is_borne_then]
    by = f", 分支或前身 borne by {one.borne_by}" if one.borne_by != one.uscc else ""
    told = ", 另有决定指向它 some decision names it" if item.reason == CONTRADICTING else ", 登记同一号码 claims it"
    claims = told if one.score is None else ""
    return f"({days}{then}{by}{claims})"


def told_of(one: OpenItem, some: tuple[Suggestion, ...]) -> dict[str, Any]:
    """An item as programs read it, with those it may mean and why."""
    return {**asdict(one), "suggestions": [{**asdict(s), "why": f"{s.enterprise_name} {_borne(one, s)}"} for s in some]}


def _next_step(one: OpenItem) -> str:
    said = show.safe(repr(one.identifier))
    return f"jifen identity decide {one.address} {said} --uscc CODE | --nobody, --by WHO --why TEXT"


def show_decided(one: IdentityDecision, line: int | None) -> None:
    """Print a decision; `line` is where the very same stands already, None where it was written."""
    stands = "" if line is None else f" That is decided already (line {line}); nothing is written."
    show.console.print(
        f"{show.safe(one.identifier)}: {one.uscc or 'nobody of ours'}, whatever the day of its records, in each night "
        f"of {one.decided_on} or later.{stands} Next: jifen run"
    )


def show_what_waits(edition: Path | None, knowledge: Knowledge, waiting: Sequence[dict[str, Any]]) -> None:
    """Print why decisions that the edition was not built with wait, and what applies them."""
    if edition and not knowledge.is_sure:
        show.console.print(
            f"Lines of the file were changed by hand after edition {edition.name} was built: which of them it knew "
            "cannot be told. Next: jifen run"
        )
    elif any(one["applies"] and not one["is_later_than_edition"] for one in waiting):
        built = f"written after edition {edition.name} was built" if edition else "no edition is published yet"
        show.console.print(f"Not yet 尚未生效: {built}. Next: jifen run")
