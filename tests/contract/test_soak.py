"""A few nights in one process, over the end of a year: the short form of `python -m tests.soak`."""

import subprocess
import sys

from ledger.settings import PROJECT_DIR


def test_nights_over_the_end_of_a_year_in_one_process_leave_nothing_open_and_nothing_unsaid():
    # A process of its own: it forks, and it sets the clock.
    command = [sys.executable, "-m", "tests.soak", "--nights", "4", "--first-day", "2025-12-30", "--seed", "4"]
    done = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nights: 4 of 4: 4 published" in done.stdout
    assert "'rule_change': 1" in done.stdout
    assert "0 findings" in done.stdout
