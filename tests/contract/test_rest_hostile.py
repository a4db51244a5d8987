"""What an agency sends by mistake or malice: never kept, never followed, never silently wrong."""

import gzip
import json
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

import pytest

from connectors.decoders.decode import decode
from connectors.drivers import http_call, rest
from connectors.errors import AgencyError, DataError, LineDeadError, TransientError
from tests.contract.small_agency import PAGED, SECRET, Reply, ask_of, ids, listing, pull, serve

SINGLE = {"kind": "single"}
LINES = {"kind": "jsonl"}
UNTIL = {"kind": "page_number", "page_param": "page", "until": "empty"}


def once(reply, count=1):
    """A fault on the first request, and a healthy agency after it."""
    faults, healthy = [reply], listing(count)
    return lambda sent: faults.pop() if faults else healthy(sent)


def whole(body, extra=b""):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), extra, body)


GOOD = json.dumps({"total": 5, "items": [{"id": n} for n in range(5)]}).encode()
PACKED = gzip.compress(GOOD)
CURABLE = {
    "a reset before the answer": Reply(raw=b""),
    "a reset in mid-body": Reply(raw=whole(GOOD)[:-20]),
    "a chunk cut short": Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"),
    "no chunk at all": Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    "half a JSON": Reply(GOOD[:20]),
    "an empty body": Reply(b""),
    "an HTML page": Reply(b"<html>maintenance</html>"),
    "a packed body cut short": Reply(PACKED[:-12], headers={"Content-Encoding": "gzip"}),
    "a packing nobody asked for": Reply(GOOD, headers={"Content-Encoding": "br"}),
    "429": Reply({}, 429),
    "500": Reply({}, 500),
    "503 with a wait": Reply({}, 503, {"Retry-After": "0"}),
    "408": Reply({}, 408),
    "nonsense instead of HTTP": Reply(raw=b"\x00\x01\x02 nonsense\r\n\r\n"),
}


@pytest.mark.parametrize("name", CURABLE)
def test_what_may_pass_is_tried_again(name, pulled):
    assert ids(pulled(once(CURABLE[name]), retry_seconds=10)) == [0]
    assert len(pulled.agency.seen) == 2


@pytest.mark.parametrize("name", ["a reset in mid-body", "half a JSON", "a packed body cut short", "500"])
def test_what_does_not_pass_is_loud(name, pulled):
    with pytest.raises(TransientError, match=r"small\.listing"):
        pulled(lambda _: CURABLE[name], retry_seconds=0.3)


def test_a_packed_answer_is_unpacked_and_two_packed_parts_are_one_body(pulled):
    body = gzip.compress(b'{"id": 1}\n') + gzip.compress(b'{"id": 2}\n')
    (page,) = pulled(lambda _: Reply(body, headers={"Content-Encoding": "gzip"}), decoder=LINES, paginator=SINGLE)
    assert (page.body, page.answer) == (b'{"id": 1}\n{"id": 2}\n', None)


@pytest.mark.parametrize(
    ("body", "packing"),
    [
        (GOOD, "gzip"),
        (PACKED, "GZIP, identity"),
        (gzip.compress(PACKED), "gzip, gzip"),
        (b"\xef\xbb\xbf" + GOOD, "gzip"),
        (GOOD, "identity"),
    ],
)
def test_a_body_is_unpacked_as_often_as_it_is_packed(body, packing, pulled):
    assert ids(pulled(lambda _: Reply(body, headers={"Content-Encoding": packing}))) == [0, 1, 2, 3, 4]
    assert {sent.query["page"] for sent in pulled.agency.seen[:-1]} == {"1"}


