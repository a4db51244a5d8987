"""A register by SQLAlchemy URL: SQLite as in the demo, and a real PostgreSQL."""

import gc
import json
import time
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, make_url, text

from connectors.drivers.database import pull
from connectors.drivers.pages import Ask
from connectors.errors import AgencyError, ConfigError, ConnectorError, DataError, LineDeadError, TransientError
from connectors.pull import pull_dataset
from connectors.source_files import SOURCES_DIR, read_source
from connectors.spec import DatabaseRequest
from connectors.zone import Zone
from ledger.publications import current_id
from ledger.runs import end_run, latest_runs, start_run
from ledger.settings import Settings
from ledger.store import open_ledger
from tests.contract.databases import execute
from tests.contract.dead_lines import dies_after, drip, flood, server, silence

SCIENCE = read_source(SOURCES_DIR / "science.yml")
CONTRACTS = SCIENCE.dataset("technology_contracts")
ROWS = [(f"T{n:05}", "91110000600037341L", f"{n}.50", "2024-05-01", "registered") for n in range(2500)]


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def url(request, tmp_path):
    """A register with 2,500 contracts."""
    found = f"sqlite:///{tmp_path / 'science.sqlite'}"
    if request.param != "sqlite":
        found = request.getfixturevalue({"postgresql": "postgres", "mysql": "mariadb"}[request.param])
    engine = create_engine(found.replace("mysql:", "mysql+pymysql:"))
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


def read(settings, dataset=CONTRACTS, since=None):
    return list(pull(Ask(SCIENCE, dataset, settings, since)))


def rows_of(pages):
    return [row for page in pages for row in json.loads(page.body)["rows"]]


def settings_of(tmp_path, monkeypatch, url, retry_seconds=60.0):
    monkeypatch.setenv("SCIENCE_DATABASE_URL", url)
    return Settings(data_dir=tmp_path, retry_seconds=retry_seconds, request_timeout_seconds=1, _env_file=None)


def pull_contracts(settings):
    return pull_dataset(SCIENCE, CONTRACTS, Zone(), settings, open_ledger(settings), date(2025, 6, 30))


def test_a_table_lands_whole_in_pages(settings):
    pulled = pull_contracts(settings)
    assert (pulled.state, pulled.rows_landed, pulled.rows_refused) == ("landed", 2500, 0)
    assert [page.label for page in read(settings)] == ["rows up to 1000", "rows up to 2000", "rows up to 2500"]


def test_a_row_without_its_key_is_refused_and_counted_not_lost(settings, url):
    execute(url, "insert into technology_contracts values (null, '91110000600037341L', 1, '2024-05-01', 'registered')")
    pulled = pull_contracts(settings)
    assert (pulled.rows_received, pulled.rows_landed, pulled.rows_refused) == (2501, 2500, 1)
    assert pulled.counts == {"refused:contract_no:required_missing": 1}


def test_numbers_and_moments_of_a_table_land_as_the_digits_and_days_they_are_or_are_refused(settings, url):
    moment = "timestamp" if url.startswith("postgresql") else "datetime"
    execute(url, "drop table technology_contracts")
    execute(
        url,
        "create table technology_contracts (contract_no double precision, seller_uscc text,"
        f" turnover_cny double precision, registered_on {moment}, status text)",
    )
    rows = [
        ("10086", "2024-05-01 00:00:00", "registered"),
        ("440002008012345", "2024-05-01 00:00:00", "registered"),
        ("6222600110012350000", "2024-05-01 00:00:00", "registered"),
        ("10087", "2024-04-30 16:00:00", "registered"),
        ("10088", "1753-01-01 00:00:00", "registered"),
        ("10089", "2024-05-01 00:00:00", "ＮＵＬＬ"),
    ]
    rows += [(str(number), "2024-05-01 00:00:00", "registered") for number in range(20_001, 20_011)]
    for number, at, status in rows:
        values = f"{number}, '91110000600037341L', 1.5, '{at}', '{status}'"
        execute(url, f"insert into technology_contracts values ({values})")  # noqa: S608 - its own rows
    pulled = pull_contracts(settings)
    assert pulled.counts == {
        "refused:contract_no:digits_lost": 1,
        "refused:registered_on:time_of_day": 1,
        "refused:registered_on:out_of_range": 1,
        "missing_word:status": 1,
        "refused:status:required_missing": 1,
    }
    (landed,) = settings.data_dir.glob("landed/science/technology_contracts/*/part-0.parquet")
    numbers = pq.read_table(landed, partitioning=None)["contract_no"].to_pylist()
    assert numbers == ["10086", *map(str, range(20_001, 20_011)), "440002008012345"]


