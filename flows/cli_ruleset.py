"""`jifen ruleset`: what rule sets there are, whether they can be scored by, and one of them as a folder."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from editions.build import BuildError
from editions.score.errors import ScoreError
from editions.score.export import export_ruleset
from editions.score.ruleset import known_rulesets, read_seeds
from editions.score.run import problems_of, read_ruleset
from flows import show
from flows.cli_score import place, refuse, show_problems

app = typer.Typer(no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
SHOWN = ("ruleset_id", "scheme", "title_zh", "title_en", "valid_from", "valid_to", "status", "provenance")


@app.command("list")
def list_rulesets(as_json: Json = False) -> None:
    """List the project's rule sets."""
    rows = [{name: row[name] for name in SHOWN} for row in known_rulesets(place().dbt_project)]
    if as_json:
        show.show_json(rows)
    else:
        show.show_table("Rule sets 规则集", SHOWN, [tuple(row.values()) for row in rows])


@app.command("check")
def check(
    rulesets: Annotated[
        list[str] | None, typer.Argument(help="Folders or ids; all of the project's otherwise.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check rule sets and name every row that is wrong. Exit code 0: none. 2: some; nothing can be scored by them."""
    where = place()
    try:
        wanted = [read_ruleset(named, where) for named in rulesets] if rulesets else [read_seeds(where.dbt_project)]
        problems = [asdict(one) for ruleset in wanted for one in problems_of(ruleset, where)]
    except ScoreError as error:
        refuse(error, as_json)
    except BuildError as error:
        show.errors.print(f"[red]failed[/] {show.safe(error)}", soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        show.show_json({"problems": problems})
    else:
        show_problems(problems)
        show.console.print(f"[red]{len(problems)} problems[/]" if problems else "[green]sound[/]")
    raise typer.Exit(2 if problems else 0)


@app.command("export")
def export(
    ruleset_id: Annotated[str, typer.Argument(help="A rule set of the project.")],
    folder: Annotated[Path, typer.Argument(help="The folder to write; it must not be there yet.")],
) -> None:
    """Write a rule set of the project as a folder, to be changed and scored by."""
    try:
        files = export_ruleset(read_seeds(place().dbt_project, ruleset_id), folder)
    except ScoreError as error:
        refuse(error, as_json=False)
    show.console.print(show.safe(f"{len(files)} files in {folder}: {', '.join(files)}"), soft_wrap=True)
