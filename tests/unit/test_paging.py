"""Paging: every record once, from any place on, or a loud stop."""

import gzip
import json
import re
from dataclasses import replace

import pytest
from requests.structures import CaseInsensitiveDict

from connectors.drivers.listing import Answer
from connectors.errors import AgencyError, PagingFaultError
from connectors.json_path import MissingFieldError, RecordsAt
from tests.unit.listing_agency import DAYS, DECLARED, SIZE, URL, agency_of, ids, listing_of, through

KINDS = sorted(DECLARED)
TOKENS = ["cursor_body", "cursor_header", "next_link", "link_header", "post_token"]
WITH_TOTAL = ["page_number", "offset", "next_link", "post_token"]
DEEP = {"time_window": {"cap": 100}}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 1, SIZE, SIZE * 2, 20])
def test_every_record_comes_once(kind, count):
    agency = agency_of(kind, count)
    assert sorted(ids(through(agency))) == sorted(r["id"] for r in agency.listing)


@pytest.mark.parametrize("kind", KINDS)
def test_the_rest_from_any_place_is_the_same_and_cursors_stay_small(kind):
    whole = list(through(agency_of(kind, 200, **DEEP.get(kind, {}))))
    assert len({page.label for page in whole}) == len(whole)
    assert max(len(json.dumps(page.next_cursor)) for page in whole) < 1000
    assert whole[-1].next_cursor is None
    for place, page in list(enumerate(whole[:-1], start=1))[:8]:
        rest = through(agency_of(kind, 200, **DEEP.get(kind, {})), page.next_cursor)
        assert [p.body for p in rest] == [p.body for p in whole[place:]]
    with pytest.raises(PagingFaultError, match="of another shape") as caught:
        list(through(agency_of(kind), {"page": 2, "received": 3, "total": 9}))
    assert caught.value.restart_at is None


@pytest.mark.parametrize("kind", ["page_number", "offset"])
def test_pages_asked_ahead_come_in_order(kind):
    one, four = agency_of(kind, 50), agency_of(kind, 50, ahead=4)
    assert ids(through(one)) == ids(through(four)) == [r["id"] for r in one.listing]
    assert len(four.asked) == len(one.asked) == 17


@pytest.mark.parametrize("ahead", [1, 4])
def test_an_offset_follows_what_came_and_not_what_was_asked_for(ahead):
    """A server that cuts a page short would else make us skip records."""
    agency = agency_of("offset", 20, ahead=ahead)
    agency.lie = lambda number, told, _last: {**told, "items": told["items"][:1]} if number == 3 else told
    assert ids(through(agency)) == [r["id"] for r in agency.listing]


def test_a_page_number_may_begin_at_nought():
    assert [page.label for page in through(agency_of("page_number", 7, first=0))] == ["page 0", "page 1", "page 2"]


def told_with(**lies):
    """A lie that answers the same in place of what is true, whichever page is asked for."""
    return lambda _number, told, _last: {**told, **lies}


def numbered(following):
    """Pages of one record each, the number of the answer, that lead on by `following`."""
    return lambda number, told, _last: {**told, "items": [number], "total": 30, "next": following(number, told)}


FAULTS = {
    "a total that is not met": ([*WITH_TOTAL, "single"], 8, told_with(total=9), "records for a declared total of 9"),
    "a page that comes again": (
        [kind for kind in KINDS if kind not in ("single", "keyset")],
        30,
        lambda number, told, last: {**told, "items": last} if number == 3 else told,
        "repeats an earlier one",
    ),
    "a token given twice": (TOKENS, 30, numbered(lambda number, _: number % 5), "given before"),
    "more is said to follow": (["cursor_body"], 20, told_with(next=None, has_more=True), "says that more follow"),
    "more, in a part": (["cursor_body"], 20, told_with(next=None, page={"hasNextPage": True}), "says that more follow"),
    "ids that do not ascend": (
        ["keyset"],
        20,
        lambda _number, told, _last: {**told, "items": told["items"][::-1]},
        "do not ascend",
    ),
    "an id twice": (
        ["keyset"],
        20,
        lambda _number, told, _last: {**told, "items": [told["items"][0], *told["items"]]},
        "do not ascend",
    ),
}
REFUSED = {
    "empty pages without end": (lambda number, told, _last: {**told, "items": [], "next": number}, "hold no record"),
    "a token too long to keep": (told_with(next="企" * 400), "more than we keep"),
    **{f"a token like {token}": (told_with(raw_next=token), "neither text nor a number") for token in (True, ["t1"])},
    **{f"a total of {total}"[:30]: (told_with(total=total), "the total at total is no count")
       for total in (None, True, "many", -1, 10**13, [], "9" * 5000)},
    **{f"beside {beside}": (told_with(**beside), "reports that they are not all") for beside in (
        {"errors": [{"message": "district 2 could not be read"}]}, {"error": "timeout"}, {"success": False},
        {"timed_out": True}, {"truncated": True}, {"incomplete_results": True},
    )},
}  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in FAULTS for kind in FAULTS[name][0]])
def test_pages_that_do_not_add_up_are_a_fault(name, kind):
    _, count, lie, told = FAULTS[name]
    agency = agency_of(kind, count, lie=lie, **DEEP.get(kind, {}))
    with pytest.raises(PagingFaultError, match=told):
        list(through(agency))


