"""Houses in the states that tests want them in."""

import json
import os
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flows.prefect_server import local_server
from sandbox.start import start
from tests.e2e.house import House, Ran


@pytest.fixture
def new_house(district_state: Path, tmp_path: Path) -> Iterator[House]:
    """A house where nothing has happened yet."""
    with start("district", shutil.copytree(district_state, tmp_path / "sandbox")) as sandbox:
        yield House(tmp_path / "data", sandbox)


@pytest.fixture(scope="session")
def published(first_night: tuple[House, Ran], district_state: Path) -> Iterator[Callable[[Path], House]]:
    """Makes houses in which the first night has already been published; their agencies run until the last test."""
    with ExitStack() as running:

        def house(folder: Path) -> House:
            shutil.copytree(first_night[0].data_dir, folder / "data", symlinks=True)
            state = shutil.copytree(district_state, folder / "sandbox")
            return House(folder / "data", running.enter_context(start("district", state)))

        yield house


@pytest.fixture
def house(published: Callable[[Path], House], tmp_path: Path) -> Iterator[House]:
    """A house of the test's own in which the first night has already been published."""
    found = published(tmp_path)
    yield found
    found.sandbox.stop()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[House], dict[str, str]]]:
    """A Prefect server: the environment of everything of a house that works with it."""
    with local_server(tmp_path / "prefect") as server:
        yield lambda house: {**os.environ, **house.environment, **server}


def api(environment, *path, ask=None):
    """What the Prefect API answers."""
    url = "/".join([environment["PREFECT_API_URL"], *path])
    body = None if ask is None else json.dumps(ask).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server on loopback
        return json.load(answer)
