"""What the commands of identity print: open names with those they may mean, and decisions."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cli import show
from cli.identity_standing import Knowledge
from connectors.identity_decisions import IdentityDecision
from editions.suggest import CONTRADICTING, OpenItem, Suggestion

DECIDED = "; 已决定，待下次运行 decided, waits for the next night"


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
