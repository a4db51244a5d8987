"""An installation: one data folder, one sandbox of agencies, and the command line run as an operator would."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq
from sqlalchemy import Engine

from ledger.settings import Settings
from ledger.store import open_ledger
from sandbox.start import Sandbox
from tests import command_line
from tests.district_truth import whole_truth

JIFEN = [sys.executable, "-P", "-m", "cli"]


@dataclass(frozen=True)
class Ran:
    """One `jifen` command: its exit code and the JSON that it printed."""

    code: int
    output: Any


@dataclass(frozen=True)
class Installation:
    """What an operator has: a data folder and the agencies' addresses."""

    data_dir: Path
    sandbox: Sandbox
    retry_seconds: int = 120
    """The budget of each pull: a busy machine answers late; `impatient` is for agencies that are away."""

    @property
    def environment(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_API", "JIFEN_"))}
        # Explicitly, so that no .env of this checkout can lead a test to somebody's real ledger.
        own = {
            "JIFEN_ENV_FILE": "",
            "JIFEN_RETRY_SECONDS": str(self.retry_seconds),
            "JIFEN_DATA_DIR": str(self.data_dir),
            "JIFEN_LEDGER_URL": f"sqlite:///{self.data_dir / 'ledger.sqlite'}",
            "JIFEN_ZONE_FILE": "",
        }
        return {**plain, **own, **self.sandbox.env}

    @property
    def impatient(self) -> "Installation":
        """The same installation with a budget that a dead agency uses up in seconds."""
        return replace(self, retry_seconds=10)

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.data_dir, _env_file=None)

    @property
    def ledger(self) -> Engine:
        return open_ledger(self.settings)

    @property
    def as_of(self) -> date:
        return self.sandbox.as_of

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """This process as the installation's own: its variables, and a folder without any .env."""
        with patch.dict(os.environ, self.environment, clear=True), chdir(self.sandbox.state):
            yield

    def jifen(self, *arguments: str) -> Ran:
        """One command, in this process."""
        done = command_line.jifen(*arguments, "--json", env=self.environment, cwd=self.sandbox.state)
        assert done.stdout, done.stderr[-3000:]
        return Ran(done.returncode, json.loads(done.stdout))

    def process(self, *arguments: str) -> Ran:
        """The same as a process of its own, as an operator starts it."""
        command = [*JIFEN, *arguments, "--json"]
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=self.sandbox.state,
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
        )
        assert done.stdout, done.stderr[-3000:]
        return Ran(done.returncode, json.loads(done.stdout))

    def run(self, as_of: date | None = None) -> Ran:
        return self.jifen("run", "--as-of", (as_of or self.as_of).isoformat())

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[bytes]":
        """A command in a process of its own that a test may kill."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [*JIFEN, *arguments, "--json"]
        return subprocess.Popen(command, env=self.environment | variables, cwd=self.sandbox.state, **quiet)

    @property
    def current(self) -> Path:
        return (self.data_dir / "editions" / "current").resolve()

    def table(self, name: str, folder: str = "tables") -> list[dict[str, Any]]:
        return pq.read_table(self.current / folder / f"{name}.parquet", partitioning=None).to_pylist()

    @property
    def truth(self) -> dict[str, Any]:
        """What is true of the district, worked out without the pipeline."""
        return whole_truth()

    def faults(self, *plan: dict[str, Any]) -> None:
        """Put these faults in force in place of those before; none is a healthy day."""
        self.sandbox.set_faults(plan)

    def requests(self, agency: str, path: str) -> list[dict[str, Any]]:
        lines = (self.sandbox.state / "access.jsonl").read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines]
        return [line for line in found if line["source"] == agency and line["path"].endswith(path)]

    def events(self) -> list[dict[str, Any]]:
        path = self.sandbox.state / "webhook" / "events.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def packages(self) -> list[dict[str, bytes]]:
        """What the bank has in its inbox, opened by gpg and tar alone: the files of each package by name, in order."""
        keys = self.sandbox.state / "openpgp"
        return [opened_by_gpg(path, keys / "bank_a.secret.asc", keys / "zone.asc") for path in self.inbox(".tar.gpg")]

    def inbox(self, suffix: str) -> list[Path]:
        return sorted((self.sandbox.state / "sftp" / "bank_a" / "inbox").glob(f"*{suffix}"))


def opened_by_gpg(package: Path, *keys: Path) -> dict[str, bytes]:
    """The files of a sealed package, by the programs that a bank has."""
    with TemporaryDirectory(prefix="gpg-") as folder:
        base = ["/usr/bin/gpg", "--homedir", folder, "--batch", "--quiet"]
        try:
            for key in keys:
                subprocess.run([*base, "--import", str(key)], check=True, capture_output=True)
            opened = subprocess.run([*base, "--decrypt", str(package)], check=True, capture_output=True).stdout
        finally:
            subprocess.run(["/usr/bin/gpgconf", "--homedir", folder, "--kill", "all"], check=True)
        out = Path(folder) / "out"
        out.mkdir()
        subprocess.run(["/usr/bin/env", "tar", "-x", "-C", str(out)], input=opened, check=True)
        subprocess.run(["/usr/bin/env", "sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=out, check=True)
        return {path.name: path.read_bytes() for path in out.iterdir()}
