"""`jifen score`: any table of values, scored by any rule set."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from cli import show
from cli.command import Json, day_option
from editions.ruleset_problems import Problem
from editions.score.run import Place, RulesetProblemsError, Scored
from editions.score.run import score as score_table
from flows.texts import counted
from ledger.data_folder import data_folder
from ledger.settings import PROJECT_DIR

SHOWN_CODES = 3


def score(
    ruleset: Annotated[str, typer.Option(help="A folder (docs/rule-sets.md), or a rule set of the project by its id.")],
    values: Annotated[Path, typer.Option(help="The values: .csv or .parquet, wide or long.")],
    out: Annotated[Path | None, typer.Option(help="The folder to write; <stem>-scored here otherwise.")] = None,
    as_of: Annotated[date | None, day_option("The business date, where age decides.")] = None,
    ignore: Annotated[str, typer.Option(help="Columns to leave unread, separated by commas.")] = "",
    as_json: Json = False,
) -> None:
    """Score a table by the models of the night: points, ranks, classes and reasons as CSV and Parquet.

    Exit codes: 0 written, 1 the models failed, 2 the rule set or the values cannot be used as they stand.
    """
    unread = [name.strip() for name in ignore.split(",") if name.strip()]
    with show.errors.status("jifen score"):
        try:
            found = score_table(ruleset, values, out, place(), as_of=as_of, ignore=unread)
        except RulesetProblemsError as error:
            if not as_json:
                show_problems(error.problems)
            raise
    if as_json:
        show.show_json(scored_facts(found))
    else:
        show_scored(found)


def place() -> Place:
    """Where the models of this installation stand."""
    return Place(PROJECT_DIR, data_folder())


def end_with_problems(problems: Sequence[Problem], as_json: bool) -> NoReturn:
    """Print what is wrong with rows that staff edit, and end the command: with 2 where anything is."""
    if as_json:
        show.show_json({"problems": [asdict(one) for one in problems]})
    else:
        show_problems(problems)
        show.console.print(
            f"[red]{counted(len(problems), 'problem')}[/]" if problems else "[green]no problems found[/]"
        )
    raise typer.Exit(2 if problems else 0)


def show_problems(problems: Sequence[Problem]) -> None:
    """Print each invalid row, with what is wrong with it."""
    for one in problems:
        row = f"{one.ruleset_id} {one.file} [{one.row_key}]"
        show.console.print(show.safe(f"  {row}: {one.problem_zh} {one.problem_en}"))


def scored_facts(found: Scored) -> dict[str, Any]:
    """The result of a call, for JSON."""
    return {
        "out": str(found.out.resolve()),
        "ruleset_id": found.ruleset_id,
        "as_of": found.loaded.as_of if found.loaded.is_dated else None,
        "scored": found.loaded.rows,
        "ranked": found.written.ranked,
        "unranked": found.written.unranked,
        "passed": found.written.passed,
        "indicators_not_given": found.loaded.not_given,
        "unfit_codes": found.loaded.unfit_codes,
        "rows": found.written.rows,
        "top": found.written.top,
    }


def show_scored(found: Scored) -> None:
    """Print the head of the ranking, who is not in it, and where the files are."""
    written = found.written
    show.show_top(written.top)
    unranked = ", ".join(f"{count} {reason}" for reason, count in written.unranked.items()) or "none"
    lines = [f"{written.ranked} ranked 已排名; not ranked 未排名: {unranked}"]
    if written.passed is not None:
        lines.append(
            f"{written.passed[0]} of {written.passed[1]} pass 通过: by which route says rankings.csv, "
            "by which conditions verdicts.csv"
        )
    if found.loaded.not_given:
        lines.append(f"no values of 文件中没有: {', '.join(found.loaded.not_given)}")
    if unfit := found.loaded.unfit_codes:
        more = f" and {len(unfit) - SHOWN_CODES} more" if len(unfit) > SHOWN_CODES else ""
        lines.append(f"check character does not fit 校验码不符: {', '.join(unfit[:SHOWN_CODES])}{more}")
    lines.append(f"{len(written.rows)} tables as CSV and Parquet: {found.out}")
    for line in lines:
        show.console.print(show.safe(line))
