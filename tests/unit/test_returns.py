"""Return files: what an agency sent, counted and answered for; the same facts give the same bytes."""

import csv
import io
import re
from datetime import date, timedelta

import pytest

from connectors.quarantine import Filter, quarantined
from connectors.returns import COUNTED, HEADERS, KINDS, compose
from tests.declared import source_of
from tests.unit.refusing import GOOD, OTHER, deliver, record

DAY = date(2025, 6, 30)
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def returned(settings, ledger):
    """The rows of a source's return, by our names of the columns; None where there is no return."""

    def rows(dataset, day=DAY):
        made = compose(source_of(dataset), settings.data_dir, ledger, day)
        if made is None:
            return None
        assert made.content.startswith(b"\xef\xbb\xbf")
        header, *lines = csv.reader(io.StringIO(made.content.decode("utf-8-sig")))
        assert header == list(HEADERS.values())
        return [dict(zip(HEADERS, line, strict=True)) for line in lines]

    return rows


def of_kind(rows, kind):
    return [row for row in rows if row["kind"] == KINDS[kind]]


BAD, TYPED = record(uscc="bad"), GOOD.replace("0", "O")
WINDOW = [record(), BAD, record(uscc=TYPED, year=2020), record(uscc=OTHER, staff=-1)]
TOTALS = [
    # How it is loaded, the pages of each batch of a night, what is counted (`COUNTED`, in its order), and of each page.
    ("upsert", [[[record(), record(staff=-1, uscc=OTHER)], [record(), BAD]]], [4, 2, 1, 1, 0, 1], [2, 2]),
    ("snapshot", [[[record(uscc=TYPED)]]], [1, 1, 0, 0, 1, 0], [1]),
    ("snapshot", [[[record()]], [[record()]]], [1, 1, 0, 0, 0, 0], [1]),
    # The same file fetched again, a window that overlaps the one before, and a newer version beside the older one.
    ("upsert", [[[record(), BAD]], [[record(), BAD]]], [2, 1, 1, 0, 0, 0], [2]),
    ("upsert", [[WINDOW], [[*WINDOW[1:], record(year=2023), record(uscc="worse")]]], [6, 4, 2, 1, 1, 0], [4, 2]),
    ("upsert", [[[record(), record(year=2023)]], [[record(), record(year=2022)], [record(staff=9), record(year=2022)]]],
     [5, 4, 0, 0, 0, 1], [2, 1, 2]),
    ("upsert", [[[BAD], [record()], [BAD]]], [2, 1, 1, 0, 0, 0], [1, 1, 0]),
]  # fmt: skip


@pytest.mark.parametrize(("load", "batches", "counted", "of_pages"), TOTALS)
def test_what_a_night_received_is_counted_once_and_adds_up(
    settings, ledger, make_dataset, returned, load, batches, counted, of_pages
):
    dataset = make_dataset(load=load)
    for pages in batches:
        deliver(settings, ledger, dataset, *pages, day=DAY)
    rows = returned(dataset)
    (total,) = of_kind(rows, "total")
    assert [int(total[name]) for name in COUNTED] == counted
    assert [int(row["received"]) for row in of_kind(rows, "page")] == of_pages
    assert all(len(row["sha256"]) == 64 for row in of_kind(rows, "page"))
    told = [len(of_kind(rows, kind)) for kind in ("record_refused", "value_discarded", "value_repaired")]
    assert told == counted[2:5], "each is told once"


def test_each_refused_record_says_where_it_stood_what_is_wrong_and_what_to_do(settings, ledger, make_dataset, returned):
    dataset = make_dataset()
    deliver(settings, ledger, dataset, [record(), record(uscc="bad", revenue="ten")], day=DAY)
    first, second = of_kind(returned(dataset), "record_refused")
    assert (first["label"], first["position"], first["uscc"], first["key"]) == ("page 1", "2", "BAD", "bad / 2024")
    by_code = {row["code"]: row for row in (first, second)}
    assert by_code["type_mismatch"]["field"] == "yysr"
    assert by_code["uscc_length"]["zh"] == "统一社会信用代码不是18位"
    assert by_code["uscc_length"]["do_en"].startswith("give the full code")
    (held,) = quarantined([source_of(dataset)], ledger, settings, DAY, Filter())
    assert first["id"] == second["id"] == held.record_id


