"""`jifen simulate`, killed at any moment: no half record, no changed edition, and the next one succeeds."""

import random
import signal
import subprocess
import time

import pytest

from ledger.runs import latest_runs
from ledger.settings import PROJECT_DIR

pytestmark = [pytest.mark.night, pytest.mark.sweep]

KILLS = 12


def test_wherever_it_is_killed_there_is_all_or_nothing_and_the_next_one_succeeds(first_night, tmp_path):
    installation, _ = first_night
    terms, work = tmp_path / "terms", tmp_path / "work"
    terms.mkdir()
    work.mkdir()
    lines = (PROJECT_DIR / "dbt_project" / "seeds" / "programme" / "rewards.csv").read_text(encoding="utf-8")
    (terms / "rewards.csv").write_text(lines.replace("model enterprise,10,", "model enterprise,12,"), encoding="utf-8")

    def simulate(name, seconds=None):
        """The exit code; killed after so many seconds, if it is still at work then."""
        out = tmp_path / name / "out"
        process = installation.start("simulate", "--out", str(out), "--parameters", str(terms), TMPDIR=str(work))
        try:
            return out, process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return out, process.wait()

    before = (installation.current, sorted(installation.current.rglob("*")), latest_runs(installation.ledger, 10))
    began = time.monotonic()
    whole, code = simulate("whole")
    took = time.monotonic() - began
    assert code == 0
    names = sorted(path.name for path in whole.iterdir())
    chance, killed = random.Random(11), 0
    for number in range(KILLS):
        out, code = simulate(str(number), chance.uniform(0, took))
        killed += code == -signal.SIGKILL
        if out.exists():
            assert sorted(path.name for path in out.iterdir()) == names
        assert (
            installation.current,
            sorted(installation.current.rglob("*")),
            latest_runs(installation.ledger, 10),
        ) == before
    last, code = simulate("last")
    assert code == 0
    for name in names:
        assert (last / name).read_bytes() == (whole / name).read_bytes(), name
    assert list(work.glob("jifen-simulate-*")) == [], "what the killed ones left is swept"
    assert killed > KILLS // 2
