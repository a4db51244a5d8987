"""What shares a built night goes to one worker: the list of these files is whole."""

import pytest

from ledger.settings import PROJECT_DIR
from tests.workers import TOGETHER

TESTS = PROJECT_DIR / "tests"
ASKS_FOR = {"district": ("contract", "night: DistrictNight"), "first night": ("e2e", "first_night")}
"""By group where its files stand, and by what their text shows that they ask for what the group shares."""


def test_every_file_that_is_listed_is_there():
    assert [file for files in TOGETHER.values() for file in files if not (TESTS / file).is_file()] == []


@pytest.mark.parametrize("group", ASKS_FOR)
def test_every_file_that_asks_for_a_shared_night_is_listed(group):
    folder, asks = ASKS_FOR[group]
    asking = [path for path in (TESTS / folder).glob("test_*.py") if asks in path.read_text(encoding="utf-8")]
    assert {f"{folder}/{path.name}" for path in asking} == set(TOGETHER[group])
