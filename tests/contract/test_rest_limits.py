"""Side by side within the budget of a host, on kept connections, in order."""

import threading
import time

import pytest

from connectors.drivers import rest
from connectors.errors import AgencyError
from tests.contract.small_agency import Reply, ask_of, ids, listing, pull, serve


def slowly(answer, seconds):
    def wait(sent):
        time.sleep(seconds)
        return answer(sent)

    return wait


def limits(connections=1, per_second=None):
    return {"limits": {"connections": connections, "per_second": per_second}}


OFFSET = {"kind": "offset", "offset_param": "from", "size_param": "size", "size": 10, "total": "total"}


def by_offset(count):
    def answer(sent):
        start = int(sent.query["from"])
        return Reply({"total": count, "items": [{"id": n} for n in range(start, min(start + 10, count))]})

    return answer


@pytest.mark.parametrize("connections", [1, 2, 4])
@pytest.mark.parametrize(("count", "behind"), [(195, 0), (200, 1)])
@pytest.mark.parametrize(("paginator", "listed"), [(None, listing), (OFFSET, by_offset)])
def test_as_many_requests_are_in_flight_as_the_budget_allows(connections, paginator, listed, count, behind, pulled):
    more = {} if paginator is None else {"paginator": paginator}
    answer = listed(count)

    def together(sent):
        # Behind the first page each answer waits for its neighbours, however slow the machine is.
        is_first = sent.query.get("page") == "1" or sent.query.get("from") == "0"
        give_up = time.monotonic() + 20
        while not is_first and pulled.agency.most_in_flight < connections and time.monotonic() < give_up:
            time.sleep(0.002)
        return slowly(answer, 0.01)(sent)

    pages = pulled(together, connection=limits(connections), **more)
    assert ids(pages) == list(range(count))
    assert pulled.agency.most_in_flight == connections
    assert len(pulled.agency.seen) == 20 + behind, "a full last page is looked behind, once"
    assert len({sent.port for sent in pulled.agency.seen}) == connections


@pytest.mark.parametrize(
    "behind",
    [
        Reply({}, 500),
        Reply({}, 503, {"Retry-After": "60"}),
        Reply({}, 400),
        Reply(b"<html>"),
        Reply(raw=b""),
        Reply({"total": 20, "items": []}),
    ],
)
def test_behind_a_full_last_page_is_asked_once_whatever_is_said_there(behind, pulled):
    honest = listing(20)
    assert ids(pulled(lambda sent: behind if sent.query["page"] == "3" else honest(sent))) == list(range(20))
    assert [sent.query["page"] for sent in pulled.agency.seen] == ["1", "2", "3"]


def test_datasets_of_one_host_share_its_budget(variables):
    with serve(slowly(listing(95), 0.01)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        asks = [ask_of(connection=limits(2)) for _ in range(3)]
        threads = [threading.Thread(target=pull, args=(ask,)) for ask in asks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert agency.most_in_flight == 2
    assert len(agency.seen) == 30


@pytest.mark.parametrize("connections", [1, 4])
def test_requests_begin_no_faster_than_the_agency_allows(connections, pulled):
    pulled(listing(80), connection=limits(connections, per_second=50))
    starts = sorted(sent.at for sent in pulled.agency.seen)
    assert starts[-1] - starts[0] >= 7 / 50 - 0.01


def test_no_more_pages_are_asked_ahead_than_there_are_connections(variables):
    with serve(listing(1000)) as agency:
        variables.setenv("SMALL_URL", agency.url)
        pages = rest.pull(ask_of(connection=limits(4)))
        for taken in range(1, 20):
            next(pages)
            time.sleep(0.005)
            # What was taken, and four that are under way or wait to be taken.
            assert len(agency.seen) <= taken + 4
        pages.close()


def test_a_page_that_fails_for_good_fails_in_its_turn(variables):
    healthy = listing(100)

    def answer(sent):
        return Reply({}, 404) if sent.query["page"] == "6" else healthy(sent)

    with serve(answer) as agency:
        variables.setenv("SMALL_URL", agency.url)
        pages = rest.pull(ask_of(connection=limits(4)))
        assert [next(pages).label for _ in range(5)] == [f"page {n}" for n in range(1, 6)]
        with pytest.raises(AgencyError, match="answers 404"):
            next(pages)


def test_a_failure_does_not_wait_for_what_is_tried_again_behind_it(pulled):
    def answer(sent):
        page = sent.query["page"]
        if page == "1":
            return listing(100)(sent)
        return Reply({}, 404) if page == "2" else Reply({}, 503, {"Retry-After": "60"})

    began = time.monotonic()
    with pytest.raises(AgencyError, match="answers 404"):
        pulled(answer, connection=limits(4), retry_seconds=90)
    assert time.monotonic() - began < 30
