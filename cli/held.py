"""`jifen source held | accept | reject`: what the change budget held, and a named person's decision on it."""

from typing import Annotated, Any

import typer

from cli import show
from cli.command import Json, misused, open_installation, operator, require_known, text_given
from ledger.held import decide_held, held_batches, held_since, in_brief
from ledger.runs import exclusive_run
from ledger.store import Row

OneHeld = Annotated[
    str | None, typer.Argument(metavar="[SOURCE.DATASET]", help="One dataset; all that is held otherwise.")
]
Address = Annotated[
    str, typer.Argument(metavar="SOURCE.DATASET", help="A dataset that is held, as `jifen source held` says.")
]
Why = Annotated[str, typer.Option(help="The reason, which is kept: who was asked, and what the answer was.")]
By = Annotated[str | None, typer.Option(help="Who decides, by name; JIFEN_OPERATOR or the system user otherwise.")]


def show_held(name: OneHeld = None, as_json: Json = False) -> None:
    """List what changed more than may be and is held: the figures, some of the records, and what was decided."""
    here = open_installation()
    require_known("dataset", [name], (one.address for source in here.sources for one in source.datasets))
    rows = [row for row in held_batches(here.ledger) if name in (None, _address(row))]
    batches = [
        {
            **_facts(row),
            "held_since": (held_since(here.ledger, row["source"], row["dataset"], here.settings.today) or row)["as_of"],
        }
        for row in rows
    ]
    if as_json:
        show.show_json(batches)
        return
    if not batches:
        show.console.print("nothing is held")
    for one in batches:
        _show_one(one)


def _address(row: Row) -> str:
    return f"{row['source']}.{row['dataset']}"


def _facts(row: Row) -> dict[str, Any]:
    return {
        "dataset": _address(row),
        "batch": row["batch"],
        "against": row["changes"]["against"],
        "records_held": row["changes"]["held"],
        "beyond": row["changes"]["beyond"],
        "examples": row["changes"].get("examples", {}),
        "moves": row["changes"]["moves"],
        "decision": in_brief(row["decision"]),
    }


def _show_one(one: dict[str, Any]) -> None:
    show.console.print(
        f"[bold]{show.safe(one['dataset'])}[/] held since {one['held_since']}, batch {one['batch']}; "
        f"{one['against'] or 'nothing'} stands {'数据集变化过大' if one['against'] else '首批数据存疑'}，暂缓采用"
    )
    for text in one["beyond"]:
        show.console.print(f"  [yellow]beyond[/] {show.safe(text)}")
    for column, moves in one["moves"].items():
        most = sorted(moves.items(), key=lambda move: (-move[1], move[0]))[:5]
        show.console.print(
            f"  moves of {show.safe(column)}: {show.safe(', '.join(f'{move} {count}' for move, count in most))}"
        )
    for what, lines in one["examples"].items():
        show.console.print(f"  [dim]{show.safe(what)}, some of the records:[/]")
        for line in lines:
            show.console.print(f"    {show.safe(line)}")
    decision = one["decision"]
    if decision:
        show.console.print(
            f"  {decision['action']} by {show.safe(decision['decided_by'])}: {show.safe(decision['why'])}"
        )
    else:
        show.console.print(
            f"  next: jifen source accept {one['dataset']} --why …, or jifen source reject {one['dataset']} --why …"
        )


def accept(name: Address, why: Why, by: By = None, as_json: Json = False) -> None:
    """Let a held batch in: the next run takes it, or one that differs from it by no more than a night may bring."""
    _decide(name, "accepted", why, by, as_json)


def reject(name: Address, why: Why, by: By = None, as_json: Json = False) -> None:
    """Keep a held batch out, with the reason: the last good batch stands until the agency sends another."""
    _decide(name, "rejected", why, by, as_json)


def _decide(name: str, action: str, why: str, by: str | None, as_json: bool) -> None:
    here = open_installation()
    why = text_given(why, hint="say who was asked, and what the answer was")
    with exclusive_run(here.settings.data_dir):
        row = next((row for row in held_batches(here.ledger) if _address(row) == name), None)
        if row is None:
            misused(f"{name} is not held. Next: jifen source held")
        who = (by or operator()).strip()[:200]
        decide_held(here.ledger, row, action, why, who, here.settings.today)
    decided = {"dataset": name, "batch": row["batch"], "action": action, "decided_by": who, "why": why}
    follows = "the next run lets it in" if action == "accepted" else "the last good batch stands"
    show.show_done(decided, f"{name} {action} by {who}; {follows}", as_json)
