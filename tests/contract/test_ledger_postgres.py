"""A ledger in PostgreSQL: a server that stops is waited for, but not for ever."""

import os
import signal
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from flows.faults import sentence
from ledger import store
from ledger.publications import current_id
from ledger.settings import Settings


@pytest.fixture
def ledger(postgres, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "ANSWER_SECONDS", 0.5)
    engine = store.open_ledger(Settings(data_dir=tmp_path, ledger_url=postgres, _env_file=None))
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
