"""What a simulation writes: all of it or nothing, never over anything, and no name of an agency as markup."""

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.errors import ConfigError
from editions import simulation
from editions.simulation import SimulationError, compare
from flows.simulate import require_cases
from ledger.settings import PROJECT_DIR

TABLES = """
create table rankings(uscc varchar, enterprise_name varchar, stage varchar, industry_name varchar, score double,
    rank_overall integer);
create table enterprise_facts(uscc varchar, revenue_cny decimal(20, 2));
create table product_offers(uscc varchar, product_id varchar, decision varchar, limit_fen bigint, is_addition boolean);
create table policy_decisions(uscc varchar, policy_id varchar, decision varchar);
create table reward_places(uscc varchar, reward_id varchar, state varchar);
create table subsidy_pay_list(amount_fen bigint);
create table programme_conditions(fact varchar, lo decimal(20, 2), hi decimal(20, 2));
create table product_limits(product_id varchar, version varchar, lo_cny decimal(20, 2), hi_cny decimal(20, 2));
create table products(product_id varchar, version varchar, basis varchar);
create table subsidy_tiers(revenue_low_cny decimal(20, 2), revenue_high_cny decimal(20, 2));
create table stages(revenue_low_cny decimal(20, 2), revenue_high_cny decimal(20, 2));
create table facts(subject_id integer, fact varchar, number decimal(20, 6));
"""
HOSTILE = "<script>alert(1)</script>"
HASH = "45c30df317a5e525"
KILLED = """
import os, signal, sys
from pathlib import Path
from editions import simulation

*warehouses, out, kill_at = sys.argv[1:]
calls, write = 0, simulation._write

def count(*_):
    global calls
    calls += 1
    if calls == int(kill_at):
        os.kill(os.getpid(), signal.SIGKILL)

def counted(*arguments):
    sys.setprofile(count)
    write(*arguments)

simulation._write = counted
simulation.compare(*map(Path, warehouses), Path(out), {"as_of": "2025-06-30", "inputs": {}})
sys.setprofile(None)
print(calls)
"""
"""Writes a simulation and is killed at a call of a function, of Python or of C, from the first file on."""


@pytest.fixture
def warehouses(tmp_path: Path) -> list[Path]:
    """Two enterprises, which change places."""
    paths = []
    for name, ranks in (("today", (1, 2)), ("proposed", (2, 1))):
        path = tmp_path / f"{name}.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute(TABLES)
            for uscc, rank in zip("ab", ranks, strict=True):
                row = [uscc, HOSTILE, "growth", HOSTILE, 1.0, rank]
                connection.execute("insert into rankings values (?, ?, ?, ?, ?, ?)", row)
        paths.append(path)
    return paths


def run(warehouses: list[Path], out: Path) -> dict[str, Any]:
    return compare(*warehouses, out, {"as_of": "2025-06-30", "inputs": {"tax.statements": HASH}})


def test_who_gains_and_who_loses_is_written_with_hashes(warehouses: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    (zone,) = [row for row in run(warehouses, out)["groups"] if row["field"] == "zone"]
    assert (zone["gains"], zone["loses"]) == (1, 1)
    assert {line.split()[1] for line in (out / "SHA256SUMS").read_text().splitlines()} == {
        path.name for path in out.iterdir() if path.name != "SHA256SUMS"
    }
    content = (out / "page.html").read_text(encoding="utf-8")
    assert HOSTILE not in content
    assert "上升 gain" in content
    assert (HASH in content, HASH in (out / "record.json").read_text(encoding="utf-8")) == (False, True)
    assert list(out.parent.iterdir()) == [out], "nothing lies beside it"


def test_a_run_that_breaks_off_leaves_nothing_and_may_be_run_again(
    warehouses: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as broken:
        broken.setattr(simulation, "canonical_json", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(warehouses, out)
    assert not out.exists()
    run(warehouses, out)
    with pytest.raises(SimulationError, match="is there already"):
        run(warehouses, out)


def test_a_kill_while_it_is_written_leaves_all_or_nothing_and_it_may_be_run_again(
    warehouses: list[Path], tmp_path: Path
) -> None:
    def killed(out: Path, kill_at: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", KILLED, *map(str, warehouses), str(out), str(kill_at)]
        return subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False)

    whole = tmp_path / "whole" / "out"
    calls = int(killed(whole, 0).stdout)
    names = sorted(path.name for path in whole.iterdir())
    for kill_at in (*random.Random(11).sample(range(1, calls), 3), calls - 5):  # three anywhere, one at its end
        out = tmp_path / str(kill_at) / "out"
        assert killed(out, kill_at).returncode == -signal.SIGKILL
        if not out.exists():
            run(warehouses, out)
        assert sorted(path.name for path in out.iterdir()) == names
        sums = ["/usr/bin/env", "sha256sum", "-c", "--quiet", "SHA256SUMS"]
        assert subprocess.run(sums, cwd=out, check=False).returncode == 0


def test_of_two_that_write_one_folder_the_second_is_refused(
    warehouses: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def page_while_the_other_ends(*_: Any) -> str:
        out.mkdir(exist_ok=True)
        (out / "theirs").write_text("kept")
        return ""

    monkeypatch.setattr(simulation, "_page", page_while_the_other_ends)
    with pytest.raises(SimulationError, match="is there already"):
        run(warehouses, out)
    assert [path.name for path in out.iterdir()] == ["theirs"]


def test_a_proposal_that_decides_a_shipped_case_otherwise_is_told_which_and_what_to_do(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "candidate.duckdb")) as connection:
        connection.execute(
            "create table cases_decided as select * from (values "
            "('product', 'loan', 1, 'eligible', 'eligible', 100::bigint, 200::bigint), "
            "('policy', 'reward', 2, 'no', 'near_miss', null, null), ('policy', 'reward', 3, 'no', 'no', null, null)) "
            "t(kind, item_id, case_no, expected, decision, expected_limit_fen, limit_fen)"
        )
    with pytest.raises(ConfigError) as refused:
        require_cases(tmp_path / "candidate.duckdb", Path("terms"))
    assert "2 cases" in str(refused.value)
    assert "policy reward case 2: no stated, near_miss found" in str(refused.value)
    assert "product loan case 1: eligible stated, eligible found, limit in fen 100 stated, 200 found" in str(
        refused.value
    )
    assert "programme_cases.csv" in str(refused.value)
