"""Which clients there are, and the venv that each of them runs in."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
PROJECT = BENCHMARKS.parent
HERE = BENCHMARKS / "pull"


@dataclass(frozen=True)
class Client:
    """One client: what the table calls it, its script, and its requirement file (None: the project's own venv)."""

    name: str
    script: str
    requirements: str | None

    @property
    def python(self) -> Path:
        """The interpreter of its venv."""
        venv = PROJECT / ".venv" if self.requirements is None else BENCHMARKS / ".venvs" / self.requirements
        return venv / "bin" / "python"


CLIENTS = (
    Client("ours", "ours.py", None),
    Client("requests + json", "bare_json.py", "bare"),
    Client("requests + pyarrow.json", "bare_arrow.py", "bare"),
    Client("dlt", "dlt_rest.py", "dlt"),
    Client("airbyte-cdk, in process", "airbyte_cdk_read.py", "airbyte"),
    Client("airbyte-cdk, its entrypoint", "airbyte_entrypoint.py", "airbyte"),
)


def ensure_venvs(clients: Sequence[Client]) -> None:
    """Make each venv that is not there, or not as its requirement file says, by the hashes that stand in it."""
    uv = str(PROJECT / ".venv" / "bin" / "uv")
    environ = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    for name in sorted({client.requirements for client in clients if client.requirements}):
        venv, wanted = BENCHMARKS / ".venvs" / name, BENCHMARKS / "requirements" / f"{name}.txt"
        if not (venv / "bin" / "python").exists():
            interpreter = str(PROJECT / ".venv" / "bin" / "python")
            subprocess.run([uv, "venv", "--quiet", "--python", interpreter, str(venv)], check=True, env=environ)
        sync = [uv, "pip", "sync", "--quiet", "--python", str(venv / "bin" / "python"), "--require-hashes"]
        subprocess.run([*sync, "--compile-bytecode", str(wanted)], check=True, env=environ)
