"""`jifen explain` among the other commands, for the help and for whoever calls the command line from Python."""

import typer

from cli.entry import EXPLAIN
from cli.explain_command import run


def explain(ctx: typer.Context) -> None:
    """Show why an enterprise has its points: values, rules, records, what cost most, what would change it."""
    raise typer.Exit(run([EXPLAIN, *ctx.args]))