@pytest.mark.parametrize("name", REFUSED)
def test_an_answer_that_no_document_has_is_the_agencys(name):
    lie, told = REFUSED[name]
    kind = "page_number" if name.startswith(("a total", "beside")) else "cursor_body"
    with pytest.raises(AgencyError, match=told):
        list(through(agency_of(kind, lie=lie)))


@pytest.mark.parametrize("kind", [*WITH_TOTAL, "single"])
def test_a_total_that_is_only_a_lower_bound_is_met_by_no_list(kind):
    """Elasticsearch counts to 10,000 and no further, unless it is asked to."""
    bound = {"value": 20, "relation": "gte"}
    with pytest.raises(AgencyError, match="only a lower bound"):
        list(through(agency_of(kind, 20, lie=told_with(hits=bound), total="hits.value")))
    bound["relation"] = "eq"
    assert len(ids(through(agency_of(kind, 20, lie=told_with(hits=bound), total="hits.value")))) == 20


def test_a_window_with_a_lower_bound_does_not_fit_under_a_cap_of_the_same_number():
    agency = agency_of("time_window", 20)
    cap = agency.paginator.cap
    inner = agency.paginator.inner.model_copy(update={"total": "hits.value"})
    agency.paginator = agency.paginator.model_copy(update={"inner": inner})
    agency.lie = lambda _number, told, _last: {
        **told,
        "hits": {"value": min(told["total"], cap), "relation": "gte" if told["total"] > cap else "eq"},
    }
    assert len(ids(through(agency))) == 20


@pytest.mark.parametrize("kind", [*WITH_TOTAL, "time_window"])
def test_a_total_that_moves_is_a_fault(kind):
    agency = agency_of(kind)
    # The first page of a window, or of the whole, is asked from nought on.
    agency.lie = lambda number, told, _last: {
        **told,
        "total": told["total"] + (agency.asked[-1].get("from", number) not in ("0", 1)),
    }
    with pytest.raises(PagingFaultError, match="moved from"):
        list(through(agency))


def test_a_page_that_comes_again_after_a_restart_is_a_fault():
    whole = list(through(agency_of("page_number", 30)))
    agency = agency_of("page_number", 30, lie=told_with(items=whole[1].answer["items"]))
    with pytest.raises(PagingFaultError, match="page 3 repeats an earlier one"):
        list(through(agency, whole[1].next_cursor))


@pytest.mark.parametrize(("count", "is_refused"), [(SIZE - 1, False), (SIZE, True), (20, True)])
@pytest.mark.parametrize("kind", ["cursor_body", "post_token"])
def test_a_wrong_path_of_the_next_token_passes_no_first_page_for_all(kind, count, is_refused):
    agency = agency_of(kind, count, next="paging.nxet", **({"total": None} if kind == "post_token" else {}))
    if not is_refused:
        assert len(ids(through(agency))) == count
        return
    with pytest.raises(AgencyError, match=r"nothing leads on: the answer has nothing at paging\.nxet; it has items"):
        list(through(agency))


