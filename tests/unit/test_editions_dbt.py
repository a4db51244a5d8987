"""dbt's process: started while a night still pulls, asked once, and gone with the night."""

import pytest

from editions import dbt as started
from editions.dbt import Dbt
from tests.forked_dbt import AS_SHIPPED


@pytest.fixture
def processes(monkeypatch):
    found = []

    def start(output):
        found.append(AS_SHIPPED(output))
        return found[-1]

    monkeypatch.setattr(started, "_start", start)
    return found


def ask(dbt, folder):
    code = dbt.run(["--version"], {"ASKED": "yes"}, folder, folder / "build.txt")
    return code, (folder / "build.txt").read_text()


def test_a_process_that_was_started_early_runs_the_order_and_writes_to_its_log(tmp_path, processes):
    with Dbt() as dbt:
        dbt.start()
        dbt.start()
        code, log = ask(dbt, tmp_path)
    assert (code, len(processes)) == (0, 1)
    assert "Core:" in log


def test_a_process_that_ended_before_its_order_is_replaced(tmp_path, processes):
    with Dbt() as dbt:
        dbt.start()
        processes[0][0].kill()
        processes[0][0].wait()
        code, log = ask(dbt, tmp_path)
    assert (code, len(processes)) == (0, 2)
    assert "Core:" in log


def test_where_dbt_cannot_be_imported_the_log_has_the_error(tmp_path, processes, monkeypatch):
    monkeypatch.setattr(started, "_PROCESS", (*started._PROCESS[:2], "-c", "raise ImportError('no dbt here')"))
    with Dbt() as dbt:
        dbt.start()
        processes[0][0].wait()
        code, log = ask(dbt, tmp_path)
    assert (code, len(processes)) == (1, 2)
    assert "no dbt here" in log


def test_an_import_that_fails_after_the_order_was_given_leaves_its_error_in_the_log(tmp_path, processes, monkeypatch):
    # A small night lands in less time than dbt takes to import.
    late = "import sys, editions.dbt_process as process\nsys.modules['dbt.cli.main'] = None\nprocess.main()"
    monkeypatch.setattr(started, "_PROCESS", (*started._PROCESS[:2], "-c", late))
    with Dbt() as dbt:
        dbt.start()
        code, log = ask(dbt, tmp_path)
    assert (code, len(processes)) == (1, 1)
    assert "ModuleNotFoundError" in log


def test_a_process_of_which_nothing_was_asked_ends_with_the_night(processes):
    with Dbt() as dbt:
        dbt.start()
    assert processes[0][0].returncode is not None
    assert processes[0][1].closed


def test_a_process_without_an_order_ends_when_its_pipe_closes(processes):
    Dbt().start()
    process, orders = processes[0]
    orders.close()
    assert process.wait(timeout=60) == 0
