"""Whole nights killed by SIGKILL and gone on with by nobody: a fixed sample of `python -m tests.kill_sweep`."""

import re
import subprocess
import sys

from ledger.settings import PROJECT_DIR


def test_of_nights_killed_anywhere_nothing_is_lost_twice_or_half_there():
    # A process of its own: it forks, which one that has threads may not.
    command = [sys.executable, "-m", "tests.kill_sweep", "--small", "--points", "72", "--kills", "28"]
    done = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False, timeout=2400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left at a crash point: 72 done of 72 wanted, 72 died of it" in done.stdout
    assert re.search(r"killed at a random moment: \d+ done of 28 wanted, 28 died of it", done.stdout)
