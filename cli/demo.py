"""The demonstration: a sandbox, a Prefect server, one night, and what came of it, all ended again."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from cli import show
from cli.command import fail
from cli.sandbox import SERVER_HOME
from connectors.sink_files import read_sinks
from connectors.source_files import read_sources
from editions.explain import top
from editions.places import edition_path
from editions.sealed_tables import SealedReader
from flows.outcome import Outcome
from flows.prefect_server import local_server
from flows.texts import CALLED_AS
from ledger.settings import PROJECT_DIR


def run_demo(population: str, data: Path | None, data_dir: Path, hold: bool) -> int:
    """Run the demonstration in `data_dir`; answers the exit code of its night.

    The sandbox's variables are given to that one run only: a later `jifen run` has none of them, and no server either.
    """
    from sandbox.start import start

    began = time.monotonic()
    for ending in (signal.SIGTERM, signal.SIGINT):
        # Explicitly: a script's background job has SIGINT ignored, and SIGTERM would leave a server behind.
        signal.signal(ending, signal.default_int_handler)
    with ExitStack() as stack:
        with show.errors.status("starting the sandbox and a Prefect server"):
            sandbox = stack.enter_context(start(population, data_dir / "sandbox", data))
            server = stack.enter_context(local_server(data_dir / SERVER_HOME))
        address = server["PREFECT_API_URL"].removesuffix("/api")
        up = f"sandbox and Prefect server are up after {time.monotonic() - began:.0f} s"
        show.errors.print(f"{up}: {address}/runs{'' if hold else ', until the demo ends'}")
        # Without jifen's settings and without any variable that a source or sink file names.
        named = {name for one in (*read_sources(), *read_sinks()) for name in one.variables()}
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("JIFEN_", "PREFECT_")) and k not in named}
        environment = {**plain, **sandbox.env, **server}
        if kept_back := sorted(os.environ.keys() & named - environment.keys()):
            names = show.safe(", ".join(kept_back))
            show.errors.print(
                f"not given to the demo's night: {names}. It sends to the sandbox alone; jifen run takes them"
            )
        # Its own folder and ledger: made-up scores must never become current where real banks are served.
        environment["JIFEN_ENV_FILE"] = ""
        environment[CALLED_AS] = os.environ[CALLED_AS]
        environment["JIFEN_DATA_DIR"] = str(data_dir)
        environment["JIFEN_LEDGER_URL"] = f"sqlite:///{data_dir / 'ledger.sqlite'}"
        outcome, seconds = _one_night(sandbox.as_of, environment, data_dir)
        _show(outcome, data_dir, seconds)
        if hold:
            run_id = outcome.report["driver"].partition(":")[2]
            show.console.print(f"\nThis run's page: {show.safe(f'{address}/runs/flow-run/{run_id}')}")
            show.console.print("Sandbox and Prefect server stay up until Ctrl-C.")
            _wait_for_interrupt()
        else:
            show.console.print(
                "\nThe Prefect server ends with the demo, and this run's page with it: "
                "`.venv/bin/jifen demo --hold` keeps both until Ctrl-C"
            )
    return outcome.exit_code


def _one_night(as_of: date, environment: dict[str, str], folder: Path) -> tuple[Outcome, float]:
    """Run `jifen run` as an operator would, where no .env stands; answers its outcome and the seconds it took."""
    began = time.monotonic()
    # -P: the data folder holds an `editions`, which must not be taken for the package.
    jifen = [sys.executable, "-P", "-m", "cli"]
    command = [*jifen, "run", "--as-of", as_of.isoformat(), "--json"]
    done = subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.PIPE, check=False)
    report = (
        json.loads(done.stdout) if done.stdout else {"message": f"the run printed nothing (exit {done.returncode})"}
    )
    if "report" not in report:
        fail(report["message"])
    report.pop("exit_code")
    return Outcome(**{**report, "owed": tuple(report["owed"])}), time.monotonic() - began


def _show(outcome: Outcome, data_dir: Path, seconds: float) -> None:
    from cli.night import show_edition_sent, show_outcome

    show_outcome(outcome)
    if outcome.state == "nothing_new" and outcome.edition_id is not None:
        show_edition_sent(data_dir, outcome.edition_id)
    show.console.print(f"The night's process took {seconds:.1f} s; jifen status counts without its start and its end")
    if outcome.edition_id is None:
        return
    path = edition_path(data_dir, outcome.edition_id)
    first = top(path, 10)
    show.show_top(first)
    _show_programme(path)
    show.console.print(
        f"Published at {show.safe(str(path))}: tables/rankings.xlsx opens in a spreadsheet, "
        "manifest.json says what is there."
    )
    if first:
        uscc = show.safe(first[0]["uscc"])
        show.console.print(f"Why is the first one first? jifen explain {uscc}")
        show.console.print(f"What are its points good for? jifen programme show {uscc}")


def _show_programme(edition: Path) -> None:
    """One line of each of the programme's tables: how many rows there are, and what they say."""
    made = {model.stem for model in (PROJECT_DIR / "dbt_project" / "models" / "programme").rglob("*.sql")}
    show.console.print("\nWhat the points are for 积分应用")
    package = json.loads((edition / "datapackage.json").read_bytes())
    says = {one["title"]: one["description"] for one in package["resources"]}
    with SealedReader() as reader:
        tables = reader.of(edition)
        for table in sorted(made & {path.stem for path in (edition / "tables").glob("*.parquet")}):
            (row,) = tables.needed(table, columns='count(*) as "rows"')
            line = f"  {table:<19} {row['rows']:>6,} rows: {show.safe(says[table])}"
            show.console.print(line, no_wrap=True, overflow="ellipsis")


def _wait_for_interrupt() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        show.console.print("ending")
