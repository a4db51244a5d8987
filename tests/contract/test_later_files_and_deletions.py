"""Which of two files is the later one, and what a delivery may take away, night after night.

From a folder; what the driver has a part in, the names and times of files, from an SFTP server too (`any_bank`).
"""

import os
import shutil
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

from connectors.landing import landed_path
from connectors.pull import pull_dataset
from connectors.zone import Zone
from ledger.batches import landed_batches
from ledger.settings import Settings
from ledger.store import open_ledger
from tests.declared import column, dataset_of, source_of

DAY = date(2025, 7, 1)
TIME = 1_751_300_000
MAY, JUNE = "2025-05-31", "2025-06-30"
BY_DAY = {"kind": "replace_by", "column": "reported_on"}


def loans_of(**said):
    """A dataset of loans; what is said of the request goes into it."""
    words = ("folder", "pattern", "ready", "order", "takes", "ignore")
    request = {"folder": "nights", "pattern": "loans_*.csv"} | {one: said.pop(one) for one in words if one in said}
    kinds = {"loan": "varchar", "reported_on": "date", "amount": "bigint"}
    columns = [column(name, kind, required=True) for name, kind in kinds.items()]
    plain = {"source": "bank", "name": "loans", "load": "upsert", "key": ("loan", "reported_on"), "columns": columns}
    return dataset_of(**{**plain, "request": request, "decoder": {"kind": "csv"}, **said})


def file_of(rows):
    return "\n".join(["loan,reported_on,amount", *(",".join(map(str, row)) for row in rows)]).encode() + b"\n"


def book(count, day=JUNE, amount=100, start=0):
    return [(f"L{number:02d}", day, amount) for number in range(start, start + count)]


class Bank:
    """A bank's folder: files are put there with a time, and each night they are pulled."""

    def __init__(self, source, top, settings, ledger):
        self.source, self.folder, self.settings, self.ledger = source, top / "nights", settings, ledger
        self.folder.mkdir(parents=True)
        self.night = 0

    def put(self, name, rows, minutes=0):
        path = self.folder / name
        path.write_bytes(file_of(rows))
        os.utime(path, (TIME + 60 * minutes, TIME + 60 * minutes))

    def pull(self, **said):
        dataset = loans_of(**said)
        source = self.source.model_copy(update={"name": "bank", "datasets": (dataset,)})
        self.night += 1
        as_of = DAY + timedelta(days=self.night)
        return pull_dataset(source, dataset, Zone(), self.settings, self.ledger, as_of)

    def stands(self):
        """(loan, day) -> amount of what is not deleted."""
        found = {}
        for batch in landed_batches(self.ledger, "bank", "loans", date.max):
            path = landed_path(self.settings.data_dir, "bank", "loans", batch["batch"])
            for row in pq.read_table(path, partitioning=None).to_pylist():
                found[row["loan"], str(row["reported_on"])] = None if row["_deleted"] else row["amount"]
        return {key: amount for key, amount in found.items() if amount is not None}


@pytest.fixture
def bank(tmp_path, monkeypatch):
    """A bank that leaves its files in a folder."""
    monkeypatch.setenv("SHARE", str(tmp_path / "share"))
    source = source_of(loans_of(), driver="folder", connection={"path": {"env": "SHARE"}})
    settings = Settings(data_dir=tmp_path / "data", _env_file=None)
    return Bank(source, tmp_path / "share", settings, open_ledger(settings))


@pytest.fixture
def bank_on_sftp(request):
    agency, sandbox = request.getfixturevalue("agency"), request.getfixturevalue("sandbox")
    source, _ = agency.dataset("talent.headcounts")
    found = Bank(source, sandbox.state / "sftp" / "talent", agency.settings, agency.ledger)
    yield found
    shutil.rmtree(found.folder)


