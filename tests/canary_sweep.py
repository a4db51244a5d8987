"""Plant a secret in every place that holds one, let every kind of fault strike, and search all that was written.

`python -m tests.canary_sweep` runs every kind against every sample source inside a real Prefect flow, every logger at
its most talkative, each failure's whole traceback written out. Then the Prefect database, the logs, the raw store,
landed data, quarantine and ledgers are searched for each secret in each of its forms. The tests take a fixed sample.
"""

import argparse
import json
import logging
import os
import random
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from connectors.asked import partition_values
from connectors.drivers.pages import Ask
from connectors.pull import driver_of
from connectors.source_files import read_sources
from connectors.zone import Zone
from flows.night import Night
from flows.prefect_server import local_server
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import open_ledger
from sandbox.acceptance.canaries import found_in_folder, pattern_of, secrets_of
from sandbox.acceptance.matrix import cells_of
from sandbox.standin.kinds import FAULT_KINDS
from sandbox.start import start_standin

SAMPLES = PROJECT_DIR / "sandbox" / "samples"
DAY = date(2025, 6, 30)
DSN, NO_SERVER = "HOUSING_FUND_DATABASE_URL", "no server behind the database's address"
# The sample's own database is a file and has no password: this address has one, and no server answers at it.
DEAD_DSN = "postgresql+psycopg://reader:canary-of-the-dsn-7f3a@127.0.0.1:9/fund"
CONTROL = "a text that the search must find, or it has searched nothing"


@dataclass(frozen=True)
class SecretsSought:
    """What a sweep found: how many secrets were planted, how many cells ran and failed, and where a secret stood."""

    secrets: int
    cells: int
    failed: int
    kinds: int
    found: list[str]


def plan(sample: int | None, seed: int = 11) -> list[dict[str, str]]:
    """Every kind against the first dataset of every source that it applies to, or a sample of these."""
    cells = [
        cell.plan()
        for source in read_sources(SAMPLES)
        for cell in cells_of(source, source.datasets[:1], FAULT_KINDS, ("first",))
    ]
    dead = {"kind": NO_SERVER, "source": "housing_fund", "dataset": "", "position": "first"}
    dead["dataset"] = next(cell["dataset"] for cell in cells if cell["source"] == dead["source"])
    if sample is None:
        return [*cells, dead]
    chosen = [*random.Random(seed).sample(cells, min(sample, len(cells))), dead]
    return sorted(chosen, key=lambda cell: (cell["source"], cell["kind"]))


def strike(folder: Path, cells: Iterable[dict[str, str]]) -> int:
    """Run these cells in a Prefect flow; answers how many of the pulls failed. Runs in a process of its own."""
    from prefect import flow
    from prefect.logging import get_run_logger

    from flows.nightly import pull_task

    logging.basicConfig(filename=folder / "out" / "debug.log", level=logging.DEBUG, force=True)
    sources = {source.name: source for source in read_sources(SAMPLES)}
    with start_standin(SAMPLES, folder / "standin") as agency:
        os.environ.update(agency.env)
        (folder / "env.json").write_text(json.dumps({**agency.env, DSN: DEAD_DSN}), encoding="utf-8")

        @flow(name="canaries")
        def sweep() -> int:
            failed = 0
            get_run_logger().warning(CONTROL)
            for number, cell in enumerate(cells):
                settings = Settings(
                    data_dir=folder / "out" / f"installation-{number}",
                    retry_seconds=1.5,
                    request_timeout_seconds=1,
                    _env_file=None,
                )
                night = Night("canary", DAY, settings, open_ledger(settings), (), (), Zone())
                source = sources[cell["source"]]
                agency.set_faults([] if cell["kind"] == NO_SERVER else [{**cell, "times": 1000}])
                os.environ[DSN] = DEAD_DSN if cell["kind"] == NO_SERVER else agency.env[DSN]
                ended = pull_task.with_options(retries=0)(
                    night, source, source.dataset(cell["dataset"]), return_state=True
                )
                failed += ended.is_failed() or ended.result().state == "failed"
                _walk_into(folder / "out" / "tracebacks.log", night, cell, source)
                night.ledger.dispose()
            return failed

        return sweep()


def _walk_into(log: Path, night: Night, cell: dict[str, str], source: object) -> None:
    """The same fault once more without the pull around it, so that the driver's own traceback is written out whole."""
    dataset = source.dataset(cell["dataset"])
    values = partition_values(source, dataset, night.settings, night.ledger, DAY)
    ask = Ask(source, dataset, night.settings, partition_values=values, as_of=DAY)
    try:
        list(driver_of(source.driver)(ask))
    except Exception:  # noqa: BLE001 - whatever it is, its words are what we look at
        with log.open("a", encoding="utf-8") as handle:
            handle.write(f"{cell}\n{traceback.format_exc()}\n")


def run(folder: Path, sample: int | None, served: Callable[[Path], Any] = local_server) -> SecretsSought:
    """Start a Prefect server and a process that sweeps, then search what both left behind.

    `served` gives a server that runs already, in place of a new one.
    """
    cells = plan(sample)
    out = folder / "out"
    out.mkdir(parents=True)
    (folder / "cells.json").write_text(json.dumps(cells), encoding="utf-8")
    command = [sys.executable, "-P", "-m", "tests.canary_sweep", "--strike", str(folder)]
    own = {"PREFECT_LOGGING_LEVEL": "DEBUG", "PYTHONPATH": str(PROJECT_DIR)}
    with served(out / "prefect") as server, (out / "said.log").open("wb") as said:
        environment = {**os.environ, **server, **own}
        done = subprocess.run(command, env=environment, cwd=folder, stdout=said, stderr=said, check=False)
    if done.returncode != 0:
        raise RuntimeError((out / "said.log").read_text(encoding="utf-8", errors="replace")[-3000:])
    env = json.loads((folder / "env.json").read_text(encoding="utf-8"))
    secrets = [secret for source in read_sources(SAMPLES) for secret in secrets_of(source, env) if secret.forms]
    pattern = pattern_of(secrets)
    if pattern is None:
        raise RuntimeError("no secret was planted")
    written = {out, Path(server["PREFECT_HOME"])}
    seen = " ".join(name for part in written for name in found_in_folder(part, re.compile(CONTROL.encode())))
    if "prefect.db" not in seen or "debug.log" not in seen:
        raise RuntimeError(f"the search does not find what was written on purpose, only in: {seen}")
    failed = int((folder / "failed").read_text())
    found = sorted({name for part in written for name in found_in_folder(part, pattern)})
    return SecretsSought(len(secrets), len(cells), failed, len({cell["kind"] for cell in cells}), found)


def main() -> int:
    """Sweep, or with --strike be the process that the faults strike; exit code 1 where a secret was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, help="so many cells instead of all")
    parser.add_argument("--strike", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.strike is not None:
        cells = json.loads((asked.strike / "cells.json").read_text(encoding="utf-8"))
        (asked.strike / "failed").write_text(str(strike(asked.strike, cells)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        swept = run(Path(folder) / "sweep", asked.sample)
    print(  # noqa: T201 - what it prints is what it is for
        f"{swept.secrets} secrets x {swept.kinds} kinds of fault: {swept.cells} pulls, {swept.failed} failed as they "
        f"should; secrets found in what was written: {len(swept.found)}"
    )
    for name in swept.found:
        print(f"  {name}")  # noqa: T201 - the same
    return int(bool(swept.found))


if __name__ == "__main__":
    sys.exit(main())
