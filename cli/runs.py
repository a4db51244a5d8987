"""`jifen runs`: the history of the nights, and all that is known of one of them."""

from typing import Annotated, Any

import typer

from cli import show
from cli.command import Json, fail, new_group
from flows.history import SUMMARY, summary_of, told_of_run
from flows.left_behind import gate_page_path, page_path, write_page
from flows.night_log import log_path
from flows.outcome import EXIT_CODES
from ledger.files import private
from ledger.runs import latest_runs, run_row, runs_as_they_stand
from ledger.settings import Settings
from ledger.store import Row, open_ledger

app = new_group()
LATEST = "latest"
STATES = ("running", *(state for state in EXIT_CODES if state != "beside"))
RunId = Annotated[str, typer.Argument(help="A run, as `jifen runs list` names it, or `latest`.")]


@app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    state: Annotated[str | None, typer.Option(help=f"Only those that ended so: {', '.join(STATES)}.")] = None,
    as_json: Json = False,
) -> None:
    """List the runs, newest first: how each ended, when it began, how long it took, its edition, and what failed."""
    if state is not None and state not in STATES:
        fail(f"no state {state}; there are {', '.join(STATES)}", "usage", 2)
    settings = Settings()
    found = runs_as_they_stand(open_ledger(settings), settings.data_dir, limit, state, SUMMARY)
    told = [summary_of(run) for run in found]
    if not as_json:
        told = [
            {**one, "began": show.local(one["started_at"], settings), "what": ", ".join(one["failed"])} for one in told
        ]
    columns = (("run", "run_id"), ("as of", "as_of"), "state", "began", "seconds", ("edition", "edition_id"))
    show.show_rows("Runs 运行记录", told, (*columns, ("what failed", "what")), as_json, {"run"})


def run_asked(settings: Settings, run_id: str) -> Row:
    """The row of a run, of the newest one for `latest`, as it stands. Ends the command where there is none."""
    ledger = open_ledger(settings)
    newest = runs_as_they_stand(ledger, settings.data_dir, 1)
    if newest and run_id in (LATEST, newest[0]["run_id"]):
        return newest[0]
    found = run_row(ledger, run_id)
    if found is None:
        there = "jifen runs list" if latest_runs(ledger) else "jifen run"
        fail(f"no run {run_id} in the ledger. Next: {there}", "not_found")
    return found


@app.command("show")
def show_run(run: RunId = LATEST, as_json: Json = False) -> None:
    """Show a run: its steps with times and rows, what came, the gate's verdict, the edition, deliveries and errors."""
    settings = Settings()
    row = run_asked(settings, run)
    told = told_of_run(open_ledger(settings), row)
    left = {"page": page_path, "gate_page": gate_page_path, "log": log_path}
    for name, path_of in left.items():
        path = path_of(settings.data_dir, row["run_id"])
        told[name] = str(path) if path.is_file() else None
    if as_json:
        show.show_json(told)
        return
    took = "" if told["seconds"] is None else f", took {told['seconds']:,.0f} s"
    began = show.local(told["started_at"], settings)
    show.console.print(f"{show.coloured(told['state'])} {show.safe(told['message'])}")
    for word, text in (
        ("run", f"{told['run_id']}, business date {told['as_of']}, began {began}{took}, by {told['driver']}"),
        ("edition", told["edition_id"] or "none"),
        ("stale", ", ".join(told["stale"]) or "none"),
        ("page", told["page"] or f"none. Next: jifen runs report {told['run_id']}"),
        ("gate's page", told["gate_page"] or "none"),
        ("log", told["log"] or "none here; no backup holds one"),
    ):
        show.console.print(f"{word:<12} {show.safe(text)}")
    show_steps(told["steps"], settings)
    columns = (
        "state",
        ("received", "rows_received"),
        ("landed", "rows_landed"),
        ("refused", "rows_refused"),
        ("repeats", "rows_repeated"),
    )
    show.show_rows("Datasets 数据集", told["datasets"], (("dataset", "{source}.{dataset}"), *columns))
    if told["verdict"]:
        show.show_verdict(told["verdict"])
    show.show_sent({**told["sent"], "deliveries": told["deliveries"], "notices": told["notices"]})
    for text in told["errors"]:
        show.console.print(f"[red]error[/] {show.safe(text)}")


def show_steps(steps: list[dict[str, Any]], settings: Settings) -> None:
    """Print the steps of a run with their times and what was counted."""
    rows = [
        {
            **line,
            "began": show.local(line["began_at"], settings),
            "ended": line["ended"] or "not ended",
            "what": ", ".join(f"{count:,} {name}" for name, count in line["counts"].items()),
        }
        for line in steps
    ]
    show.show_rows("Steps 步骤", rows, ("step", "began", "seconds", "ended", ("rows", "what")))


@app.command("report")
def write_report(run: RunId = LATEST) -> None:
    """Write the page of a run anew, and print where it stands: one HTML file, without a server."""
    settings = Settings()
    row = run_asked(settings, run)
    with private():
        write_page(settings, open_ledger(settings), row)
    show.console.print(show.safe(str(page_path(settings.data_dir, row["run_id"]))))
