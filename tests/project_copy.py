"""A copy of the project in which a sweep may change rules and schedules, and a process that works there."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from editions.durable import remove_tree
from ledger.settings import PROJECT_DIR

ROOMS = ("cli", "connectors", "editions", "expectations", "flows", "ledger")
COPIED = (*ROOMS, "dbt_project", "sandbox", "tests", "requirements", "pyproject.toml", "prefect.yaml")
LEFT_OUT = shutil.ignore_patterns("target", "logs", "__pycache__", "real")


def run_in_copy(module: str) -> int:
    """Run a module of the tests again in a copy of the project, with `--within` a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"{module.rpartition('.')[2]}-") as name:
        folder = Path(name)
        there, temporary = folder / "project", folder / "tmp"
        temporary.mkdir()
        for part in COPIED:
            if (PROJECT_DIR / part).is_dir():
                shutil.copytree(PROJECT_DIR / part, there / part, ignore=LEFT_OUT)
            else:
                shutil.copy(PROJECT_DIR / part, there)
        environment = {**os.environ, "PYTHONPATH": str(there), "TMPDIR": str(temporary), "JIFEN_ENV_FILE": ""}
        command = [sys.executable, "-m", module, *sys.argv[1:], "--within", name]
        try:
            return subprocess.run(command, cwd=there, env=environment, check=False).returncode
        finally:
            remove_tree(folder / "data")
