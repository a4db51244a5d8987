"""`jifen sandbox` and `jifen demo`: the whole system against agencies on loopback."""

import os
from pathlib import Path
from typing import Annotated

import typer

from flows import show

app = typer.Typer(no_args_is_help=True)

Population = Annotated[str, typer.Option(help="district (made up, seeded) or listed (real companies; needs --data).")]
Data = Annotated[Path | None, typer.Option(help="The folder of real data, for the listed population.")]
DEMO_DIR = Path("data")


@app.command("up")
def up(
    population: Population = "district",
    data: Data = None,
    state: Annotated[Path, typer.Option(help="Where the agencies keep their files and ready.json.")] = Path(
        "data/sandbox"
    ),
) -> None:
    """Serve all agencies and recipients until Ctrl-C; ready.json in the state folder names every variable to set."""
    from sandbox.serve import serve

    _require(population, data)
    day = {"district": "2025-06-30", "listed": "2022-06-30"}[population]
    show.errors.print(f"serving {population}; once {state / 'ready.json'} is there, all listen. In another shell:")
    show.errors.print(f"  set -a; . {state / 'ready.env'}; set +a; .venv/bin/jifen run --as-of {day}", style="bold")
    show.errors.print("Ctrl-C ends it.")
    serve(population, state, data)


def demo(
    population: Population = "district",
    data: Data = None,
    hold: Annotated[bool, typer.Option(help="Keep sandbox and Prefect up after the run, until Ctrl-C.")] = False,
) -> None:
    """Run one whole night: agencies on loopback, a Prefect server, an edition, a bank's file and a notice."""
    from flows.demo import run_demo

    _require(population, data)
    data_dir = Path(os.environ.get("JIFEN_DATA_DIR", DEMO_DIR / f"demo-{population}"))
    raise typer.Exit(run_demo(population, data, data_dir.resolve(), hold))


def _require(population: str, data: Path | None) -> None:
    if population not in ("district", "listed"):
        raise typer.BadParameter(f"{population}: there are district and listed")
    if population == "listed" and (data is None or not (data / "listed_companies").is_dir()):
        raise typer.BadParameter(
            "the listed population needs --data FOLDER, one that holds listed_companies/ and uscc/"
        )