@pytest.fixture(params=["bank", "bank_on_sftp"])
def any_bank(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(
    ("first", "correction"),
    [
        ("loans_20250630.csv", "loans_20250630-2.csv"),
        ("loans_20250630.csv", "loans_20250630 (\u66f4\u6b63).csv"),
        ("loans_20250630-9.csv", "loans_20250630-10.csv"),
        ("loans_20250630_v2.csv", "loans_20250630.csv"),
        ("loans_z.csv", "LOANS_a.CSV"),
        ("loans_20250630_final.csv", "loans_20250630_corrected.csv"),
    ],
)
def test_of_two_files_of_one_night_that_of_the_later_time_wins_whatever_the_names(any_bank, first, correction):
    any_bank.put(correction, [("L1", JUNE, 150)], minutes=5)
    any_bank.put(first, [("L1", JUNE, 100)], minutes=1)
    pulled = any_bank.pull()
    assert any_bank.stands() == {("L1", JUNE): 150}
    assert pulled.counts["superseded_in_batch"] == 1
    assert "later_by_name" not in pulled.counts


@pytest.mark.parametrize(
    ("first", "correction"),
    [
        ("loans_20250630.csv", "loans_20250630-2.csv"),
        ("loans_20250630.csv", "loans_20250630 (\u66f4\u6b63).csv"),
        ("loans_20250630-9.csv", "loans_20250630-10.csv"),
        ("loans_20250630_v2.csv", "loans_20250630_v10.csv"),
        ("loans_20250630.csv", "loans_20250630_\uff12.csv"),
        ("loans_2025-05-31.csv", "loans_2025-06-30.csv"),
        ("loans_20250630-9.csv", "loans_20250701-1.csv"),
        ("loans_30-06-2025.csv", "loans_31-07-2025.csv"),
    ],
)
def test_of_two_files_of_one_second_numbers_and_additions_in_the_name_decide_and_are_counted(bank, first, correction):
    bank.put(correction, [("L1", JUNE, 150)])
    bank.put(first, [("L1", JUNE, 100)])
    pulled = bank.pull()
    assert bank.stands() == {("L1", JUNE): 150}
    assert pulled.counts["later_by_name"] == 1


def test_where_neither_time_nor_name_tells_which_is_later_both_records_are_refused(bank):
    bank.put("loans_20250630_final.csv", [("L1", JUNE, 100), ("L2", JUNE, 1)])
    bank.put("loans_20250630_corrected.csv", [("L1", JUNE, 150)])
    pulled = bank.pull()
    assert (bank.stands(), pulled.rows_refused) == ({("L2", JUNE): 1}, 2)
    assert pulled.counts["refused:key:loan+reported_on"] == 2


@pytest.mark.parametrize(
    "days",
    [
        pytest.param(("31-01-2025", "28-02-2025"), id="day first"),
        pytest.param(("28-02-2025", "30-04-2025", "31-01-2025", "31-03-2025"), id="a chain of them"),
        pytest.param(("9-1", "10-0"), id="two counters"),
    ],
)
def test_figures_of_a_name_that_disagree_tell_nothing(bank, days):
    for amount, day in enumerate(days):
        bank.put(f"loans_{day}.csv", [("L1", JUNE, amount)])
    pulled = bank.pull()
    assert (bank.stands(), pulled.rows_refused) == ({}, len(days))
    assert "nothing tells which is the newest of" in bank.pull(**SNAPSHOT, takes="newest").message


@pytest.mark.parametrize(
    ("pattern", "first", "correction"),
    [
        (r"loans_(\d{8})-(\d+)\.csv", "loans_20250630-9.csv", "loans_20250630-10.csv"),
        (r"loans_(\d{8})(?:-(\d+))?\.csv", "loans_20250630.csv", "loans_20250630-2.csv"),
        (r"loans_\d+_(v\d|final)", "loans_20250630_final.csv", "loans_20250630_v2.csv"),
        (r"loans_\d+(\(更正\))?", "loans_20250630.csv", "loans_20250630（更正）.csv"),
    ],
)
def test_a_declared_order_by_name_counts_and_not_the_time_that_a_copy_changed(bank, pattern, first, correction):
    bank.put(first, [("L1", JUNE, 100)], minutes=9)
    bank.put(correction, [("L1", JUNE, 150)], minutes=1)
    bank.pull(order={"by": "name", "pattern": pattern})
    assert bank.stands() == {("L1", JUNE): 150}


def test_a_name_that_the_declared_order_does_not_fit_stops_the_dataset(any_bank):
    any_bank.put("loans_june.csv", [("L1", JUNE, 100)])
    pulled = any_bank.pull(order={"by": "name", "pattern": r"loans_(\d{8})"})
    assert (pulled.state, pulled.whose) == ("failed", "agency")
    assert "the declared order does not fit" in pulled.message


AHEAD = 8 * 60 * 24 * 365
A, B = "loans_a.csv", "loans_b.csv"
STORIES = {
    # What is declared; the files of each night by name, with rows and minutes (None: taken away); how the last night
    # ends, what it counts, and what stands then.
    "an old file put back on a later night changes nothing": (
        {}, [{B: ([("L1", JUNE, 150), ("L2", JUNE, 1)], 9)}, {A: ([("L1", JUNE, 100), ("L3", JUNE, 3)], 1)}],
        "1 records are older than what is held of their keys", {"older_than_held": 1},
        [("L1", JUNE, 150), ("L2", JUNE, 1), ("L3", JUNE, 3)]),
    "an old file put back takes nothing away from its day": (
        {"deletes": BY_DAY}, [{A: (book(9), 1), B: (book(10, amount=150), 9)}, {A: None, "loans_0.csv": (book(8), 2)}],
        "unchanged", {"older_than_held": 8}, book(10, amount=150)),
    "a folder copied with new times in the wrong order changes nothing": (
        {}, [{B: (book(1), 1), A: (book(1, amount=150), 2)}, {A: (book(1, amount=150), 50), B: (book(1), 51)}],
        "unchanged", {}, book(1, amount=150)),
    "a file put again with an older time is no later than another": (
        {}, [{A: (book(3), 5), B: (book(2, amount=7), 6)}, {A: (book(3, amount=150), 1)}],
        "landed", {"older_than_held": 2}, [*book(2, amount=7), *book(1, amount=150, start=2)]),
    "a time that lies ahead does not hold against a later correction": (
        {}, [{A: (book(1), AHEAD)}, {B: (book(1, amount=150), AHEAD + 1)}], "landed", {}, book(1, amount=150)),
    "one of two may go whatever its share": (
        {"deletes": BY_DAY}, [{A: (book(2), 0)}, {B: (book(1), 1)}], "landed", {"deleted": 1}, book(1)),
    "a version and its correction in one night count as in two": (
        {"deletes": BY_DAY}, [{A: (book(10), 1), B: (book(8, amount=7), 2)}],
        "landed", {"superseded_in_batch": 10}, book(8, amount=7)),
    "a correction of one loan beside its file in the first night is a stop": (
        {"deletes": BY_DAY}, [{A: (book(10), 1), B: (book(1, amount=7), 2)}],
        "of reported_on 2025-06-30 9 of 10 records", {}, []),
    "a part that shares a key with a larger one is never dropped as its earlier version": (
        {"deletes": BY_DAY}, [{A: (book(20), 1), B: (book(80, start=20), 2)},
                              {A: (book(20, amount=7), 3), B: (book(81, amount=7, start=19), 4)}],
        "in an earlier one of two files that share a key 19 of 20 records would be taken", {}, book(100)),
    "two parts of a day in one night are no versions of each other": (
        {"deletes": BY_DAY}, [{A: (book(10), 1), B: (book(10, start=10), 2)}], "landed", {}, book(20)),
    "a file without a record is told and takes nothing away": (
        {"deletes": BY_DAY}, [{A: (book(2), 0)}, {A: ([], 1)}],
        "there is no record in loans_a.csv", {"no_records:loans_a.csv": 1}, book(2)),
    "deletions that are withheld are told": (
        {"deletes": BY_DAY}, [{A: (book(5), 0)}, {A: ([*book(4), ("a note below",)], 1)}],
        "1 records that the delivery lacks were not deleted", {"deletions_withheld": 1}, book(5)),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_night_after_night(bank, story):
    said, nights, told, counted, stands = STORIES[story]
    for night in nights:
        for name, put in night.items():
            if put is None:
                (bank.folder / name).unlink()
            else:
                bank.put(name, *put)
        pulled = bank.pull(**said)
    assert told == pulled.state or told in pulled.message
    assert (pulled.counts or {}).items() >= counted.items()
    assert bank.stands() == {(loan, day): amount for loan, day, amount in stands}


@pytest.mark.parametrize("minutes", [(0, 1, 2), (0, 1, 0), (9, 5, 1)])
def test_a_file_put_again_under_its_name_counts_whatever_its_time_as_does_one_put_back_as_it_was(any_bank, minutes):
    for moment, amount in zip(minutes, (100, 150, 100), strict=True):
        any_bank.put("loans_a.csv", book(3, amount=amount), moment)
        assert any_bank.pull(deletes=BY_DAY).state == "landed"
        assert set(any_bank.stands().values()) == {amount}
    assert any_bank.pull(deletes=BY_DAY).state == "unchanged"


def test_a_correction_under_the_same_name_size_and_time_lands(any_bank):
    any_bank.put("loans_a.csv", [("L1", JUNE, 100)])
    any_bank.pull()
    any_bank.put("loans_a.csv", [("L1", JUNE, 900)])
    pulled = any_bank.pull()
    assert (pulled.state, any_bank.stands()) == ("landed", {("L1", JUNE): 900})
    assert any_bank.pull().state == "unchanged"


SNAPSHOT = {"load": "snapshot", "key": ("loan",)}


def test_the_files_of_a_snapshot_are_its_parts(bank):
    bank.put("loans_1.csv", book(3))
    bank.put("loans_2.csv", book(3, start=3))
    bank.pull(**SNAPSHOT)
    assert len(bank.stands()) == 6


def test_parts_of_a_snapshot_may_share_a_record_and_one_may_be_withdrawn_or_put_again(bank):
    bank.put("loans_1.csv", book(20), minutes=1)
    bank.put("loans_2.csv", book(10, start=19), minutes=9)
    pulled = bank.pull(**SNAPSHOT)
    assert (len(bank.stands()), pulled.counts["duplicate_delivery"]) == (29, 1)
    (bank.folder / "loans_2.csv").unlink()
    allowed = {**SNAPSHOT, "continuity": {"shrink_pct": 50}}
    assert (bank.pull(**allowed).rows_landed, bank.pull(**SNAPSHOT).state) == (20, "unchanged")
    bank.put("loans_1.csv", book(20, amount=7), minutes=0)
    assert bank.pull(**SNAPSHOT).state == "landed"


@pytest.mark.parametrize(
    "second",
    [
        pytest.param([("L00", JUNE, 7), *book(9, start=10)], id="one record says something else"),
        pytest.param([*book(3), *book(9, start=20)], id="two windows that overlap"),
    ],
)
def test_files_of_a_snapshot_that_contradict_or_hold_the_same_are_no_parts(bank, second):
    bank.put("loans_1.csv", book(10), minutes=1)
    bank.put("loans_2.csv", second, minutes=2)
    assert "stand in more than one of the files of a snapshot" in bank.pull(**SNAPSHOT).message


def test_two_whole_dumps_of_a_snapshot_are_a_stop_unless_the_newest_is_declared_to_count(any_bank):
    any_bank.put("loans_202505.csv", book(4), minutes=1)
    any_bank.put("loans_202506.csv", book(3, amount=5), minutes=2)
    pulled = any_bank.pull(**SNAPSHOT)
    assert (pulled.state, pulled.whose) == ("failed", "data")
    assert "3 records stand in more than one of the files of a snapshot: loans_202505.csv" in pulled.message
    any_bank.pull(**SNAPSHOT, takes="newest")
    assert any_bank.stands() == {(loan, day): 5 for loan, day, _ in book(3)}


@pytest.mark.parametrize("takes", ["all", "newest"])
def test_an_old_dump_put_back_does_not_stand_in_for_a_later_one(bank, takes):
    bank.put("loans_may.csv", book(10), minutes=1)
    bank.pull(**SNAPSHOT, takes=takes)
    (bank.folder / "loans_may.csv").unlink()
    bank.put("loans_june.csv", book(10, amount=5), minutes=2)
    bank.pull(**SNAPSHOT, takes=takes)
    (bank.folder / "loans_june.csv").unlink()
    for minutes in (1, 90):
        # Also with the new time that a copy gave it: its bytes are known.
        bank.put("loans_may.csv", book(10), minutes)
        pulled = bank.pull(**SNAPSHOT, takes=takes)
        assert (pulled.state, pulled.whose, set(bank.stands().values())) == ("failed", "data", {5})
        assert "its files are older than those of batch" in pulled.message


def test_the_newest_dump_is_that_of_the_declared_order_and_a_tie_is_a_stop(bank):
    bank.put("loans_9.csv", book(4), minutes=5)
    bank.put("loans_10.csv", book(3, amount=5), minutes=1)
    bank.pull(**SNAPSHOT, takes="newest", order={"by": "name", "pattern": r"loans_(\d+)"})
    assert set(bank.stands().values()) == {5}
    for name in ("loans_x.csv", "loans_y.csv"):
        bank.put(name, book(3), minutes=7)
    assert "nothing tells which is the newest of" in bank.pull(**SNAPSHOT, takes="newest").message


FIRST = [*book(40, MAY), *book(40)]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param(book(1, amount=5), "of reported_on 2025-06-30 39 of 40 records", id="one corrected loan"),
        pytest.param(book(25), "of reported_on 2025-06-30 15 of 40 records", id="a file cut short"),
        pytest.param(book(40, start=40), "of reported_on 2025-06-30 40 of 40 records", id="every key renamed"),
        pytest.param([*book(40), ("L00", MAY, 1)], "of reported_on 2025-05-31 39 of 40 records", id="a stray date"),
        pytest.param([*book(39), ("L39", MAY, 1)], "of reported_on 2025-05-31 39 of 40 records", id="a moved date"),
    ],
)
def test_a_delivery_that_would_take_most_of_a_day_away_stops_and_all_stays(bank, rows, told):
    bank.put("loans_a.csv", FIRST)
    bank.pull(deletes=BY_DAY)
    before = bank.stands()
    bank.put("loans_b.csv", rows, minutes=1)
    pulled = bank.pull(deletes=BY_DAY)
    assert (pulled.state, pulled.whose, bank.stands()) == ("failed", "data", before)
    assert told in pulled.message
    assert "the last good batch stays" in pulled.message
    allowed = bank.pull(deletes={**BY_DAY, "shrink_pct": 100})
    assert allowed.state == "landed"
    assert bank.pull(deletes=BY_DAY).state == "unchanged"