@pytest.mark.parametrize("packing", [PACKED, GOOD])
def test_a_packing_that_comes_a_byte_first_is_known(packing, pulled):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    chunks = b"1\r\n" + packing[:1] + b"\r\n%x\r\n" % (len(packing) - 1) + packing[1:] + b"\r\n0\r\n\r\n"
    assert ids(pulled(lambda _: Reply(raw=head + chunks))) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(GOOD, headers={"Content-Encoding": "UTF-8"}),
        Reply(GOOD, headers={"Content-Encoding": "none"}),
        Reply(GOOD.replace(b'"total": 5', b'"total": 5.0')),
    ],
)
def test_what_is_plain_all_the_same_is_read(reply, pulled):
    assert ids(pulled(lambda _: reply)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(b"<!DOCTYPE html><html><body>login</body></html>"), "is a page of HTML.*ask the agency to grant access"),
        (Reply(b"cb(" + GOOD + b");"), "a script that calls a function"),
        (Reply(b"Rar!\x1a\x07\x00" + GOOD), "a RAR archive"),
        (Reply(GOOD.replace(b'"', b"'")), "a single quotation mark .* at byte 1"),
        (Reply(GOOD[:-1] + b",}"), "a comma too many, before byte"),
        (Reply(GOOD + b"\n" + GOOD), "more stands behind its end"),
        (Reply(gzip.compress(PACKED), headers={"Content-Encoding": "gzip"}), "is packed with gzip"),
        (Reply(PACKED + b"garbage", headers={"Content-Encoding": "gzip"}), "packed with gzip and broken"),
        (Reply(PACKED[:20] + b"\x00" * 40, headers={"Content-Encoding": "gzip"}), "packed with gzip and broken"),
        (Reply(GOOD, headers={"Content-Encoding": "br"}), "is packed with br, and we ask for gzip"),
        (Reply(GOOD, headers={"Content-Encoding": "zstd"}), "is packed with zstd"),
        (Reply(GOOD.replace(b"items", "名".encode("gbk"))), "is not UTF-8 .byte 14., and reads as GB18030: declare"),
        (Reply(GOOD.decode().encode("utf-16")), "text in UTF-16: declare"),
        (Reply(GOOD.replace(b"}]", b'}], "total": []')), "'total' stands twice"),
        (Reply(GOOD.replace(b"}]", b'}], "total": 5')), "the total at total is no count"),
    ],
)
def test_an_answer_in_another_form_is_named_and_asked_for_once_more_only(reply, told, pulled):
    with pytest.raises(AgencyError, match=told):
        pulled(lambda _: reply, retry_seconds=10)
    assert len(pulled.agency.seen) <= 2


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_page_for_people_is_no_table(kind, pulled):
    with pytest.raises(AgencyError, match="is a page of HTML"):
        pulled(lambda _: Reply(b"<html>closed</html>"), decoder={"kind": kind}, paginator=SINGLE, retry_seconds=10)


def test_json_is_read_in_the_encoding_that_is_declared(pulled):
    body = json.dumps({"total": 1, "items": [{"id": 1, "name": "积分"}]}, ensure_ascii=False).encode("gb18030")
    decoder = {"kind": "json", "records": "items", "encoding": "gb18030"}
    (page,) = pulled(lambda _: Reply(body), decoder=decoder)
    assert (page.body, page.answer["items"][0]["name"]) == (body, "积分")


NONE = {"decoder": {"kind": "json", "records": "items", "none": True}}


@pytest.mark.parametrize(
    "reply",
    [Reply(b"", 204), Reply(b""), Reply(b" \n"), Reply(b"null"), Reply(b"{}"), Reply({"total": 0, "items": None})],
)
@pytest.mark.parametrize("paginator", [PAGED, SINGLE, UNTIL])
def test_what_means_nothing_is_an_empty_page_where_that_is_declared(reply, paginator, pulled):
    ask = ask_of(paginator=paginator, **NONE)
    (page,) = pulled(lambda _: reply, paginator=paginator, **NONE)
    (chunk,) = decode(ask.dataset, page.label, page.body)
    assert list(chunk.positions) == []


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(b"", 204), "204: it has nothing for us.*declare none: true"),
        (Reply(b""), "it is empty.*declare none: true"),
        (Reply(b"null"), "nothing at items"),
        (Reply({"total": 1, "items": None}), "items, which is null: declare none: true"),
    ],
)
def test_what_may_mean_nothing_says_how_to_declare_it(reply, told, pulled):
    with pytest.raises(AgencyError, match=told):
        pulled(lambda _: reply, retry_seconds=10)


def test_a_table_that_ends_with_nothing_is_read_until_then(pulled):
    healthy = listing(25)
    pages = pulled(lambda s: healthy(s) if int(s.query["page"]) < 4 else Reply(b"", 204), paginator=UNTIL, **NONE)
    assert ids(pages[:-1]) == list(range(25))


@pytest.mark.parametrize("status", [206, 301, 302, 307, 304, 400, 403, 404, 405, 418])
def test_a_refusal_is_the_agencys_and_is_not_tried_again(status, pulled):
    with pytest.raises(AgencyError, match=f"answers {status}"):
        pulled(lambda _: Reply(b"", status, {"Location": "/elsewhere"}))
    assert len(pulled.agency.seen) == 1


def test_another_path_of_the_same_host_is_named(pulled):
    with pytest.raises(AgencyError, match=r"answers 301: it redirects us \(/list/\)"):
        pulled(lambda _: Reply(b"", 301, {"Location": "/list/?page=1"}))


def test_a_portal_in_the_way_is_named_by_its_host(pulled):
    away = Reply(b"", 302, {"Location": "http://portal.example:8080/login?from=canary-query"})
    with pytest.raises(AgencyError, match=r"answers 302: it redirects us \(http://portal\.example\)") as caught:
        pulled(lambda _: away)
    assert "canary" not in str(caught.value)


def test_a_redirect_to_what_is_no_address_is_the_agencys(pulled):
    with pytest.raises(AgencyError, match=r"answers 302: it redirects us \(no address\)"):
        pulled(lambda _: Reply(b"", 302, {"Location": "http://[portal/"}))


