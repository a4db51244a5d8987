"""Return files: what an agency sent, counted and answered for; the same facts give the same bytes."""

import csv
import io
import re
from datetime import date, timedelta

import pytest

from connectors.quarantine import Filter, quarantined
from connectors.returns import COUNTED, HEADERS, KINDS, compose
from tests.unit.refusing import GOOD, OTHER, deliver, make_source, record

DAY = date(2025, 6, 30)
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def returned(settings, ledger):
    """The rows of a source's return, by our names of the columns; None where there is no return."""

    def rows(dataset, day=DAY):
        made = compose(make_source(dataset), settings.data_dir, ledger, day)
        if made is None:
            return None
        assert made.content.startswith(b"\xef\xbb\xbf")
        header, *lines = csv.reader(io.StringIO(made.content.decode("utf-8-sig")))
        assert header == list(HEADERS.values())
        return [dict(zip(HEADERS, line, strict=True)) for line in lines]

    return rows


def of_kind(rows, kind):
    return [row for row in rows if row["kind"] == KINDS[kind]]


def test_the_totals_add_up_and_name_every_page(settings, ledger, make_dataset, returned):
    dataset = make_dataset(load="upsert")
    deliver(settings, ledger, dataset, [record(), record(staff=-1, uscc=OTHER)], [record(), record(uscc="b")], day=DAY)
    rows = returned(dataset)
    (total,) = of_kind(rows, "total")
    counted = {name: int(total[name]) for name in ("received", "accepted", "refused", "discarded", "duplicates")}
    assert counted == {"received": 4, "accepted": 2, "refused": 1, "discarded": 1, "duplicates": 1}
    assert [(row["label"], row["received"], len(row["sha256"])) for row in of_kind(rows, "page")] == [
        ("page 1", "2", 64),
        ("page 2", "2", 64),
    ]


def test_each_refused_record_says_where_it_stood_what_is_wrong_and_what_to_do(settings, ledger, make_dataset, returned):
    dataset = make_dataset()
    deliver(settings, ledger, dataset, [record(), record(uscc="bad", revenue="ten")], day=DAY)
    first, second = of_kind(returned(dataset), "record_refused")
    assert (first["label"], first["position"], first["uscc"], first["key"]) == ("page 1", "2", "BAD", "bad / 2024")
    by_code = {row["code"]: row for row in (first, second)}
    assert by_code["type_mismatch"]["field"] == "yysr"
    assert by_code["uscc_length"]["zh"] == "统一社会信用代码不是18位"
    assert by_code["uscc_length"]["do_en"].startswith("give the full code")
    (held,) = quarantined([make_source(dataset)], ledger, settings, DAY, Filter())
    assert first["id"] == second["id"] == held.record_id


def test_a_night_that_brought_nothing_has_no_return(settings, ledger, make_dataset, returned):
    deliver(settings, ledger, make_dataset(), [record()], day=DAY)
    assert returned(make_dataset(), NEXT) is None


def test_the_same_delivery_on_another_night_gives_the_same_bytes(settings, ledger, make_dataset):
    dataset = make_dataset()
    made = []
    for day in (DAY, NEXT):
        deliver(settings, ledger, dataset, [record(), record(uscc="bad"), record(uscc="worse")], day=day)
        made.append(compose(make_source(dataset), settings.data_dir, ledger, day).content)
    assert made[0] == made[1]


def test_a_repaired_code_is_told_and_its_record_accepted(settings, ledger, make_dataset, returned):
    typed = record()["uscc"].replace("0", "O")
    dataset = make_dataset()
    deliver(settings, ledger, dataset, [record(uscc=typed)], day=DAY)
    rows = returned(dataset)
    (total,), (told,) = of_kind(rows, "total"), of_kind(rows, "value_repaired")
    assert (total["accepted"], total["refused"], total["discarded"], total["repaired"]) == ("1", "0", "0", "1")
    assert (told["code"], told["value"], told["uscc"]) == ("uscc_repaired", typed, record()["uscc"])
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


def test_a_snapshot_read_twice_in_a_night_is_received_once(settings, ledger, make_dataset, returned):
    dataset = make_dataset()
    for _ in range(2):
        deliver(settings, ledger, dataset, [record()], day=DAY)
    (total,) = of_kind(returned(dataset), "total")
    assert total["received"] == "1"


def test_the_same_file_fetched_again_in_a_night_is_received_once(settings, ledger, make_dataset, returned):
    dataset = make_dataset(load="upsert")
    for _ in range(2):
        deliver(settings, ledger, dataset, [record(), record(uscc="bad")], day=DAY)
    (total,) = of_kind(returned(dataset), "total")
    assert (total["received"], total["refused"]) == ("2", "1")


def test_records_of_a_window_that_was_read_again_are_received_once(settings, ledger, make_dataset, returned):
    dataset = make_dataset(load="upsert")
    typed = GOOD.replace("0", "O")
    first = [record(), record(uscc="bad"), record(uscc=typed, year=2020), record(uscc=OTHER, staff=-1)]
    deliver(settings, ledger, dataset, first, day=DAY)
    deliver(settings, ledger, dataset, [*first[1:], record(year=2023), record(uscc="worse")], day=DAY)
    rows = returned(dataset)
    (total,) = of_kind(rows, "total")
    assert {name: int(total[name]) for name in COUNTED} == {
        "received": 6,
        "accepted": 4,
        "refused": 2,
        "discarded": 1,
        "repaired": 1,
        "duplicates": 0,
    }
    assert [row["received"] for row in of_kind(rows, "page")] == ["4", "2"]
    assert [row["uscc"] for row in of_kind(rows, "record_refused")] == ["BAD", "WORSE"]
    assert len(of_kind(rows, "value_discarded")) == len(of_kind(rows, "value_repaired")) == 1


def test_a_newer_version_in_the_same_night_is_received_beside_the_older_one(settings, ledger, make_dataset, returned):
    dataset = make_dataset(load="upsert")
    deliver(settings, ledger, dataset, [record(), record(year=2023)], day=DAY)
    newer = [record(staff=11), record(year=2022)]
    deliver(settings, ledger, dataset, [record(), record(year=2022)], newer, day=DAY)
    (total,) = of_kind(returned(dataset), "total")
    assert (total["received"], total["accepted"], total["duplicates"]) == ("5", "4", "1")


def test_a_page_that_came_twice_in_one_pull_is_received_once(settings, ledger, make_dataset, returned):
    dataset = make_dataset(load="upsert")
    deliver(settings, ledger, dataset, [record(uscc="bad")], [record()], [record(uscc="bad")], day=DAY)
    rows = returned(dataset)
    (total,) = of_kind(rows, "total")
    assert (total["received"], total["accepted"], total["refused"]) == ("2", "1", "1")
    assert [row["received"] for row in of_kind(rows, "page")] == ["1", "1", "0"]
    assert len(of_kind(rows, "record_refused")) == 1


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
