"""Paging: every record once, from any place on, or a loud stop."""

import datetime as dt
import gzip
import json
import re
from dataclasses import replace

import pytest
from requests.structures import CaseInsensitiveDict

from connectors.drivers.listing import Answer
from connectors.errors import AgencyError, PagingFaultError
from connectors.json_path import MissingFieldError, RecordsAt
from tests.unit.listing_agency import DECLARED, SIZE, URL, ListingAgency, listing_of, paginator_of, records

DAYS = (dt.date(2025, 1, 1), dt.date(2025, 1, 9))
KINDS = sorted(DECLARED)


def through(agency, resume=None, days=DAYS):
    return agency.paginator.pages(listing_of(agency), resume, days)


def ids(pages):
    return [record["id"] for page in pages for record in page.answer["items"]]


def agency_of(kind, count=20, **changes):
    return ListingAgency(paginator_of(kind, **changes), records(count))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 1, SIZE, SIZE * 2, 20])
def test_every_record_comes_once(kind, count):
    agency = agency_of(kind, count)
    assert sorted(ids(through(agency))) == sorted(r["id"] for r in agency.listing)


@pytest.mark.parametrize("kind", KINDS)
def test_the_rest_from_any_place_is_the_same(kind):
    whole = list(through(agency_of(kind)))
    for place, page in enumerate(whole[:-1], start=1):
        assert [p.body for p in through(agency_of(kind), page.next_cursor)] == [p.body for p in whole[place:]]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_differ_and_cursors_stay_small(kind):
    whole = list(through(agency_of(kind, 200, **({"cap": 100} if kind == "time_window" else {}))))
    assert len({page.label for page in whole}) == len(whole)
    assert max(len(json.dumps(page.next_cursor)) for page in whole) < 1000
    assert whole[-1].next_cursor is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_cursor_of_another_shape_begins_again(kind):
    with pytest.raises(PagingFaultError, match="of another shape") as caught:
        list(through(agency_of(kind), {"page": 2, "received": 3, "total": 9}))
    assert caught.value.restart_at is None


@pytest.mark.parametrize("kind", ["page_number", "offset"])
def test_pages_asked_ahead_come_in_order(kind):
    one, four = agency_of(kind, 50), agency_of(kind, 50)
    four.ahead = 4
    assert ids(through(one)) == ids(through(four)) == [r["id"] for r in one.listing]
    assert len(four.asked) == len(one.asked) == 17


@pytest.mark.parametrize("ahead", [1, 4])
def test_an_offset_follows_what_came_and_not_what_was_asked_for(ahead):
    """A server that cuts a page short would else make us skip records."""
    agency = agency_of("offset", 20)
    agency.ahead = ahead

    def short(number, told, _last):
        return {**told, "items": told["items"][:1]} if number == 3 else told

    agency.lie = short
    assert ids(through(agency)) == [r["id"] for r in agency.listing]


def test_a_page_number_may_begin_at_nought():
    agency = agency_of("page_number", 7, first=0)
    assert [page.label for page in through(agency)] == ["page 0", "page 1", "page 2"]


@pytest.mark.parametrize("kind", ["page_number", "offset", "next_link", "post_token", "time_window"])
def test_a_total_that_moves_is_a_fault(kind):
    agency = agency_of(kind)
    # The first page of a window, or of the whole, is asked from nought on.
    agency.lie = lambda number, told, _last: {
        **told,
        "total": told["total"] + (agency.asked[-1].get("from", number) not in ("0", 1)),
    }
    with pytest.raises(PagingFaultError, match="moved from"):
        list(through(agency))


@pytest.mark.parametrize("kind", ["page_number", "offset", "next_link", "post_token", "single"])
def test_a_total_that_is_not_met_is_a_fault(kind):
    agency = agency_of(kind, 8)
    agency.lie = lambda _number, told, _last: {**told, "total": 9}
    with pytest.raises(PagingFaultError, match="records for a declared total of 9"):
        list(through(agency))