def test_an_answer_of_two_lengths_is_the_agencys_and_is_asked_for_once_more_only(pulled):
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}"
    with pytest.raises(AgencyError, match="two lengths of its body"):
        pulled(lambda _: Reply(raw=raw))
    assert len(pulled.agency.seen) == 2


@pytest.mark.parametrize("paginator", [PAGED, {"kind": "link_header"}, {"kind": "next_link", "next": "next"}])
def test_credentials_follow_no_redirect_and_no_link_to_another_host(paginator, pulled):
    with serve(listing(5)) as other:
        link = f"{other.url}/list"
        reply = Reply({"items": [{"id": 1}], "next": link}, 200, {"Link": f'<{link}>; rel="next"'})
        if paginator is PAGED:
            reply = Reply(b"", 302, {"Location": link})
        with pytest.raises(AgencyError, match=r"leads to another host|it redirects us") as caught:
            pulled(lambda _: reply, paginator=paginator)
        assert other.seen == []
    assert other.url not in str(caught.value)


@pytest.mark.parametrize("form", [SECRET, quote(SECRET, safe=""), SECRET.replace("/", "\\/")])
@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("in_header", [False, True])
def test_an_answer_that_repeats_our_secret_is_not_kept(form, status, in_header, pulled):
    body = f'{{"total": 1, "items": [{{"id": 1, "echo": "{"" if in_header else form}"}}]}}'.encode()
    with pytest.raises(AgencyError, match="the answer repeats our secret") as caught:
        pulled(lambda _: Reply(body, status, {"X-Next": form} if in_header else {}))
    assert form not in str(caught.value)


def test_a_token_that_was_granted_is_a_secret_too(pulled, variables):
    auth = {
        "kind": "oauth2_client_credentials",
        "token_path": "/token",
        "client_id": {"env": "SMALL_ID"},
        "client_secret": {"env": "SMALL_SECRET"},
    }
    variables.setenv("SMALL_ID", "zone")

    def answer(sent):
        if sent.path == "/token":
            return Reply({"access_token": "granted-0123456789"})
        return Reply({"total": 1, "items": [{"id": 1, "you": sent.headers["authorization"]}]})

    with pytest.raises(AgencyError, match="repeats our secret"):
        pulled(answer, auth=auth)


ENDLESS = gzip.compress(b" " * (64 * 1024 * 1024), 1)


@pytest.mark.parametrize(
    ("reply", "error", "told", "most"),
    [
        (Reply(ENDLESS, headers={"Content-Encoding": "gzip"}), DataError, "larger than 8388608 bytes", 64 << 20),
        (Reply(b" " * (16 << 20)), DataError, "larger than 8388608 bytes", 16 << 20),
        (Reply(ENDLESS, 302, {"Content-Encoding": "gzip", "Location": "/x"}), AgencyError, "answers 302", 16 << 20),
    ],
)
def test_a_body_beyond_the_cap_is_refused_before_it_is_held(reply, error, told, most, pulled, monkeypatch):
    monkeypatch.setattr(http_call, "MAX_BODY_BYTES", 8 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(error, match=told):
            pulled(lambda _: reply)
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("lists", "connections"), [(4_000_000, 1), (1_000_000, 4)])
def test_a_body_made_of_empty_lists_is_refused_before_it_is_decoded(lists, connections, pulled):
    body = b'{"total": 1, "items": [' + b"[]," * lists + b"{}]}"
    with pytest.raises(DataError, match="more values than fit into memory"):
        pulled(lambda _: Reply(body), timeout=10, connection={"limits": {"connections": connections}})


def test_lists_within_lists_without_end_are_loud(pulled):
    with pytest.raises(DataError, match="nested deeper than any record"):
        pulled(lambda _: Reply(b"[" * 100_000), retry_seconds=10)


def test_a_date_in_the_past_is_no_reason_to_ask_in_a_tight_circle(pulled):
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    with pytest.raises(TransientError):
        pulled(lambda _: Reply({}, 503, {"Retry-After": past}), retry_seconds=1.5)
    assert len(pulled.agency.seen) < 40


def test_what_a_library_said_stays_behind(variables):
    """An exception of requests holds the address with its query; ours is not chained to it."""
    variables.setenv("SMALL_URL", "http://127.0.0.1:9")
    auth = {"kind": "api_key", "param": "key", "key": {"env": "SMALL_SECRET"}}
    with pytest.raises(LineDeadError, match="connection refused") as caught:
        pull(ask_of(auth=auth, retry_seconds=0.2))
    met, error = [], caught.value
    while error is not None:
        met.append(repr(error))
        error = error.__cause__ or error.__context__
    assert SECRET not in str(met)
    assert quote(SECRET, safe="") not in str(met)


def test_a_pull_broken_off_leaves_nobody_asking(variables):
    with serve(listing(500)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        pages = rest.pull(ask_of(connection={"limits": {"connections": 4}}))
        next(pages)
        next(pages)
        pages.close()
        asked = len(agency.seen)
        time.sleep(0.1)
        assert len(agency.seen) == asked <= 6
