"""`jifen deploy`: a Prefect server made equal to `prefect.yaml` and the source files; nothing else is touched."""

from contextlib import ExitStack
from typing import Annotated

import typer

from cli import show
from cli.command import Json, fail
from connectors.plan import reading
from connectors.source_files import read_sources
from flows.texts import counted
from ledger.settings import PROJECT_DIR, Settings


def deploy(
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be changed.")] = False,
    as_json: Json = False,
) -> None:
    """Make the Prefect server equal to our files: work pool, deployments, the automations that end silent runs.

    Runs that a dead worker claimed are cancelled, runs that the ledger knows to be over are ended, and slots that
    no run holds are freed. Lists what only a person can change. A second call changes nothing.
    """
    from flows.deployed import client_of_server, survey, wanted_of
    from flows.prefect_server import api_is_configured

    if not api_is_configured():
        fail("no Prefect server is named. Next: set PREFECT_API_URL in .env, or run by cron: jifen run")
    settings = Settings()
    wanted = wanted_of(PROJECT_DIR, read_sources(), settings)
    with ExitStack() as stack:
        client = stack.enter_context(client_of_server())
        found = survey(client, wanted, stack.enter_context(reading(settings)))
        for change in () if plan else found.changes:
            change.apply()
    cannot = [*found.idle, *found.server]
    lines = [{"kind": one.kind, "name": one.name, "what": one.what} for one in found.changes]
    if as_json:
        show.show_json({"changed": [] if plan else lines, "planned": lines if plan else [], "cannot": cannot})
        return
    for line in lines:
        show.console.print(show.safe("{kind} {name} {what}".format_map(line)))
    for text in cannot:
        show.console.print(f"[yellow]for a person[/] {show.safe(text)}")
    show.console.print(f"{counted(len(lines), 'change')} {'planned' if plan else 'made'}")
