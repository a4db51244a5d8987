"""A run that is killed, whatever by: no dbt goes on behind it, and no row says that it is still at work."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ledger.runs import RunLockedError, latest_runs, start_run
from ledger.settings import PROJECT_DIR, Settings
from ledger.store import open_ledger
from ledger.tables import runs

DAY = date(2025, 6, 30)
BUILD = """
import sys
from datetime import date
from pathlib import Path
from cli.entry import leave_with, _interrupt
import signal
from editions.build import build
from editions.candidate import new_candidate
from ledger.settings import PROJECT_DIR
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, _interrupt)
leave_with(lambda: build(new_candidate(Path(sys.argv[1]), "killed"), date(2025, 6, 30), PROJECT_DIR))
"""
BEGIN = """
import sys, time
from datetime import date
from pathlib import Path
from ledger.runs import start_run
from ledger.settings import Settings
from ledger.store import open_ledger
settings = Settings(data_dir=Path(sys.argv[1]), ledger_url=sys.argv[2] or None, _env_file=None)
start_run(open_ledger(settings), date(2025, 6, 30), "plain")
print("begun", flush=True)
time.sleep(600)
"""


def children_of(process: int) -> set[int]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = stat.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == process:
            found.add(int(stat.parent.name))
    return found


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def within(seconds, condition):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    return condition()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_dbt_is_left_behind(tmp_path, number):
    night = subprocess.Popen([sys.executable, "-c", BUILD, str(tmp_path)], cwd=PROJECT_DIR, stderr=subprocess.DEVNULL)
    log = tmp_path / "candidates" / "killed" / "logs" / "build.txt"
    try:
        (dbt,) = within(60, lambda: children_of(night.pid)) or pytest.fail("dbt was not started")
        # In the midst of its work, not before its first line.
        assert within(60, lambda: log.exists() and log.stat().st_size > 0)
        assert is_running(dbt)
        os.kill(night.pid, number)
        night.wait(timeout=60)
        assert within(10, lambda: not is_running(dbt))
    finally:
        night.kill()
        night.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request, tmp_path):
    url = request.getfixturevalue("database") if request.param == "postgresql" else None
    return Settings(data_dir=tmp_path / "data", ledger_url=url, _env_file=None)


def test_the_row_of_a_run_that_is_alive_is_not_closed_and_that_of_a_dead_one_is(settings):
    command = [sys.executable, "-c", BEGIN, str(settings.data_dir), settings.ledger_url or ""]
    other = subprocess.Popen(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True)
    ledger = open_ledger(settings)
    try:
        assert other.stdout.readline() == "begun\n"
        with pytest.raises(RunLockedError, match=r"is at work on .*, last seen at"):
            start_run(ledger, DAY, "plain")
        assert [row["state"] for row in latest_runs(ledger, 5)] == ["running"]
    finally:
        other.kill()
        other.wait()
    start_run(ledger, DAY, "plain")
    assert [row["state"] for row in latest_runs(ledger, 5)] == ["running", "failed"]
    ledger.dispose()


@pytest.mark.parametrize(("minutes", "is_alive"), [(1, True), (30, False), (-1, True), (-30, False)])
def test_a_run_on_another_host_is_alive_while_it_is_heard_of(settings, minutes, is_alive):
    ledger = open_ledger(settings)
    first = start_run(ledger, DAY, "plain")
    heard = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="milliseconds")
    with ledger.begin() as connection:
        connection.execute(update(runs).values(host="another", process="7@7", seen_at=heard))
    if is_alive:
        with pytest.raises(RunLockedError, match="is at work on another"):
            start_run(ledger, DAY, "plain")
    else:
        start_run(ledger, DAY, "plain")
    with ledger.begin() as connection:
        state = connection.execute(select(runs.c.state).where(runs.c.run_id == first)).scalar_one()
    assert state == ("running" if is_alive else "failed")
    ledger.dispose()
