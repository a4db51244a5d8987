"""`jifen ruleset`: what rule sets there are, whether they can be scored by, what differs between two, and new ones."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.command import Json, day_option, new_group
from cli.score import end_with_problems, place
from editions.ruleset_diff import Content, content_of, differences, moved
from editions.ruleset_problems import Problem
from editions.score.errors import ScoreError
from editions.score.export import add_version, export_ruleset
from editions.score.ruleset import ALL, Ruleset, known_rulesets, read_seeds
from editions.score.run import problems_of, read_ruleset
from flows.texts import counted
from ledger.publications import published_rulesets
from ledger.settings import Settings
from ledger.store import ledger_if_any

app = new_group()
SHOWN = ("ruleset_id", "scheme", "title_zh", "title_en", "valid_from", "valid_to", "status", "provenance")


@app.command("list")
def list_rulesets(as_json: Json = False) -> None:
    """List the project's rule sets."""
    rows = [{name: row[name] for name in SHOWN} for row in known_rulesets(place().dbt_project)]
    show.show_rows("Rule sets 规则集", rows, SHOWN, as_json)


@app.command("check")
def check(
    rulesets: Annotated[
        list[str] | None, typer.Argument(help="Folders or ids; all of the project's otherwise.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check rule sets and name every row that is wrong, or that changed since an edition was published under it.

    Exit code 0: none. 2: some; nothing can be scored by them.
    """
    where = place()
    wanted = [read_ruleset(named, where) for named in rulesets] if rulesets else [read_seeds(where.dbt_project)]
    found = [one for ruleset in wanted for one in (*problems_of(ruleset, where), *_moved(ruleset))]
    end_with_problems(found, as_json)


def _moved(ruleset: Ruleset) -> list[Problem]:
    """What changed since it was published; a folder never was."""
    ledger = None if ruleset.is_folder else ledger_if_any(Settings())
    found = moved(ledger, place().dbt_project) if ledger else []
    return [one for one in found if ruleset.name in (ALL, one.ruleset_id)]


@app.command("diff")
def diff(
    one: Annotated[str, typer.Argument(help="A rule set of the project by its id, or a folder.")],
    other: Annotated[str | None, typer.Argument(help="The one to compare it with; later, as a rule.")] = None,
    published: Annotated[bool, typer.Option(help="Compare with what the first edition under it was made by.")] = False,
    as_json: Json = False,
) -> None:
    """Show what the second rule set adds, removes and changes, row by row. Exit code 0 whether or not they differ."""
    if published == (other is not None):
        raise typer.BadParameter("give two rule sets, or one with --published")
    where = place()
    second = content_of(read_ruleset(other or one, where), where.dbt_project)
    first = _published(one) if published else content_of(read_ruleset(one, where), where.dbt_project)
    found = differences(first, second)
    if as_json:
        show.show_json({"differences": [asdict(line) for line in found]})
        return
    columns = ("table", ("row", "row_key"), "kind", "column", "then", "now")
    if found:
        show.show_rows("Differences 差异", [asdict(line) for line in found], columns)
    show.console.print(f"{len(found)} differences" if found else "[green]equal[/] 相同")


def _published(ruleset_id: str) -> Content:
    ledger = ledger_if_any(Settings())
    for row in published_rulesets(ledger) if ledger else ():
        if row["ruleset_id"] == ruleset_id:
            return dict(row["content"])
    raise ScoreError(
        f"no edition was published under a rule set {ruleset_id!r}.", "the ledger", "jifen edition list", "usage"
    )


@app.command("new")
def new(
    old: Annotated[str, typer.Argument(help="The rule set of the project to begin with.")],
    ruleset_id: Annotated[str, typer.Argument(help="The id of the new one.")],
    first_day: Annotated[date, day_option("Its first day; the old one ends.", "--from")],
) -> None:
    """Begin a new rule set as a copy of another, in force from a day on: what was published stays as it was."""
    where = place().dbt_project
    files = add_version(where, old, ruleset_id, first_day)
    show.console.print(show.safe(f"{ruleset_id} in {', '.join(files)}. Change its rows, then:"))
    show.console.print(show.safe(f"jifen ruleset diff {old} {ruleset_id}\njifen ruleset check"))


@app.command("export")
def export(
    ruleset_id: Annotated[str, typer.Argument(help="A rule set of the project.")],
    folder: Annotated[Path, typer.Argument(help="The folder to write; it must not be there yet.")],
) -> None:
    """Export a rule set of the project as a folder, to change it and score by it."""
    files = export_ruleset(read_seeds(place().dbt_project, ruleset_id), folder)
    show.console.print(show.safe(f"{counted(len(files), 'file')} in {folder}: {', '.join(files)}"))