@pytest.mark.parametrize("kind", TOKENS)
def test_an_empty_page_that_names_itself_is_the_end(kind):
    """Some agencies answer the end of a feed with the cursor that was asked for, to be asked again tomorrow."""
    agency = agency_of(kind, 6)
    agency.lie = lambda _number, told, _last: {**told, "next": told["next"] or 6}
    pages = list(through(agency))
    assert (ids(pages), [page.answer["items"] for page in pages][-1]) == (list(range(1, 12, 2)), [])
    agency.lie = lambda number, told, _last: {**told, "next": 3, "items": [number], "total": 30}
    with pytest.raises(PagingFaultError, match="given before"):
        list(through(agency))


@pytest.mark.parametrize("kind", TOKENS)
def test_an_empty_page_that_was_a_hiccup_is_asked_for_again_and_nothing_is_left_out(kind):
    agency = agency_of(kind, 30)
    agency.lie = lambda number, told, _: {**told, "items": [], "next": SIZE * 2} if number == 3 else told
    assert ids(through(agency)) == [record["id"] for record in agency.listing]


@pytest.mark.parametrize("items", [[], [{"id": 1}]])
@pytest.mark.parametrize("kind", ["cursor_body", "cursor_header", "link_header", "post_token"])
def test_new_tokens_without_end_for_nothing_or_the_same_record_are_an_error(kind, items, monkeypatch):
    monkeypatch.setattr("connectors.drivers.paging.MOST_EMPTY_PAGES", 5)
    changes = {"total": None} if kind == "post_token" else {}
    agency = agency_of(kind, 1, lie=lambda number, told, _: {**told, "items": items, "next": number}, **changes)
    with pytest.raises(AgencyError, match="6 pages in a row hold no record, or the same"):
        list(agency.paginator.pages(listing_of(agency), None, DAYS))
    assert len(agency.asked) < 9


def test_a_small_circle_is_found_before_a_page_of_it_comes_again():
    agency = agency_of("cursor_body", 30, lie=numbered(lambda _, told: (told["next"] + 3) % 18))
    with pytest.raises(PagingFaultError, match="given before"):
        list(through(agency))
    assert len(agency.asked) <= 6


def test_a_circle_longer_than_what_is_remembered_is_found_across_any_number_of_restarts():
    agency = agency_of("cursor_body", 2000, lie=numbered(lambda _, told: told["next"] % 500))
    # Pages 1 to 500 and round again, whoever asks.
    agency.start_of = lambda _inner, given, _listing, _size: int(given.get("cursor", "t0")[1:])

    def a_process_that_dies_after_every_page():
        cursor = None
        for _ in range(5000):
            cursor = next(through(agency, cursor)).next_cursor

    with pytest.raises(PagingFaultError, match="given before"):
        a_process_that_dies_after_every_page()
    assert 500 < len(agency.asked) < 3000


ELSEWHERE = [
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
]
HERE = {
    "https://agency.example/api/list?cursor=2": "/api/list?cursor=2",
    "https://AGENCY.example:443/api/list?cursor=2#top": "/api/list?cursor=2",
    "/other?x=1": "/other?x=1",
    "?cursor=2": "/api/list?cursor=2",
    "more": "/api/more",
    "https://agency.example": "/",
    "https://agency.example//evil.example/x": "//evil.example/x",
}


def test_a_link_is_followed_absolute_or_relative_and_never_to_another_house():
    listing = listing_of(agency_of("next_link"))
    assert {link: listing.path_of(link, URL) for link in HERE} == HERE
    for link in ELSEWHERE:
        with pytest.raises(AgencyError, match="the link to the next page"):
            listing.path_of(link, URL)


@pytest.mark.parametrize("middle", ["", "crossorigin; ", 'title*="x"; crossorigin; ', 'fields="a,b"; anchor; '])
def test_a_link_header_is_read_whatever_stands_in_it_and_names_one_next_page(middle):
    agency = agency_of("link_header", 9, link=f'<{{link}}>; {middle}rel="next"')
    assert len(ids(through(agency))) == 9
    agency = agency_of("link_header", 9, link='<{link}>; rel="next", <{link}&a=2>; title="x"; rel=next')
    with pytest.raises(AgencyError, match="two next pages"):
        list(through(agency))


@pytest.mark.parametrize("beside", [{"errors": [], "error": None}, {"success": True, "timed_out": False}, {"code": 1}])
def test_records_beside_a_word_that_all_is_well_are_a_listing(beside):
    assert len(ids(through(agency_of("page_number", lie=told_with(**beside))))) == 20


