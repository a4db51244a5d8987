"""Houses in the states that tests want them in."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.start import start
from tests.e2e.house import House, Ran


@pytest.fixture
def new_house(tmp_path: Path) -> Iterator[House]:
    """A house where nothing has happened yet."""
    with start("district", tmp_path / "sandbox") as sandbox:
        yield House(tmp_path / "data", sandbox)


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Ran]]:
    """One whole night, run once for all tests that only look at it."""
    folder = tmp_path_factory.mktemp("first_night")
    with start("district", folder / "sandbox") as sandbox:
        house = House(folder / "data", sandbox)
        yield house, house.run()


@pytest.fixture
def house(first_night: tuple[House, Ran], tmp_path: Path) -> Iterator[House]:
    """A house of the test's own in which the first night has already been published."""
    shutil.copytree(first_night[0].data_dir, tmp_path / "data", symlinks=True)
    with start("district", tmp_path / "sandbox") as sandbox:
        yield House(tmp_path / "data", sandbox)