@pytest.mark.parametrize("total", [None, True, "many", -1, 10**13, [], "9" * 5000])
def test_a_total_that_is_no_count_is_the_agencys(total):
    agency = agency_of("page_number")
    agency.lie = lambda _number, told, _last: {**told, "total": total}
    with pytest.raises(AgencyError, match="the total at total is no count"):
        list(through(agency))


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("single", "keyset")])
def test_a_page_that_comes_again_is_a_fault(kind):
    agency = agency_of(kind, 30, **({"cap": 100} if kind == "time_window" else {}))
    agency.lie = lambda number, told, last: {**told, "items": last} if number == 3 else told
    with pytest.raises(PagingFaultError, match=r"repeats an earlier one"):
        list(through(agency))


def test_a_page_that_comes_again_after_a_restart_is_a_fault():
    whole = list(through(agency_of("page_number", 30)))
    agency = agency_of("page_number", 30)
    agency.lie = lambda _number, told, _last: {**told, "items": whole[1].answer["items"]}
    with pytest.raises(PagingFaultError, match="page 3 repeats an earlier one"):
        list(through(agency, whole[1].next_cursor))


@pytest.mark.parametrize("kind", ["cursor_body", "cursor_header", "next_link", "link_header", "post_token"])
def test_a_token_given_twice_is_a_fault(kind):
    agency = agency_of(kind, 30)
    agency.lie = lambda number, told, _last: {**told, "items": [number], "total": 30, "next": number % 5}
    with pytest.raises(PagingFaultError, match="given before"):
        list(through(agency))


@pytest.mark.parametrize(("count", "is_refused"), [(SIZE - 1, False), (SIZE, True), (20, True)])
@pytest.mark.parametrize("kind", ["cursor_body", "post_token"])
def test_a_wrong_path_of_the_next_token_passes_no_first_page_for_all(kind, count, is_refused):
    more = {"total": None} if kind == "post_token" else {}
    agency = agency_of(kind, count, next="paging.nxet", **more)
    if not is_refused:
        assert len(ids(through(agency))) == count
        return
    with pytest.raises(AgencyError, match=r"nothing leads on: the answer has nothing at paging\.nxet; it has items"):
        list(through(agency))


def test_a_small_circle_is_found_before_a_page_of_it_comes_again():
    agency = agency_of("cursor_body", 30)
    agency.lie = lambda number, told, _last: {**told, "items": [number], "next": (told["next"] + 3) % 18}
    with pytest.raises(PagingFaultError, match="given before"):
        list(through(agency))
    assert len(agency.asked) <= 6


def test_a_circle_longer_than_what_is_remembered_is_found_across_any_number_of_restarts():
    agency = agency_of("cursor_body")
    # Pages 1 to 500 and round again, whoever asks.
    agency.start_of = lambda _inner, given, _listing, _size: int(given.get("cursor", "t0")[1:])
    agency.lie = lambda number, told, _last: {**told, "items": [number], "next": told["next"] % 500}
    agency.listing = records(2000)

    def a_process_that_dies_after_every_page():
        cursor = None
        for _ in range(5000):
            cursor = next(through(agency, cursor)).next_cursor

    with pytest.raises(PagingFaultError, match="given before"):
        a_process_that_dies_after_every_page()
    assert 500 < len(agency.asked) < 3000


def test_an_agency_that_names_a_next_page_for_ever_is_stopped():
    agency = agency_of("cursor_body")
    agency.lie = lambda number, told, _last: {**told, "items": [], "next": number}
    with pytest.raises(AgencyError, match="hold no record"):
        list(through(agency))


def test_a_token_too_long_to_keep_is_the_agencys():
    agency = agency_of("cursor_body")
    agency.lie = lambda _number, told, _last: {**told, "next": "企" * 400}
    with pytest.raises(AgencyError, match="more than we keep"):
        list(through(agency))


