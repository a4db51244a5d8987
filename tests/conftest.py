"""What every test shares."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as examples

from ledger.settings import PROJECT_DIR
from sandbox.start import start
from tests import forked_dbt
from tests.workers import Together, place_of

if TYPE_CHECKING:
    from tests.e2e.installation import Installation, Ran

# Before anything imports Prefect or dbt: no telemetry, no hidden server, none of the caller's own settings.
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "false"
for name in [name for name in os.environ if name.startswith("JIFEN_") and name != "JIFEN_REAL_DATA"]:
    del os.environ[name]
os.environ["JIFEN_ENV_FILE"] = ""


# A machine that is busy is no fault of a test: what an example takes to draw says nothing there.
examples.register_profile("jifen", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.load_profile("jifen")


@pytest.fixture(autouse=True)
def environment_is_put_back() -> Iterator[None]:
    """What a test, or a sweep that it calls, sets in its own process is gone for the next one."""
    with patch.dict(os.environ):
        yield


@pytest.fixture(autouse=True, scope="session")
def dbt_is_imported_once() -> Iterator[None]:
    """A night, or a build of one model, that runs in this process forks its dbt."""
    with patch("editions.dbt._start", forked_dbt.start):
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data: JIFEN_REAL_DATA, or shared/data beside the project; its tests skip where neither is."""
    folder = Path(os.environ.get("JIFEN_REAL_DATA") or PROJECT_DIR.parent / "shared" / "data")
    if not (folder / "listed_companies").is_dir():
        pytest.skip("no folder of real data: set JIFEN_REAL_DATA")
    return folder


@pytest.fixture(scope="session")
def district_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The district's population, drawn once: `start` upon a copy of it takes a third of the time."""
    state = tmp_path_factory.mktemp("district_state") / "sandbox"
    with start("district", state):
        return state


@pytest.fixture(scope="session")
def first_night(district_state: Path, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[tuple[Installation, Ran]]":
    """One whole night, run once for all tests that read it: its installation, whose agencies run on, and its end."""
    from tests.e2e.installation import Installation

    folder = tmp_path_factory.mktemp("first_night")
    with start("district", shutil.copytree(district_state, folder / "sandbox")) as sandbox:
        installation = Installation(folder / "data", sandbox)
        yield installation, installation.process("run", "--as-of", installation.as_of.isoformat())


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is collected stays to the end: it is not looked through for garbage, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items):
    """What takes long begins first, or the last worker would be at it alone."""
    items.sort(key=lambda item: place_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Which tests go to one worker; pytest calls this only with `pytest -n`."""
    return Together(config, log)


def pytest_make_parametrize_id(val):
    """Packed bytes hold the second they were packed in: as a name of a test they would differ between workers."""
    return "bytes" if isinstance(val, bytes) else None
