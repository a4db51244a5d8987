"""Windows of days and partitions: every day and every value once, and a fault begins again where it must."""

import datetime as dt
from itertools import pairwise

import pytest

from connectors.drivers.rest import partitioned
from connectors.errors import AgencyError, PagingFaultError
from connectors.spec import Partition
from tests.unit.listing_agency import DAYS, ListingAgency, agency_of, ids, listing_of, paginator_of, records, through


def test_windows_are_halved_until_they_fit_and_cover_every_day_once():
    agency = agency_of("time_window", 29)
    windows = [page.label.split(" ")[0] for page in through(agency)]
    bounds = [tuple(map(dt.date.fromisoformat, window.split(".."))) for window in dict.fromkeys(windows)]
    assert bounds[0][0] == DAYS[0]
    assert bounds[-1][1] == DAYS[1]
    assert all(after[0] - before[1] == dt.timedelta(days=1) for before, after in pairwise(bounds))


def test_a_day_that_holds_more_than_may_be_paged_is_the_agencys():
    agency = ListingAgency(paginator_of("time_window"), records(20, days=1))
    with pytest.raises(AgencyError, match="20 records on 2025-01-01 alone, and only 7"):
        list(through(agency))


@pytest.mark.parametrize("window", [0, 2])
def test_a_window_whose_ids_come_twice_begins_again_at_the_cursor_that_led_into_it(window):
    healthy = list(through(agency_of("time_window", 29)))
    names = list(dict.fromkeys(page.label.split(" ")[0] for page in healthy))
    agency = agency_of("time_window", 29)
    first, _, last = names[window].partition("..")

    def shifted(_number, told, _last):
        given = agency.asked[-1]
        if (given["from_day"], given["to_day"], given["from"]) == (first, last, "3"):
            wanted = [r for r in agency.listing if first <= r["day"] <= last]
            return {**told, "items": [wanted[0], *told["items"][1:]]}
        return told

    agency.lie = shifted
    before = [page.next_cursor for page in healthy if page.label.split(" ")[0] in names[:window]]
    with pytest.raises(PagingFaultError, match="an id stands on two pages") as caught:
        list(through(agency))
    assert caught.value.restart_at == (before[-1] if before else None)
    agency.lie = None
    again = list(through(agency, caught.value.restart_at))
    assert ids(again) == ids(healthy[len(before) :])


def test_a_window_of_the_whole_calendar_does_not_overflow():
    agency = agency_of("time_window", 29)
    assert len(ids(through(agency, days=(dt.date(2025, 1, 1), dt.date.max)))) == 29


def by_value(agencies, values, resume=None):
    where = listing_of(next(iter(agencies.values())))
    partition = Partition(name="uscc", param="uscc", values=tuple(values))
    return partitioned(where, partition, values, resume, lambda value, at: through(agencies[value], at))


def test_partitions_come_in_order_and_go_on_from_any_place():
    agencies = {name: agency_of("page_number", count) for name, count in (("a", 7), ("b", 0), ("c", 4))}
    whole = list(by_value(agencies, "abc"))
    assert [page.label for page in whole][:4] == [
        "[uscc=a] page 1",
        "[uscc=a] page 2",
        "[uscc=a] page 3",
        "[uscc=b] page 1",
    ]
    for place, page in enumerate(whole[:-1], start=1):
        assert [p.label for p in by_value(agencies, "abc", page.next_cursor)] == [p.label for p in whole[place:]]


def test_a_fault_within_a_partition_begins_again_with_that_partition():
    agencies = {name: agency_of("page_number", 7) for name in "ab"}
    whole = list(by_value(agencies, "ab"))
    agencies["b"].lie = lambda number, told, _last: {**told, "total": told["total"] + number}
    with pytest.raises(PagingFaultError) as caught:
        list(by_value(agencies, "ab"))
    assert caught.value.restart_at == whole[2].next_cursor


def test_a_fault_within_a_window_of_a_partition_begins_again_with_that_window():
    agency = agency_of("time_window", 29)
    whole = list(by_value({"a": agency}, "a"))
    windows = [page.label.split(" ")[1] for page in whole]
    place = windows.index(list(dict.fromkeys(windows))[2])
    agency = agency_of("time_window", 29)
    first, _, _ = windows[place].partition("..")

    def moving(_number, told, _last):
        given = agency.asked[-1]
        return {**told, "total": told["total"] + (given["from_day"] == first and given["from"] != "0")}

    agency.lie = moving
    with pytest.raises(PagingFaultError) as caught:
        list(by_value({"a": agency}, "a"))
    assert caught.value.restart_at == whole[place - 1].next_cursor
    assert caught.value.restart_at is not None


def test_values_that_changed_while_they_were_asked_for_begin_all_again():
    agencies = {name: agency_of("page_number", 7) for name in "abz"}
    cursor = list(by_value(agencies, "ab"))[2].next_cursor
    with pytest.raises(PagingFaultError, match="the values of uscc changed") as caught:
        list(by_value(agencies, "az", cursor))
    assert caught.value.restart_at is None


def test_a_value_with_signs_that_a_terminal_obeys_is_not_shown_as_it_is():
    agencies = {"\x1b[2Ja": agency_of("page_number", 1)}
    (page,) = by_value(agencies, ["\x1b[2Ja"])
    assert page.label.isprintable()
