"""`jifen runs`: the history of the nights, and the details of one of them."""

from typing import Annotated, Any

import typer

from cli import show
from cli.command import Json, fail, new_group, require_known
from flows.history import SUMMARY, run_details, summary_of
from flows.left_behind import gate_page_path, page_path, write_page
from flows.night_log import log_path
from flows.outcome import EXIT_CODES
from flows.texts import local
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
    require_known("state", [state], STATES)
    settings = Settings()
    found = runs_as_they_stand(open_ledger(settings), settings.data_dir, limit, state, SUMMARY)
    rows = [summary_of(run) for run in found]
    if not as_json:
        rows = [
            {**one, "began": local(one["started_at"], settings.zone), "what": ", ".join(one["failed"])} for one in rows
        ]
    columns = (("run", "run_id"), ("as of", "as_of"), "state", "began", "seconds", ("edition", "edition_id"))
    show.show_rows("Runs 运行记录", rows, (*columns, ("what failed", "what")), as_json, {"run", "edition"})


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
    details = run_details(open_ledger(settings), row)
    left = {"page": page_path, "gate_page": gate_page_path, "log": log_path}
    for name, path_of in left.items():
        path = path_of(settings.data_dir, row["run_id"])
        details[name] = str(path) if path.is_file() else None
    if as_json:
        show.show_json(details)
        return
    took = "" if details["seconds"] is None else f", took {details['seconds']:,.0f} s"
    began = local(details["started_at"], settings.zone)
    show.console.print(f"{show.coloured(details['state'])} {show.safe(details['message'])}")
    facts = {
        "run": f"{details['run_id']}, business date {details['as_of']}, began {began}{took}, by {details['driver']}",
        "edition": details["edition_id"] or "none",
        "stale": ", ".join(details["stale"]) or "none",
        "page": details["page"] or f"none. Next: jifen runs report {details['run_id']}",
        "gate's page": details["gate_page"] or "none",
        "log": details["log"] or "none here; no backup holds one",
    }
    show.show_facts(facts.items())
    show_steps(details["steps"], settings)
    columns = (
        "state",
        ("received", "rows_received"),
        ("landed", "rows_landed"),
        ("refused", "rows_refused"),
        ("repeats", "rows_repeated"),
    )
    show.show_rows("Datasets 数据集", details["datasets"], (("dataset", "{source}.{dataset}"), *columns))
    if details["verdict"]:
        show.show_verdict(details["verdict"])
    show.show_sent({**details["sent"], "deliveries": details["deliveries"], "notices": details["notices"]})
    for text in details["errors"]:
        show.console.print(f"[red]error[/] {show.safe(text)}")


def show_steps(steps: list[dict[str, Any]], settings: Settings) -> None:
    """Print the steps of a run with their times and what was counted."""
    rows = [
        {
            **line,
            "began": local(line["began_at"], settings.zone),
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