@pytest.mark.parametrize("token", [True, ["t1"], {"t": 1}])
def test_a_token_that_is_neither_text_nor_number_is_the_agencys(token):
    class Odd(ListingAgency):
        def told(self, _inner, told):
            body = {"items": told["items"], "next": token}
            return Answer(b"", CaseInsensitiveDict(), body, URL)

    with pytest.raises(AgencyError, match="neither text nor a number"):
        list(through(Odd(paginator_of("cursor_body"), records(9))))


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/list?cursor=1",
        "http://agency.example/api/list",
        "https://agency.example:444/api/list",
        "//evil.example/list",
        "https://agency.example@evil.example/list",
        "https://user:word@agency.example/list",
        "https:\\\\evil.example/list",
        "https://agency.example/a b",
        "https://agency.example:port/",
        "file:///etc/passwd",
        "https://agency.example/\r\nX-Evil: 1",
        "https://[agency.example/",
    ],
)
def test_a_link_to_another_house_is_never_followed(link):
    with pytest.raises(AgencyError, match="the link to the next page"):
        listing_of(agency_of("next_link")).path_of(link, URL)


@pytest.mark.parametrize(
    ("link", "asked"),
    [
        ("https://agency.example/api/list?cursor=2", "/api/list?cursor=2"),
        ("https://AGENCY.example:443/api/list?cursor=2#top", "/api/list?cursor=2"),
        ("/other?x=1", "/other?x=1"),
        ("?cursor=2", "/api/list?cursor=2"),
        ("more", "/api/more"),
        ("https://agency.example", "/"),
        ("https://agency.example//evil.example/x", "//evil.example/x"),
    ],
)
def test_a_link_within_the_house_is_followed_absolute_or_relative(link, asked):
    assert listing_of(agency_of("next_link")).path_of(link, URL) == asked


def test_a_link_header_with_two_next_pages_is_the_agencys():
    class Two(ListingAgency):
        def told(self, _inner, told):
            headers = CaseInsensitiveDict(Link=f'<{URL}?a=1>; rel="next", <{URL}?a=2>; title="x"; rel=next')
            return Answer(b"", headers, {"items": told["items"]}, URL)

    with pytest.raises(AgencyError, match="two next pages"):
        list(through(Two(paginator_of("link_header"), records(9))))


@pytest.mark.parametrize("middle", ["crossorigin", 'title*="x"; crossorigin', 'fields="a,b"; anchor'])
def test_a_parameter_without_a_value_hides_no_next_page(middle):
    class Bare(ListingAgency):
        def told(self, inner, told):
            answer = super().told(inner, told)
            if "Link" in answer.headers:
                answer.headers["Link"] = answer.headers["Link"].replace('; rel="next"', f'; {middle}; rel="next"')
            return answer

    pages = list(through(Bare(paginator_of("link_header"), records(9))))
    assert sum(len(page.answer["items"]) for page in pages) == 9


BESIDE = [{"errors": [{"message": "district 2 could not be read"}]}, {"error": "timeout"}, {"success": False}]
BESIDE += [{"timed_out": True}, {"truncated": True}, {"incomplete_results": True}]


@pytest.mark.parametrize("beside", BESIDE)
def test_records_beside_a_word_that_they_are_not_whole_are_no_listing(beside):
    agency = agency_of("page_number")
    agency.lie = lambda _number, told, _last: {**told, **beside}
    with pytest.raises(AgencyError, match="says that they are not whole"):
        list(through(agency))


@pytest.mark.parametrize(
    "beside", [{"errors": []}, {"error": None}, {"success": True}, {"timed_out": False}, {"code": 1}]
)
def test_records_beside_a_word_that_all_is_well_are_a_listing(beside):
    agency = agency_of("page_number")
    agency.lie = lambda _number, told, _last: {**told, **beside}
    assert list(through(agency))


def test_an_empty_page_beside_a_word_that_more_follow_is_at_fault():
    agency = agency_of("page_number", total=None, until="empty")
    agency.lie = lambda number, answer, _last: {**answer, "items": [], "has_more": True} if number == 2 else answer
    with pytest.raises(PagingFaultError, match="is empty and says that more follow"):
        list(through(agency))