def test_a_column_or_table_that_went_is_the_agencys_fault_and_named(settings, url):
    execute(url, "alter table technology_contracts rename column status to contract_status")
    with pytest.raises(AgencyError, match=r"has no column status; it has .*contract_status"):
        read(settings)
    execute(url, "drop table technology_contracts")
    with pytest.raises(AgencyError, match="there is no table technology_contracts"):
        read(settings)


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ("not a url", ConfigError, "SCIENCE_DATABASE_URL is not a database URL"),
        ("oracle+nothing://user:canary@host/db", ConfigError, "SCIENCE_DATABASE_URL is not a database URL"),
        ("dm://user:canary@127.0.0.1/x", ConfigError, "is not a database URL"),
        ("oracle://user:canary@127.0.0.1/x", ConfigError, r"kind oracle, whose driver is not installed.*\[oracle\]"),
        ("mariadb+mariadbconnector://user:canary@127.0.0.1/x", ConfigError, r"kind mariadb, .*\[mysql\]"),
        ("postgresql://user:canary@bank..example/x", ConfigError, "is not a database URL"),
        (f"mysql://user:canary@{'a' * 64}/x", ConfigError, "is not a database URL"),
        ("mysql://user:no@canary@127.0.0.1:9/x", ConfigError, "is not a database URL"),
        ("mysql://user:canary@127.0.0.1:9/x?nonsense=1", ConfigError, "an option that its driver does not know"),
        ("mysql://user:canary@127.0.0.1:9/x?charset=nonsense", ConfigError, "an option that its driver does not know"),
        ("postgresql://user:canary@127.0.0.1:9/x?nonsense=1", ConfigError, "an option that its driver does not know"),
        ("sqlite:////tmp/gone-canary.sqlite", ConfigError, "names a file that is not there"),
        (f"sqlite:////tmp/{'canary' * 50}.sqlite", ConfigError, "not there, or that this user may not read"),
        ("sqlite:////tmp", ConfigError, "names a file that is not there"),
        ("postgresql+psycopg://user:canary@127.0.0.1:9/none", LineDeadError, "the database does not answer"),
    ],
)
def test_a_url_that_leads_nowhere_is_told_and_its_password_is_not_shown(wrong, error, told, tmp_path, monkeypatch):
    with pytest.raises(error, match=told) as caught:
        read(settings_of(tmp_path, monkeypatch, wrong, retry_seconds=1))
    assert "canary" not in str(caught.value)
    assert not Path("/tmp/gone-canary.sqlite").exists()


@pytest.mark.parametrize(("keep", "body"), [(0, b"<html>" * 400), (50_000, b"")])
def test_a_file_that_is_no_database_or_was_cut_short_is_told(keep, body, tmp_path, monkeypatch):
    path, fields = tmp_path / "science.sqlite", ", ".join(f"{column.source_field} text" for column in CONTRACTS.columns)
    execute(f"sqlite:///{path}", f"create table technology_contracts ({fields})")
    rows = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 9999) select i, 'x' from n"
    execute(f"sqlite:///{path}", f"insert into technology_contracts (contract_no, status) {rows}")
    path.write_bytes(path.read_bytes()[:keep] + body)
    with pytest.raises(DataError, match=r"no SQLite database, or is damaged.*put the file again"):
        read(settings_of(tmp_path, monkeypatch, f"sqlite:///{path}"))


def test_the_ledger_itself_works_on_postgresql(database, tmp_path):
    ledger = open_ledger(Settings(data_dir=tmp_path, ledger_url=database, _env_file=None))
    run_id = start_run(ledger, date(2025, 6, 30), "plain")
    end_run(ledger, run_id, "nothing_new", None, {"message": "积分"})
    assert latest_runs(ledger)[0]["report"] == {"message": "积分"}
    assert latest_runs(ledger, parts=("message", "steps"))[0]["report"] == {"message": "积分"}
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
        return [row["contract_no"] for row in rows_of(read(settings, dataset, since))]

    return keys