def test_a_night_that_brought_nothing_has_no_return(settings, ledger, make_dataset, returned):
    deliver(settings, ledger, make_dataset(), [record()], day=DAY)
    assert returned(make_dataset(), NEXT) is None


def test_the_same_delivery_on_another_night_gives_the_same_bytes(settings, ledger, make_dataset):
    dataset = make_dataset()
    made = []
    for day in (DAY, NEXT):
        deliver(settings, ledger, dataset, [record(), record(uscc="bad"), record(uscc="worse")], day=day)
        made.append(compose(source_of(dataset), settings.data_dir, ledger, day).content)
    assert made[0] == made[1]


def test_a_repaired_code_is_told_in_words(settings, ledger, make_dataset, returned):
    dataset = make_dataset()
    deliver(settings, ledger, dataset, [record(uscc=TYPED)], day=DAY)
    (told,) = of_kind(returned(dataset), "value_repaired")
    assert (told["code"], told["value"], told["uscc"]) == ("uscc_repaired", TYPED, GOOD)
    assert "已采用" in told["zh"]


def test_a_delivery_refused_as_a_whole_is_answered_for(settings, ledger, make_dataset, returned):
    dataset = make_dataset(load="upsert", volume={"floor": 50, "ceiling": 100})
    deliver(settings, ledger, dataset, [record(), record(uscc="bad")], day=DAY)
    rows = returned(dataset)
    (void,) = of_kind(rows, "void")
    assert (void["received"], void["accepted"], void["refused"]) == ("2", "0", "2")
    assert "the floor is 50" in void["value"]
    assert "Next:" not in void["value"]
    assert [row["code"] for row in of_kind(rows, "record_refused")] == ["uscc_length"]


def test_a_page_that_cannot_be_read_has_no_count_rather_than_zero(settings, ledger, make_dataset, returned):
    dataset = make_dataset(decoder={"kind": "json", "records": "nothing.here"})
    deliver(settings, ledger, dataset, [record()], day=DAY)
    rows = returned(dataset)
    (void,), (page,) = of_kind(rows, "void"), of_kind(rows, "page")
    assert (void["received"], void["refused"], page["received"]) == ("", "", "")


def test_no_cell_of_a_return_runs_in_a_spreadsheet(settings, ledger, make_dataset, returned):
    dataset = make_dataset()
    hostile = '=HYPERLINK("http://x")\x1b\u202e\ud800'
    deliver(
        settings, ledger, dataset, [record(), record(uscc=hostile), record(revenue="@SUM(1)" + "9" * 9000)], day=DAY
    )
    cells = [cell for row in returned(dataset) for cell in row.values()]
    assert not [cell for cell in cells if re.match(r"[=+\-@\t\r\n]", cell) or re.search("[\x1b\u202e\ud800]", cell)]
    assert '\'=HYPERLINK("http://x")�' in cells
    assert max(len(cell) for cell in cells) < 600


def test_of_a_delivery_refused_as_a_whole_only_what_is_new_is_counted(settings, ledger, make_dataset, returned):
    deliver(settings, ledger, make_dataset(load="upsert"), [record(), record(year=2023)], day=DAY)
    strict = make_dataset(load="upsert", volume={"floor": 50, "ceiling": 100})
    deliver(settings, ledger, strict, [record(year=2023), record(year=2022)], day=DAY)
    (void,) = of_kind(returned(strict), "void")
    assert (void["received"], void["accepted"], void["refused"]) == ("3", "2", "1")


def test_a_return_holds_only_what_the_agency_itself_sent(settings, ledger, make_dataset, returned):
    tax, bank = make_dataset(load="upsert"), make_dataset(source="bank", load="upsert")
    deliver(settings, ledger, tax, [record(), record(uscc="from-the-tax-office")], day=DAY)
    deliver(settings, ledger, bank, [record(uscc=GOOD), record(uscc="from-the-bank")], day=DAY)
    cells = {cell for row in returned(bank) for cell in row.values()}
    assert any("from-the-bank" in cell for cell in cells)
    assert not any("from-the-tax-office" in cell for cell in cells)