@pytest.mark.parametrize("told", [{"has_more": True}, {"page": {"hasNextPage": True}}])
def test_an_agency_that_says_more_and_names_no_next_page_is_at_fault(told):
    agency = agency_of("cursor_body")
    agency.lie = lambda _number, answer, _last: {**answer, "next": None, **told}
    with pytest.raises(PagingFaultError, match="says that more follow"):
        list(through(agency))


def test_ids_that_do_not_ascend_are_a_fault():
    agency = agency_of("keyset")
    agency.lie = lambda _number, told, _last: {**told, "items": told["items"][::-1]}
    with pytest.raises(PagingFaultError, match="do not ascend"):
        list(through(agency))


def test_an_id_that_comes_twice_is_a_fault():
    agency = agency_of("keyset")
    agency.lie = lambda _number, told, _last: {**told, "items": [told["items"][0], *told["items"]]}
    with pytest.raises(PagingFaultError, match="do not ascend"):
        list(through(agency))


def test_ids_may_be_text_and_begin_where_the_source_file_says():
    agency = ListingAgency(paginator_of("keyset", order="text", start="A"), [])
    pages = {"A": ["A1", "A2"], "A2": ["B"], "B": []}
    agency.answer = lambda given: Answer(b"", {}, {"items": [{"id": i} for i in pages[given["after"]]]}, URL)
    assert [page.label for page in through(agency)] == ["up to A2", "up to B", "after B"]


def test_numbers_written_as_text_ascend_as_numbers():
    agency = ListingAgency(paginator_of("keyset"), [])
    pages = {"0": ["9", "10"], "10": []}
    agency.answer = lambda given: Answer(b"", {}, {"items": [{"id": i} for i in pages[given["after"]]]}, URL)
    assert [page.label for page in through(agency)] == ["up to 10", "after 10"]


def test_a_packed_page_that_comes_again_is_a_fault():
    packed = gzip.compress(bytes(range(256)) * 4, 0)
    agency = agency_of("link_header", 30)
    honest = agency.told
    agency.told = lambda inner, told: replace(honest(inner, told), body=packed, value=None)
    with pytest.raises(PagingFaultError, match="page 2 repeats an earlier one"):
        list(agency.paginator.pages(replace(listing_of(agency), at=None), None, DAYS))


PAGES = {"page_number": {"total": None, "total_pages": "pages"}, "until": {"total": None, "until": "empty"}}