TOMBSTONE = {"kind": "tombstone", "column": "amount", "values": ("-1",)}


def test_tombstones_in_bulk_are_a_stop_and_a_few_are_not(bank):
    bank.put("loans_a.csv", book(10))
    bank.pull(deletes=TOMBSTONE)
    bank.put("loans_b.csv", book(3, amount=-1), minutes=1)
    assert bank.pull(deletes=TOMBSTONE).state == "landed"
    bank.put("loans_c.csv", book(6, amount=-1, start=3), minutes=2)
    pulled = bank.pull(deletes=TOMBSTONE)
    assert (pulled.state, len(bank.stands())) == ("failed", 7)
    assert "of the whole 6 of 7 records would be taken away, 30 % may go" in pulled.message


@pytest.mark.parametrize(
    ("continuity", "rows", "told"),
    [
        ({"unwatched": "made for a test"}, book(5), "put `continuity: {shrink_pct: 75}` in the place of unwatched"),
        (
            {"column": "reported_on", "period": "month"},
            [*book(10, MAY), *book(5, start=10)],
            "of reported_on 2025-06 5",
        ),
        ({"shrink_pct": 50, "by": "amount"}, [*book(8), *book(4, MAY, 7)], "of amount 7 6 of 10 records"),
        ({"column": "reported_on", "period": "month", "shrink_pct": 20}, book(15), "15 records, 20 before: 25 % fewer"),
    ],
)
def test_what_a_snapshot_lacks_is_judged_as_a_whole_and_by_part(bank, continuity, rows, told):
    said = {"load": "snapshot", "continuity": continuity}
    amount = 7 if "by" in continuity else 100
    bank.put("loans_a.csv", [*book(10, MAY, amount), *book(10, start=10)])
    bank.pull(**said)
    bank.put("loans_a.csv", rows, minutes=1)
    pulled = bank.pull(**said)
    assert (pulled.state, pulled.whose, len(bank.stands())) == ("failed", "data", 20)
    assert told in pulled.message


