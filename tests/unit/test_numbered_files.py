"""Files that a bank counts in their names: one that is missing is known, and nothing behind it is taken."""

from dataclasses import replace

import pytest

from connectors.drivers.files import Listed, pull_files
from connectors.errors import DataError
from connectors.file_order import label_of
from connectors.spec import FileRequest
from ledger.settings import Settings
from tests.contract.small_sftp import ask_of

ORDER = {"by": "name", "pattern": r"feedback_\d{8}_(\d+)\.csv", "is_numbered": True}
REQUEST = FileRequest.model_validate({"folder": "box", "pattern": "feedback_*.csv", "order": ORDER})


class Box:
    def __init__(self, *numbers):
        self.files = [Listed(name(number), 5, number * 10**9, "file") for number in numbers]

    def list(self):
        return self.files

    def read(self, _):
        return b"id\n1\n"


def name(number):
    return f"feedback_20250630_{number:04}.csv"


def pulled(tmp_path, *numbers, seen=()):
    ask = ask_of(Settings(data_dir=tmp_path, _env_file=None))
    ask = replace(ask, seen=frozenset(label_of(name(number), 5, number * 10**9) for number in seen))
    return [page.label.partition(" ")[0] for page in pull_files(ask, REQUEST, Box(*numbers))]


def test_files_without_a_gap_are_taken_in_their_order(tmp_path):
    assert pulled(tmp_path, 9, 8, 10) == [name(number) for number in (8, 9, 10)]


def test_a_file_that_is_missing_between_two_is_named_and_none_is_taken(tmp_path):
    with pytest.raises(DataError, match="the files number 9, 10 are missing"):
        pulled(tmp_path, 8, 11)


def test_what_was_fetched_before_and_tidied_up_since_is_no_gap(tmp_path):
    assert pulled(tmp_path, 11, seen=(8, 9, 10)) == [name(11)]
    with pytest.raises(DataError, match="the files number 10 are missing"):
        pulled(tmp_path, 11, seen=(8, 9))
