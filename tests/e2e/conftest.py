"""Installations in the states that tests want them in."""

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
from tests.e2e.installation import Installation, Ran


@pytest.fixture
def new_installation(district_state: Path, tmp_path: Path) -> Iterator[Installation]:
    """An installation where nothing has happened yet."""
    with start("district", shutil.copytree(district_state, tmp_path / "sandbox")) as sandbox:
        yield Installation(tmp_path / "data", sandbox)


@pytest.fixture(scope="session")
def published(first_night: tuple[Installation, Ran], district_state: Path) -> Iterator[Callable[[Path], Installation]]:
    """Makes installations in which the first night is already published; their agencies run until the last test."""
    with ExitStack() as running:

        def installation(folder: Path) -> Installation:
            shutil.copytree(first_night[0].data_dir, folder / "data", symlinks=True)
            state = shutil.copytree(district_state, folder / "sandbox")
            return Installation(folder / "data", running.enter_context(start("district", state)))

        yield installation


@pytest.fixture
def installation(published: Callable[[Path], Installation], tmp_path: Path) -> Iterator[Installation]:
    """An installation of the test's own in which the first night has already been published."""
    found = published(tmp_path)
    yield found
    found.sandbox.stop()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Installation], dict[str, str]]]:
    """A Prefect server: the environment of everything of an installation that works with it."""
    with local_server(tmp_path / "prefect") as server:
        yield lambda installation: {**os.environ, **installation.environment, **server}


def api(environment, *path, ask=None):
    """What the Prefect API answers."""
    url = "/".join([environment["PREFECT_API_URL"], *path])
    body = None if ask is None else json.dumps(ask).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server on loopback
        return json.load(answer)