def without_total(end, count, kind="page_number", **more):
    """An agency that tells the number of its pages, or nothing; `size` may be its own choice."""
    agency = agency_of(kind, count, **PAGES[end], **more)

    def told(_inner, told):
        body = {"items": told["items"], "pages": -(-count // SIZE)}
        return Answer(b"", CaseInsensitiveDict(), body if end == "page_number" else told["items"], URL)

    agency.told = told
    return agency


def read_all(agency, resume=None, at="items"):
    listing = replace(listing_of(agency), at=RecordsAt(at))
    pages = agency.paginator.pages(listing, resume, DAYS)
    return [record["id"] for page in pages for record in listing.at.find(page.answer)]


@pytest.mark.parametrize("sized", [{}, {"size_param": None, "size": None}])
@pytest.mark.parametrize("count", [0, 1, SIZE, SIZE * 2, 20])
@pytest.mark.parametrize(
    ("end", "at", "kind"),
    [("page_number", "items", "page_number"), ("until", None, "page_number"), ("until", None, "offset")],
)
def test_a_list_without_a_number_of_records_is_read_to_its_end(end, at, kind, count, sized):
    agency = without_total(end, count, kind, **sized)
    for ahead in (1, 4):
        agency.ahead = ahead
        assert read_all(agency, at=at) == [r["id"] for r in agency.listing]


def test_pages_fewer_or_more_than_declared_are_a_fault():
    for pages, told in ((6, "holds 0 records, of 6 pages"), (0, "holds 3 records, of 0 pages")):
        agency = without_total("page_number", 15)
        honest = agency.told
        agency.told = lambda inner, told, honest=honest, pages=pages: replace(
            honest(inner, told), value={**honest(inner, told).value, "pages": pages}
        )
        with pytest.raises(PagingFaultError, match=told):
            read_all(agency)


@pytest.mark.parametrize("end", ["page_number", "until"])
def test_a_page_of_one_record_that_comes_again_ends_no_list_in_silence(end):
    agency = without_total(end, 4)
    agency.lie = lambda _number, told, _last: {**told, "items": agency.listing[:1]}
    with pytest.raises(PagingFaultError, match="repeats an earlier one"):
        read_all(agency, at="items" if end == "page_number" else None)


@pytest.mark.parametrize(
    ("count", "total", "is_refused"),
    [
        (25, 3, True),
        (15, 3, True),
        (9, 3, True),
        (12, 6, True),
        (3, 3, False),
        (20, 20, False),
        (1, 1, False),
        (6, 6, False),
    ],
)
@pytest.mark.parametrize("kind", ["page_number", "offset"])
def test_a_number_of_pages_declared_as_a_number_of_records_is_a_fault(kind, count, total, is_refused):
    agency = agency_of(kind, count)
    agency.lie = lambda _number, told, _last: {**told, "total": total}
    if not is_refused:
        assert len(ids(through(agency))) == count
        return
    told = r"see whether total counts records or pages|for a declared total of"
    with pytest.raises((AgencyError, PagingFaultError), match=told):
        list(through(agency))


@pytest.mark.parametrize("behind", ["refused", "the last page again", "the first page again"])
def test_an_agency_that_gives_nothing_behind_its_end_is_believed(behind):
    agency = agency_of("page_number", SIZE * 2)
    honest = agency.answer

    def answer(given):
        if int(given["page"]) < 3:
            return honest(given)
        if behind == "refused":
            raise AgencyError("400", "x", "y")
        return honest({**given, "page": "2" if "last" in behind else "1"})

    agency.answer = answer
    assert len(ids(through(agency))) == SIZE * 2


def test_a_total_told_on_the_first_page_alone_holds_for_all():
    agency = agency_of("page_number", 8)
    honest = agency.told
    agency.told = lambda inner, told: replace(
        honest(inner, told),
        value={"items": told["items"], **({"total": 8} if len(agency.asked) == 1 else {})},
    )
    assert ids(through(agency)) == [r["id"] for r in agency.listing]


@pytest.mark.parametrize(
    ("answer", "ends", "records"),
    [
        ({"total": 0, "items": None}, {"total": "total"}, 0),
        ({"total": "0"}, {"total": "total"}, 0),
        ({"total": 0, "items": {}}, {"total": "total"}, 0),
        ({"items": None}, {"none": True}, 0),
        (None, {"none": True}, 0),
        ({}, {"none": True}, 0),
        ({"code": 0}, {"none": True, "is_coded": True}, 0),
        ({"items": {"id": 1}}, {"one": True}, 1),
        ({"items": [{"id": 1}]}, {"one": True, "none": True}, 1),
        ({"items": []}, {}, 0),
        ({"items": None}, {}, "is null: declare none: true"),
        ({"items": {}}, {"one": False}, "is {}: declare none: true"),
        ({"items": {"id": 1}}, {"none": True}, "is an object: declare one: true"),
        ({"items": "x"}, {"none": True, "one": True}, "is a plain value"),
        ({"items": 0}, {"none": True, "one": True}, "is a plain value"),
        ({"error": "x", "data": {"why": 1}}, {"none": True, "one": True}, "nothing at items; it has error, data.why"),
        ({"data": '{"items": []}'}, {}, "it has data (a text)"),
        ([], {}, "it is a list"),
        ({"total": 3}, {"total": "total", "one": True}, "nothing at items"),
        (None, {}, "nothing at items"),
    ],
)
def test_nothing_and_one_are_read_where_they_are_declared_or_proved(answer, ends, records):
    at = RecordsAt("items", **ends)
    if isinstance(records, int):
        assert len(at.find(answer)) == records
        return
    with pytest.raises(MissingFieldError, match=re.escape(records)):
        at.find(answer)
