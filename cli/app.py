"""The command line `jifen`: the module of each command, imported when the command is called."""

import importlib
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command, get_group

from cli.command import ReportingGroup
from cli.entry import EXPLAIN
from ledger.env_file import load_env_file, open_to_others

GROUPS = {
    "edition": "Published editions: list, show, verify, rebuild, compare, correct, withdraw, roll back.",
    "key": "The key that signs editions: make one, show its public part.",
    "override": "Overrides of the gate: ask for one, sign it, list them.",
    "ledger": "The ledger: verify its journal, show it, bind it to its data folder.",
    "runs": "The nights: list them, show one by step, write its page.",
    "source": "The agencies: list, check, test and pull them.",
    "quarantine": "Refused records: list, show, replay, discard.",
    "identity": "Identities: unmatched names, candidates and decisions.",
    "deliveries": "Packages to banks: list, show, send again, write down answers.",
    "outbox": "Messages to channels: list, show, send by their schedule, replay, discard.",
    "sink": "The recipients: list, check, test them, begin a new one.",
    "returns": "Return files: what was reported to each agency about its records.",
    "ruleset": "Rule sets: list, check, compare, copy, export.",
    "objection": "Objections to an edition: open, decide, close, list.",
    "publicity": "Public lists: put one up, make it final.",
    "programme": "What the points are for: loan products, policies, rewards, and what restricts.",
    "sandbox": "Agencies, banks and channels on loopback, to run against.",
}
"""Groups of commands: `app` of `cli.<name>`, and what it says of itself."""

COMMANDS = {
    "run": "night",
    "status": "status",
    "doctor": "doctor",
    "deploy": "deploy",
    "score": "score",
    "simulate": "simulate",
    "receive": "receive",
    "recall": "recall",
    "backup": "backup",
    "restore": "backup",
    "retention": "retention",
    "backfill": "backfill",
    "demo": "sandbox",
}
"""Commands by themselves: the function of that name in `cli.<module>`."""

MADE_UP = ("demo", "sandbox")
"""Commands that work with made-up agencies: no `.env` leads them to a real data folder."""

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""`explain` reads its words itself (cli.explain)."""


class LazyGroup(ReportingGroup):
    """Imports the module of a command when the command is called: importing all takes a second, one a tenth of it."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name."""
        return sorted({*super().list_commands(ctx), *GROUPS, *COMMANDS})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or None."""
        if cmd_name in GROUPS:
            group = get_group(importlib.import_module(f"cli.{cmd_name}").app)
            group.name, group.help = cmd_name, GROUPS[cmd_name]
            return group
        if cmd_name in COMMANDS:
            alone = typer.Typer(add_completion=False)
            function = getattr(importlib.import_module(f"cli.{COMMANDS[cmd_name]}"), cmd_name)
            alone.command(cmd_name)(function)
            return get_command(alone)
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    name="jifen",
    cls=LazyGroup,
    help="企业创新积分: ingest, build, gate, publish, deliver, notify. Exit codes: 0 published or nothing new, "
    "1 failed or not all delivered, 2 usage, 3 gate blocked, 4 a critical source is missing, 5 another source failed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from editions.provenance import code_of
        from ledger.settings import PROJECT_DIR

        code = code_of(PROJECT_DIR)
        changed = "" if code.is_clean in (True, None) else ", changed since"
        typer.echo(f"jifen {code.version} ({code.commit[:12] if code.commit else 'no git'}{changed})")
        raise typer.Exit


@app.callback()
def settings(
    ctx: typer.Context,
    data_dir: Annotated[Path | None, typer.Option(help="The data folder; JIFEN_DATA_DIR otherwise.")] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version, and exit.")
    ] = False,
) -> None:
    """Read .env; options and the environment win over it. The sandbox and the demo read none: they have their own."""
    if data_dir is not None:
        os.environ["JIFEN_DATA_DIR"] = str(data_dir)
    file = None if ctx.invoked_subcommand in MADE_UP else load_env_file()
    if file is not None and (warning := open_to_others(file)):
        typer.echo(f"warning {warning}", err=True)


@app.command(EXPLAIN, context_settings=PASSED_ON)
def explain(ctx: typer.Context) -> None:
    """Show why an enterprise has its points: values, rules, records, what cost most, what would change it."""
    from cli.explain import run

    raise typer.Exit(run([EXPLAIN, *ctx.args]))


def main() -> None:
    """Run the command line."""
    from cli.entry import main as begin

    begin()
