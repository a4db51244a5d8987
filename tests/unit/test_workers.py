"""What shares a built night goes to one worker: the list of these files is whole."""

from ledger.settings import PROJECT_DIR
from tests.workers import APART, DEAR, TOGETHER

TESTS = PROJECT_DIR / "tests"
ASKING = ("night: DistrictNight", "first_night")
"""By what the text of a file shows that it asks for the one night."""


def test_every_file_that_is_listed_is_there():
    assert [
        file for files in (*TOGETHER.values(), DEAR, [APART]) for file in files if not (TESTS / file).is_file()
    ] == []


def test_every_file_that_asks_for_the_night_is_listed():
    asking = {
        f"{folder}/{path.name}"
        for folder in ("contract", "e2e", "real")
        for path in (TESTS / folder).glob("test_*.py")
        if any(asks in path.read_text(encoding="utf-8") for asks in ASKING)
    }
    assert asking == set(TOGETHER["night"])
