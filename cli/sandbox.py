"""`jifen sandbox` and `jifen demo`: the whole system against agencies on loopback."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.command import misused, new_group
from cli.entry import LEADING
from flows.prefect_server import SERVER_LOG
from flows.texts import CALLED_AS, called_as
from ledger.binding import FILE as LEDGER_ID
from ledger.data_folder import VARIABLE
from ledger.files import FOLDER_MODE, OURS

app = new_group()

Population = Annotated[
    str, typer.Option(help="One of district (made up, seeded), listed (real companies; needs --data).")
]
Served = Annotated[
    str,
    typer.Option(help="One of district, listed, samples (an agency for each file of --sources, made from it alone)."),
]
Data = Annotated[Path | None, typer.Option(help="The folder of real companies, for --population listed alone.")]
DEMO_DIR = Path("data")
SERVER_HOME = "prefect"
"""Where, in its data folder, a demo keeps its Prefect server."""


@app.command("up")
def up(
    population: Served = "district",
    data: Data = None,
    state: Annotated[Path, typer.Option(help="Where the agencies keep their files and ready.json.")] = Path(
        "data/sandbox"
    ),
    sources: Annotated[Path | None, typer.Option(help="A folder of source files in place of our samples.")] = None,
    faults: Annotated[Path | None, typer.Option(help="A fault plan (see sandbox/faults).")] = None,
    rows: Annotated[int, typer.Option(help="How many records a sample dataset holds.")] = 57,
    seed: Annotated[int, typer.Option(help="Another seed gives other samples.")] = 7,
) -> None:
    """Serve all agencies and recipients until Ctrl-C; ready.json in the state folder names every variable to set."""
    _private(state)
    if population == "samples":
        _serve_samples(sources, state, faults, rows, seed)
        return
    if sources is not None:
        raise typer.BadParameter("--sources goes with --population samples")
    from sandbox.serve import serve

    _require(population, data)
    day = {"district": "2025-06-30", "listed": "2022-06-30"}[population]
    show.errors.print(f"serving {population}; once {state / 'ready.json'} is there, all listen. In another shell:")
    folders = f"JIFEN_ENV_FILE={(state / 'ready.env').resolve()} JIFEN_DATA_DIR=data/trial-{population}"
    show.errors.print(f"  {folders} .venv/bin/jifen run --as-of {day}", style="bold")
    show.errors.print(f"{state / 'faults.yml'} is the fault plan, read again whenever it changes. Ctrl-C ends it.")
    serve(population, state, data, faults)


def _serve_samples(sources: Path | None, state: Path, faults: Path | None, rows: int, seed: int) -> None:
    from sandbox.serve import serve_samples
    from sandbox.standin.faults import PLAN
    from sandbox.standin.rows import UsageError
    from sandbox.start import SAMPLES

    show.errors.print(f"serving {sources or SAMPLES}; once {state / 'ready.json'} is there, all listen.")
    show.errors.print(f"The variables that lead to them: set -a; . {state / 'ready.env'}; set +a", style="bold")
    show.errors.print(f"{state / PLAN} is the fault plan, read again whenever it changes. Ctrl-C ends it.")
    try:
        serve_samples(sources or SAMPLES, state, rows=rows, seed=seed, faults=faults)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None


def demo(
    population: Population = "district",
    data: Data = None,
    hold: Annotated[bool, typer.Option(help="Keep sandbox and Prefect up after the run, until Ctrl-C.")] = False,
) -> None:
    """Run one whole night: agencies on loopback, a Prefect server, an edition, a bank's file and a notice."""
    from cli.demo import run_demo

    _require(population, data)
    data_dir = Path(os.environ.get(VARIABLE, DEMO_DIR / f"demo-{population}"))
    require_no_real_store(data_dir)
    show.errors.print(f"the demo keeps all it makes in {show.safe(data_dir.resolve())}")
    os.environ[CALLED_AS] = called_as([sys.argv[0], LEADING, os.path.relpath(data_dir)])
    _private(data_dir)
    raise typer.Exit(run_demo(population, data, data_dir.resolve(), hold))


def require_no_real_store(folder: Path) -> None:
    """Made-up scores must not become current where real nights run. Only a demo leaves a Prefect server's log."""
    held = [name for name in (LEDGER_ID, "ledger.sqlite", *OURS) if (folder / name).exists()]
    if held and not (folder / SERVER_HOME / SERVER_LOG).is_file():
        misused(
            f"{folder} holds {held[0]}, which no demo made: what the demo makes up does not go there, and nothing was "
            f"touched. Whose: config. Next: jifen --data-dir FOLDER demo with another folder, or unset {VARIABLE}"
        )


def _private(folder: Path) -> None:
    """Make a folder, and `data` about it, for their owner alone where they are not there: a real night may follow."""
    for one in (folder.absolute().parent, folder):
        one.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def _require(population: str, data: Path | None) -> None:
    if population not in ("district", "listed"):
        raise typer.BadParameter(f"{population}: there are district and listed")
    if population == "district" and data is not None:
        raise typer.BadParameter(
            "--data is the folder of real companies and goes with --population listed; "
            "where results are kept is `jifen --data-dir FOLDER demo`"
        )
    if population == "listed" and (data is None or not (data / "listed_companies").is_dir()):
        raise typer.BadParameter(
            "the listed population needs --data FOLDER, one that holds listed_companies/ and uscc/"
        )
