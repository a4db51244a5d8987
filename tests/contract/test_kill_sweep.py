"""Whole nights killed by SIGKILL and gone on with by nobody: a fixed sample of `python -m tests.kill_sweep`."""

import subprocess
import sys

from ledger.settings import PROJECT_DIR


def test_of_nights_killed_anywhere_nothing_is_lost_twice_or_half_there():
    # A process of its own: it forks, which one that has threads may not.
    command = [sys.executable, "-m", "tests.kill_sweep", "--small", "--points", "24", "--kills", "6"]
    done = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left at a crash point: 24 of 24 done, 24 died of it" in done.stdout
    assert "killed at a random moment: 6 of 6 done" in done.stdout