@pytest.mark.parametrize(
    ("name", "stated", "told"),
    [
        ("Link", '</list?page=2>; rel="next"', "Link has a next page"),
        ("Link", '</list?page=1>; rel="prev", </list?page=1>; rel="last"', None),
        ("X-Total-Count", "5", "X-Total-Count is 5"),
        ("X-Total-Count", "4", None),
        ("x-total", " 100 ", "X-Total is 100"),
        ("Content-Range", "items 0-3/9", "Content-Range is 9"),
        ("Content-Range", "items 0-3/*", None),
        ("Content-Range", "bytes 0-3/900", None),
    ],
)
def test_a_header_that_announces_more_than_a_single_answer_holds_is_at_fault(name, stated, told):
    agency = agency_of("single", 4, total=None)
    headers = CaseInsensitiveDict({name: stated})
    agency.ask = lambda question, ask=agency.ask: replace(ask(question), headers=headers)
    if told is None:
        assert len(ids(through(agency))) == 4
    else:
        with pytest.raises(AgencyError, match=f"more records than it holds: {told}"):
            list(through(agency))


@pytest.mark.parametrize("word", [{"has_more": True}, {"hasNext": "true"}, {"more": 1}, {"last": False}])
def test_an_empty_page_beside_a_word_that_more_follow_is_at_fault(word):
    agency = agency_of("page_number", total=None, until="empty")
    agency.lie = lambda number, answer, _last: {**answer, "items": [], **word} if number == 2 else answer
    with pytest.raises(PagingFaultError, match="is empty and says that more follow"):
        list(through(agency))


@pytest.mark.parametrize(
    ("changes", "pages", "labels"),
    [
        (
            {"order": "text", "start": "A"},
            {"A": ["A1", "A2"], "A2": ["B"], "B": []},
            ["up to A2", "up to B", "after B"],
        ),
        ({}, {"0": ["9", "10"], "10": []}, ["up to 10", "after 10"]),
    ],
)
def test_ids_ascend_as_text_or_as_numbers_from_where_the_source_file_says(changes, pages, labels):
    agency = agency_of("keyset", 0, **changes)
    agency.answer = lambda given: Answer(b"", {}, {"items": [{"id": i} for i in pages[given["after"]]]}, URL)
    assert [page.label for page in through(agency)] == labels


def test_a_packed_page_that_comes_again_is_a_fault():
    packed = gzip.compress(bytes(range(256)) * 4, 0)
    agency = agency_of("link_header", 30)
    honest = agency.told
    agency.told = lambda inner, told: replace(honest(inner, told), body=packed, value=None)
    with pytest.raises(PagingFaultError, match="page 2 repeats an earlier one"):
        list(agency.paginator.pages(replace(listing_of(agency), at=None), None, DAYS))


PAGES = {"page_number": {"total": None, "total_pages": "pages"}, "until": {"total": None, "until": "empty"}}