@pytest.mark.parametrize(
    ("since", "field", "data_type", "found"),
    [
        (None, "changed_at", "timestamp", ["T1", "T2", "T3", "T4"]),
        ("2025-06-02", "changed_on", "date", ["T2", "T3", "T4"]),
        ("2025-06-02", "said", "date", ["T2", "T3", "T4"]),
    ],
)
def test_a_feed_gives_what_is_not_below_the_bound_and_what_nobody_dated(changes, since, field, data_type, found):
    assert sorted(changes(since, field, data_type)) == found


@pytest.mark.parametrize(
    ("field", "data_type"), [("changed_on", "date"), ("changed_at", "timestamp"), ("said", "date")]
)
def test_a_feed_gives_each_time_what_has_a_day_that_stands_for_none(changes, url, field, data_type):
    days = {"postgresql": "-infinity"} if field != "said" else {}
    none = days.get(make_url(url).get_backend_name(), "0000-00-00")
    for no, day in (("T5", none), ("T6", "1900-01-01")):
        execute(url, f"insert into changes (contract_no, {field}) values ('{no}', '{day}')")  # noqa: S608 - made up here
    assert {"T5", "T6"} <= set(changes("2025-06-03T00:00:00", field, data_type))


def test_a_feed_by_text_gives_what_is_no_plain_day_each_time_it_is_read(changes, url):
    for no, said in (("T5", " 2025-06-04"), ("T6", "2/6/2025"), ("T7", "05.06.2025"), ("T8", "2025-05-31"), ("T9", "")):
        execute(url, f"insert into changes (contract_no, said) values ('{no}', '{said}')")  # noqa: S608 - made up here
    found = set(changes("2025-06-03", "said", "date"))
    assert found == {"T3", "T4", "T5", "T6", "T7", "T9"}


def test_a_feed_by_moments_of_text_in_utc_leaves_none_out(changes, url):
    # 2025-06-04 03:00 in Shanghai is behind what is held, and its text sorts below the day of the bound.
    execute(url, "insert into changes (contract_no, said) values ('T5', '2025-06-03T19:00:00Z')")
    assert "T5" in changes("2025-06-03T18:00:00", "said")


def test_the_bound_is_utc_and_a_column_without_an_offset_holds_the_zones_own_time(changes, url):
    # 02:00 UTC is 10:00 in Shanghai: the row of that very second is asked for again.
    found = changes("2025-06-02T02:00:00", "changed_at")
    # SQLite keeps moments as text: of those the day before is asked for too.
    before = {"T4"} | ({"T1"} if url.startswith("sqlite") else set())
    assert [key for key in found if key not in before] == ["T2", "T3"]
    later = changes("2025-06-03T02:00:01", "changed_at")
    before |= {"T2"} if url.startswith("sqlite") else set()
    assert [key for key in later if key not in before] == ["T3"]


def test_a_feed_comes_in_the_order_of_its_column_and_then_of_its_key(changes, url):
    execute(url, "insert into changes (contract_no, changed_at) values ('T0', '2025-06-03 10:00:01')")
    assert [key for key in changes("2025-06-01T00:00:00", "changed_at") if key != "T4"] == ["T1", "T2", "T0", "T3"]


def test_a_column_that_is_no_date_cannot_be_asked_for_what_is_new(changes, url):
    if not url.startswith("sqlite"):
        with pytest.raises(ConfigError, match="cannot be asked for what is new"):
            changes("2025-06-02", "count")
    else:
        # SQLite keeps what it is given: a number is never compared with a day, so no row is passed over.
        assert changes("2025-06-02", "count") == ["T1", "T2", "T3", "T4"]


def one_value(url, kind, value, tmp_path, monkeypatch):
    """What a value of a column of this type becomes in a page."""
    settings = settings_of(tmp_path, monkeypatch, url)
    fields = "contract_no text, seller_uscc text, registered_on date, status text"
    execute(url, "drop table if exists technology_contracts")
    execute(url, f"create table technology_contracts ({fields}, turnover_cny {kind})")
    execute(url, f"insert into technology_contracts (contract_no, turnover_cny) values ('T1', {value})")  # noqa: S608 - made up here
    return rows_of(read(settings))[0]["turnover_cny"]