@pytest.mark.parametrize(
    "later",
    [
        pytest.param([*book(10), *book(5, "2025-07-31")], id="a month"),
        pytest.param([*book(2, MAY), *book(10), *book(3, "2025-07-31")], id="some days"),
    ],
)
def test_a_snapshot_whose_window_moves_on_loses_of_its_first_month(bank, later):
    said = {"load": "snapshot", "continuity": {"column": "reported_on", "period": "month"}}
    bank.put("loans_a.csv", [*book(5, MAY), *book(10)])
    bank.pull(**said)
    bank.put("loans_a.csv", later, minutes=1)
    assert bank.pull(**said).state == "landed"


def test_a_part_of_the_last_snapshot_that_is_not_there_is_told_unless_another_stands_for_it(bank):
    said = {"load": "snapshot", "key": ("loan",)}
    for name, rows in (("loans_north_0630.csv", book(9)), ("loans_south_0630.csv", book(2, start=50))):
        bank.put(name, rows)
    assert bank.pull(**said).message is None
    for name in ("loans_north_0630.csv", "loans_south_0630.csv"):
        (bank.folder / name).rename(bank.folder / name.replace("0630", "0701"))
    assert bank.pull(**said).message is None
    (bank.folder / "loans_south_0701.csv").unlink()
    pulled = bank.pull(**said)
    assert (pulled.state, pulled.counts) == ("landed", {"file_gone:loans_south_0701.csv": 1})
    assert "of the last snapshot loans_south_0701.csv is not there any more" in pulled.message


@pytest.mark.parametrize(
    ("name", "rows", "told"),
    [
        ("loans_20250630 - copy.csv", book(1, amount=100), 1),
        ("loans_20250630.csv", book(1, amount=100), 1),
        ("loans_20250630-3.csv", book(1, amount=150), 0),
        ("loans_20250630-3.csv", book(1, amount=160), 0),
    ],
)
def test_bytes_that_a_later_file_had_replaced_are_told_when_they_come_again(bank, name, rows, told):
    bank.put("loans_20250630.csv", book(1, amount=100))
    bank.pull()
    bank.put("loans_20250630.csv", book(1, amount=150), minutes=1)
    bank.pull()
    bank.put(name, rows, minutes=2)
    pulled = bank.pull()
    assert pulled.counts.get(f"outdone_again:{name}", 0) == told
    assert bool(told) == (f"{name} has the bytes of a file that another had replaced" in (pulled.message or ""))