def without_total(end, count, kind="page_number", pages=None, **more):
    """An agency that tells the number of its pages, or nothing; `size` may be its own choice."""
    agency = agency_of(kind, count, **PAGES[end], **more)
    pages = -(-count // SIZE) if pages is None else pages

    def told(_inner, told):
        body = {"items": told["items"], "pages": pages}
        return Answer(b"", CaseInsensitiveDict(), body if end == "page_number" else told["items"], URL)

    agency.told = told
    return agency


def read_all(agency, at="items"):
    listing = replace(listing_of(agency), at=RecordsAt(at))
    pages = agency.paginator.pages(listing, None, DAYS)
    return [record["id"] for page in pages for record in listing.at.find(page.answer)]


@pytest.mark.parametrize("sized", [{}, {"size_param": None, "size": None}])
@pytest.mark.parametrize("count", [0, 1, SIZE, SIZE * 2, 20])
@pytest.mark.parametrize(
    ("end", "at", "kind"),
    [("page_number", "items", "page_number"), ("until", None, "page_number"), ("until", None, "offset")],
)
def test_a_list_without_a_number_of_records_is_read_to_its_end(end, at, kind, count, sized):
    agency = without_total(end, count, kind, **sized)
    for agency.ahead in (1, 4):
        assert read_all(agency, at) == [r["id"] for r in agency.listing]


@pytest.mark.parametrize("kind", ["page_number", "offset"])
@pytest.mark.parametrize("behind", ["more", "again", "refused", "none"])
def test_an_empty_page_is_the_end_unless_the_one_behind_it_holds_more(kind, behind):
    agency = without_total("until", 20, kind)
    first, answer = agency.listing[:SIZE], agency.answer

    def answered(given):
        page = int(given.get("page", int(given.get("from", 0)) // SIZE + 1))
        if page == 5 and behind == "refused":
            raise AgencyError("400", "x", "y")
        found = {4: [], 5: {"none": [], "again": first}.get(behind)}.get(page)
        return answer(given) if found is None else replace(answer(given), value=found)

    agency.answer = answered
    if behind == "more":
        with pytest.raises(PagingFaultError, match="is empty, and the page behind it holds 3 records"):
            read_all(agency, None)
    else:
        assert read_all(agency, None) == [r["id"] for r in agency.listing[: SIZE * 3]]


@pytest.mark.parametrize("kind", ["page_number", "offset"])
@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 2), (SIZE, 3), (SIZE + 1, 3), (SIZE * 2, 4)])
def test_behind_a_page_that_is_not_full_one_empty_page_is_the_end(kind, count, requests):
    agency = without_total("until", count, kind)
    asked, answer = [], agency.answer
    agency.answer = lambda given: asked.append(given) or answer(given)
    read_all(agency, None)
    assert len(asked) == requests


@pytest.mark.parametrize(("pages", "told"), [(6, "holds 0 records, of 6 pages"), (0, "holds 3 records, of 0 pages")])
def test_pages_fewer_or_more_than_declared_are_a_fault(pages, told):
    with pytest.raises(PagingFaultError, match=told):
        read_all(without_total("page_number", 15, pages=pages))


@pytest.mark.parametrize(("end", "at"), [("page_number", "items"), ("until", None)])
def test_a_page_of_one_record_that_comes_again_ends_no_list_in_silence(end, at):
    agency = without_total(end, 4)
    agency.lie = told_with(items=agency.listing[:1])
    with pytest.raises(PagingFaultError, match="repeats an earlier one"):
        read_all(agency, at)


@pytest.mark.parametrize(
    ("count", "total", "is_refused"),
    [(25, 3, True), (15, 3, True), (9, 3, True), (12, 6, True)]
    + [(count, count, False) for count in (1, SIZE, SIZE * 2, 20)],
)
@pytest.mark.parametrize("kind", ["page_number", "offset"])
def test_a_number_of_pages_declared_as_a_number_of_records_is_a_fault(kind, count, total, is_refused):
    agency = agency_of(kind, count, lie=told_with(total=total))
    if not is_refused:
        assert len(ids(through(agency))) == count
        return
    told = r"see whether total counts records or pages|for a declared total of"
    with pytest.raises((AgencyError, PagingFaultError), match=told):
        list(through(agency))


@pytest.mark.parametrize("behind", [None, "2", "1"])
def test_an_agency_that_refuses_or_repeats_a_page_behind_its_end_is_believed(behind):
    agency = agency_of("page_number", SIZE * 2)
    honest = agency.answer

    def answer(given):
        if int(given["page"]) == 3 and behind is None:
            raise AgencyError("400", "x", "y")
        return honest({**given, "page": behind} if int(given["page"]) == 3 else given)

    agency.answer = answer
    assert len(ids(through(agency))) == SIZE * 2


def test_a_total_told_on_the_first_page_alone_holds_for_all():
    agency = agency_of("page_number", 8)
    honest = agency.told
    agency.told = lambda inner, told: replace(
        honest(inner, told), value={"items": told["items"], **({"total": 8} if len(agency.asked) == 1 else {})}
    )
    assert ids(through(agency)) == [r["id"] for r in agency.listing]


@pytest.mark.parametrize(
    ("answer", "ends", "found"),
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
def test_nothing_and_one_are_read_where_they_are_declared_or_proved(answer, ends, found):
    at = RecordsAt("items", **ends)
    if isinstance(found, int):
        assert len(at.find(answer)) == found
        return
    with pytest.raises(MissingFieldError, match=re.escape(found)):
        at.find(answer)