VALUES = {
    "sqlite": [
        ("blob", "x'ff00'", "0xff00"),
        ("boolean", "'N'", "N"),
        ("boolean", "'false'", "false"),
        ("boolean", "2", 2),
        ("decimal(10, 2)", "1234.5678", 1234.5678),
        ("numeric", "1e-11", 1e-11),
        ("decimal(10, 2)", "'待核'", "待核"),
        ("uuid", "'12345678-1234'", "12345678-1234"),
        ("text", "cast(x'bbaad0c7' as text)", "\ufffd" * 4),
    ],
    "postgres": [
        ("double precision", "'NaN'", "nan"),
        ("numeric", "'NaN'", "NaN"),
        ("numeric(40, 2)", "12345678901234567890123456789012345678.90", "12345678901234567890123456789012345678.90"),
        ("bytea", "'\\xff00'::bytea", "0xff00"),
        ("bytea", "'abc'::bytea", "abc"),
        ("boolean", "true", True),
        ("time", "'08:30'", "08:30:00"),
        ("interval", "'90 minutes'", "5400.000000"),
        ("interval", "'1 mon'", "1 mon"),
        ("real", "1234567.89", "1234567.9 (single precision)"),
        ("real", "1234.567", 1234.567),
        ("date", "'infinity'", "infinity"),
        ("date", "'0044-03-15 BC'", "0044-03-15 BC"),
        ("timestamp", "'12024-05-01 00:00'", "12024-05-01 00:00:00"),
        ("timestamptz", "'-infinity'", "-infinity"),
        ("uuid", "'12345678-1234-1234-1234-123456789abc'", "12345678-1234-1234-1234-123456789abc"),
        ("json", "'{\"a\": [1]}'", {"a": [1]}),
    ],
    "mariadb": [
        ("tinyint(1)", "1", 1),
        ("boolean", "false", 0),
        ("bit(1)", "b'1'", 1),
        ("bigint unsigned", "18446744073709551615", 18446744073709551615),
        ("decimal(38, 2)", "123456789012345678901234567890123456.78", "123456789012345678901234567890123456.78"),
        ("double", "0.1", 0.1),
        ("year", "2024", 2024),
        ("date", "'2024-02-29'", "2024-02-29"),
        ("date", "'0000-00-00'", "0000-00-00"),
        ("date", "'2024-00-15'", "2024-00-15"),
        ("datetime", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
        ("datetime(6)", "'2024-12-31 23:59:59.999999'", "2024-12-31T23:59:59.999999"),
        ("double", "1e-12", 1e-12),
        ("float", "0.5", 0.5),
        ("float", "0.1", 0.1),
        ("float", "1234567.89", "1234567.9 (single precision)"),
        ("float", "12345.678", 12345.678),
        ("float", "1000000", 1000000),
        ("float(10, 2)", "1234567.89", "1234567.9 (single precision)"),
        ("int(5) zerofill", "12", "00012"),
        ("timestamp", "0", "0000-00-00 00:00:00"),
        ("time", "'08:30:00'", "08:30:00"),
        ("time", "'100:00:00'", "100:00:00"),
        ("time", "'-01:00:00'", "-01:00:00"),
        ("varbinary(4)", "x'ff00'", "0xff00"),
        ("blob", "'abc'", "abc"),
        ("enum('甲','乙')", "'乙'", "乙"),
        ("set('a','b')", "'b,a'", "a,b"),
        ("json", "'{\"a\": 1}'", '{"a": 1}'),
        ("varchar(20) character set gbk", "'企业创新𠮷'", "企业创新?"),
        ("varchar(20)", "'企业𠮷'", "企业𠮷"),
        ("longtext", "repeat('积', 3000000)", "积" * 3_000_000),
    ],
}


@pytest.fixture
def made(request, tmp_path):
    """The URL of a database of a make."""

    def of(make):
        return f"sqlite:///{tmp_path / 'made.sqlite'}" if make == "sqlite" else request.getfixturevalue(make)

    return of


@pytest.mark.parametrize(("make", "kind", "value", "told"), [(make, *one) for make in VALUES for one in VALUES[make]])
def test_every_type_has_a_form_and_sqlite_tells_what_it_keeps(make, kind, value, told, made, tmp_path, monkeypatch):
    assert one_value(made(make), kind, value, tmp_path, monkeypatch) == told


def test_a_moment_with_an_offset_has_a_form(postgres, tmp_path, monkeypatch):
    moment = one_value(postgres, "timestamptz", "'2025-06-30 08:00+08'", tmp_path, monkeypatch)
    assert datetime.fromisoformat(moment) == datetime(2025, 6, 30, tzinfo=UTC)


def test_a_moment_kept_in_utc_is_told_in_the_zones_own_time(mariadb, tmp_path, monkeypatch):
    execute(mariadb, "set global time_zone = '+00:00'")
    # The zone had summer time in 1990.
    for seconds, local in ((1751241600, "2025-06-30T08:00:00"), (646758000, "1990-07-01T00:00:00")):
        assert one_value(mariadb, "timestamp", f"from_unixtime({seconds})", tmp_path, monkeypatch) == local


def test_a_date_that_is_none_spoils_its_record_and_not_the_table(settings, url):
    # MariaDB makes 0000-00-00 of it.
    day = "infinity" if url.startswith("postgresql") else "31.12.2024"
    execute(url, f"update technology_contracts set registered_on = '{day}' where contract_no = 'T00000'")  # noqa: S608 - made up here
    pulled = pull_contracts(settings)
    assert (pulled.rows_landed, pulled.rows_refused) == (2499, 1)


@pytest.mark.parametrize(
    ("server", "kind", "turnover", "told"),
    [
        (server, kind, "decimal(9, 2)", r"status: a column of days or times.*declare data_type date")
        for server in ("postgres", "mariadb")
        for kind in ("date", "timestamp", "time")
    ]
    + [
        ("postgres", "text", bits, "turnover_cny: a column of bits.*declare data_type varchar")
        for bits in ("bit(3)", "varbit")
    ],
)
def test_a_column_of_days_is_no_text_and_one_of_bits_no_number(
    server, kind, turnover, told, request, tmp_path, monkeypatch
):
    settings = settings_of(tmp_path, monkeypatch, url := request.getfixturevalue(server))
    fields = f"contract_no varchar(9), seller_uscc varchar(18), registered_on date, turnover_cny {turnover}"
    execute(url, "drop table if exists technology_contracts")
    execute(url, f"create table technology_contracts ({fields}, status {kind})")
    with pytest.raises(ConfigError, match=told):
        read(settings)


HANGS = {
    "postgres": "pg_sleep(60)::text",
    "mariadb": "sleep(60)",
    "sqlite": "(with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n)",
}


@pytest.mark.parametrize("make", HANGS)
def test_a_statement_that_hangs_is_ended_and_tried_at_the_next_run(make, made, tmp_path, monkeypatch):
    settings = settings_of(tmp_path, monkeypatch, url := made(make), retry_seconds=1)
    fields = ", ".join(f"'x' as {column.source_field}" for column in CONTRACTS.columns[1:])
    execute(url, "drop view if exists slow", f"create view slow as select {HANGS[make]} as contract_no, {fields}")
    dataset = CONTRACTS.model_copy(update={"request": DatabaseRequest(table="slow", size=10)})
    began = time.monotonic()
    with pytest.raises(TransientError, match="reading broke off after 0 rows"):
        read(settings, dataset)
    assert time.monotonic() - began < 45


def test_rows_are_one_moment_though_others_write_meanwhile(settings, url):
    pages = pull(Ask(SCIENCE, CONTRACTS, settings))
    first = next(pages)
    if not url.startswith("sqlite"):
        execute(url, "delete from technology_contracts")
    assert len(rows_of([first, *pages])) == 2500


ENDED = {
    "mariadb": (
        "seq",
        "seq_1_to_99999",
        "select id from information_schema.processlist where db = database()",
        "kill {}",
    ),
    "postgres": (
        "n",
        "generate_series(1, 99999) as of(n)",
        "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
        "select pg_terminate_backend({})",
    ),
}


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("server", ENDED)
def test_a_reading_that_the_database_ends_is_broken_off_without_a_traceback(server, request, tmp_path, monkeypatch):
    settings = settings_of(tmp_path, monkeypatch, url := request.getfixturevalue(server))
    number, numbers, readers, end = ENDED[server]
    fields = ", ".join(f"repeat('x', 200) as {column.source_field}" for column in CONTRACTS.columns[1:])
    view = f"create view 宽表 as select {number} as contract_no, {fields} from {numbers}"  # noqa: S608 - made up here
    execute(url, "drop view if exists 宽表", view)
    wide = DatabaseRequest(table="宽表", size=10)
    pages = pull(Ask(SCIENCE, CONTRACTS.model_copy(update={"request": wide}), settings))
    next(pages)
    engine = create_engine(url.replace("mysql:", "mysql+pymysql:"))
    with engine.connect() as connection:
        own = connection.scalar(text("select connection_id()")) if server == "mariadb" else None
        for reader in {*connection.execute(text(readers)).scalars()} - {own}:
            connection.execute(text(end.format(reader)))
    engine.dispose()
    with pytest.raises(TransientError, match="reading broke off"):
        list(pages)
    gc.collect()


def test_rows_larger_than_a_page_may_be_are_refused_before_they_are_held(mariadb, tmp_path, monkeypatch):
    monkeypatch.setattr("connectors.drivers.database.MAX_BODY_BYTES", 1_000_000)
    with pytest.raises(DataError, match="ask for fewer rows a page"):
        one_value(mariadb, "longtext", "repeat('x', 2000000)", tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("server", "wrong", "told"),
    [
        ("mariadb", {"password": "canary"}, "Access denied"),
        ("mariadb", {"database": "canary"}, "Unknown database"),
        ("postgres", {"database": "canary"}, "does not exist"),
        ("postgres", {"username": "canary"}, "does not exist"),
        ("postgres", {"username": "reader"}, "permission denied"),
    ],
)
def test_a_database_that_does_not_let_us_in_is_told_at_once(server, wrong, told, request, tmp_path, monkeypatch):
    url = make_url(request.getfixturevalue(server)).set(**wrong)
    if url.username == "reader":
        fields = ", ".join(f"{column.source_field} text" for column in CONTRACTS.columns)
        execute(
            request.getfixturevalue(server),
            "drop table if exists technology_contracts",
            "drop role if exists reader",
            "create role reader login",
            f"create table technology_contracts ({fields})",
        )
    settings = settings_of(tmp_path, monkeypatch, url.render_as_string(hide_password=False))
    with pytest.raises(AgencyError, match=told) as caught:
        read(settings)
    assert "canary" not in str(caught.value)
    assert "SCIENCE_DATABASE_URL" in str(caught.value)


DEAD = {
    "silence": lambda _: server(silence),
    "a greeting that drips": lambda _: server(drip(b"\x50\x00\x00\x00\x0a5", b"x")),
    "words without end": lambda _: server(flood(b"", b"\x00" * 4096)),
    "dead after the login": lambda target: dies_after(target, down=1500),
    "dead in mid-table": lambda target: dies_after(target, down=60_000),
    "dead on our side": lambda target: dies_after(target, up=900),
}


@pytest.mark.parametrize("name", DEAD)
@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_a_database_whose_line_dies_is_not_waited_for(name, kind, request, tmp_path, monkeypatch):
    url = request.getfixturevalue(kind)
    real = make_url(url)
    fields = (
        "contract_no varchar(20), seller_uscc varchar(18), turnover_cny int, registered_on date, status varchar(20)"
    )
    rows = ", ".join(f"('T{n:05}', '91110000600037341L', {n}, '2024-05-01', 'registered')" for n in range(2500))
    execute(
        url,
        "drop table if exists technology_contracts",
        f"create table technology_contracts ({fields})",
        f"insert into technology_contracts values {rows}",  # noqa: S608 - values made up here
    )
    with DEAD[name](real.port or f"{real.query['host']}/.s.PGSQL.5432") as port:
        shown = real.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
        settings = settings_of(tmp_path, monkeypatch, shown, retry_seconds=1)
        began = time.monotonic()
        with pytest.raises(ConnectorError, match=r"broke off|silent|does not answer|cannot be looked at"):
            read(settings)
        assert time.monotonic() - began < 25


def test_a_make_that_only_resembles_postgresql_is_told(postgres, tmp_path, monkeypatch):
    """KingbaseES answers as PostgreSQL does, but for its version, which SQLAlchemy then cannot read."""
    told = "KingbaseES V008R006C008B0014 on x86_64-pc-linux-gnu"
    monkeypatch.setattr(
        "sqlalchemy.engine.base.Connection.exec_driver_sql", lambda *_: SimpleNamespace(scalar=lambda: told)
    )
    settings = settings_of(tmp_path, monkeypatch, postgres, retry_seconds=60)
    with pytest.raises(ConfigError, match="install that make's own dialect"):
        read(settings)
