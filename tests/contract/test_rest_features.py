"""Reports that are ordered and waited for, partitions, time windows, posts, and change feeds, over real HTTP."""

import datetime as dt
import json
from urllib.parse import unquote

import pytest
from pydantic import ValidationError

from connectors.errors import AgencyError, DataError, TransientError
from tests.contract.small_agency import PAGED, Reply, ask_of, ids, listing

JOB = {
    "create_path": "/reports",
    "create_body": {"kind": "vat", "year": 2024},
    "id": "data.jobId",
    "status_path": "/reports/{job}",
    "status": "data.state",
    "done": ["DONE"],
    "failed": ["FAILED"],
    "every_seconds": 0.01,
}


def reports(states, job="a/b 7", url="/files/7.csv"):
    left = list(states)

    def answer(sent):
        if sent.method == "POST":
            return Reply({"data": {"jobId": job}}, 202)
        if sent.path.startswith("/files") or sent.path.endswith("/file"):
            return Reply(b"id,name\n1,a\n")
        return Reply({"data": {"state": left.pop(0) if len(left) > 1 else left[0], "url": url}})

    return answer


def job(**more):
    return {"request": {"job": {**JOB, **more}}, "paginator": None, "decoder": {"kind": "csv"}}


@pytest.mark.parametrize("place", [{"download_path": "/reports/{job}/file"}, {"download_url": "data.url"}])
def test_a_report_is_ordered_waited_for_and_fetched_as_one_page(place, pulled):
    (page,) = pulled(reports(["QUEUED", "RUNNING", "DONE"]), **job(**place))
    assert (page.label, page.body, page.next_cursor) == ("report", b"id,name\n1,a\n", None)
    first, *polls, last = pulled.agency.seen
    assert (first.method, json.loads(first.body)) == ("POST", {"kind": "vat", "year": 2024})
    assert [unquote(sent.target) for sent in polls] == ["/reports/a/b 7"] * 3
    assert [sent.target for sent in polls] == ["/reports/a%2Fb%207"] * 3
    assert last.target in ("/files/7.csv", "/reports/a%2Fb%207/file")


@pytest.mark.parametrize(
    ("agency", "place", "told"),
    [
        ({"states": ["RUNNING", "FAILED"]}, {"download_path": "/x"}, "could not make the report"),
        *(({"states": [one]}, {"download_path": "/x"}, "state of the job") for one in (None, {"a": 1}, True, "")),
        *(
            ({"states": ["DONE"], "job": one}, {"download_path": "/reports/{job}/file"}, "id of the job")
            for one in (None, "..", ".", "", ["a"])
        ),
        (
            {"states": ["DONE"], "url": "https://evil.example/7"},
            {"download_url": "data.url"},
            "leads to another host",
        ),
    ],
)
def test_a_report_that_failed_or_is_told_of_in_no_form_is_the_agencys(agency, place, told, pulled):
    with pytest.raises(AgencyError, match=told):
        pulled(reports(**agency), **job(**place))


def test_a_report_that_is_never_ready_is_given_up(pulled, monkeypatch):
    monkeypatch.setattr("connectors.drivers.jobs.BUDGETS_TO_WAIT", 0.01)
    with pytest.raises(TransientError, match=r"not ready after \d+ looks"):
        pulled(reports(["RUNNING"]), **job(download_path="/x"), retry_seconds=20)
    assert len(pulled.agency.seen) > 10


def partitioned(param=None):
    partition = {"name": "uscc", "values": ["x"], **({"param": param} if param else {})}
    return {"path": "/list" if param else "/firms/{uscc}/list", "partition": partition}


def test_a_partition_that_the_agency_refuses_is_named(pulled):
    with pytest.raises(AgencyError, match=r"answers 404 to .*/firms/91 02/list"):
        pulled(lambda _: Reply({}, 404), request=partitioned(), partition_values=("91 02",))


def test_each_value_is_asked_for_in_the_path_or_in_the_query(pulled):
    values = ("甲/乙", "b")
    pages = pulled(listing(15), request=partitioned(), partition_values=values)
    assert [page.label for page in pages] == [f"[uscc={value}] page {n}" for value in values for n in (1, 2)]
    assert pulled.agency.seen[0].target.startswith("/firms/%E7%94%B2%2F%E4%B9%99/list?")
    pulled(listing(15), request=partitioned("code"), partition_values=values)
    assert [sent.query["code"] for sent in pulled.agency.seen] == ["甲/乙", "甲/乙", "b", "b"]


@pytest.mark.parametrize("value", ["..", ".", ""])
def test_a_value_that_would_climb_to_another_path_is_not_asked_for(value, pulled):
    with pytest.raises(DataError, match="empty or made of dots"):
        pulled(listing(15), request=partitioned(), partition_values=(value,))
    assert pulled.agency.seen == []


TOKEN = {"kind": "post_token", "token_field": "token", "size_param": "size", "size": 2, "next": "next"}


def test_a_token_goes_into_the_body_of_a_post(pulled):
    def answer(sent):
        asked = json.loads(sent.body)
        start = int(asked.get("token", 0))
        return Reply({"items": [{"id": start}, {"id": start + 1}], "next": str(start + 2) if start < 4 else None})

    request = {"path": "/list", "method": "POST", "body": {"year": 2024}}
    assert ids(pulled(answer, paginator=TOKEN, request=request)) == [0, 1, 2, 3, 4, 5]
    assert [json.loads(sent.body) for sent in pulled.agency.seen] == [
        {"year": 2024, "size": 2},
        {"year": 2024, "size": 2, "token": "2"},
        {"year": 2024, "size": 2, "token": "4"},
    ]
    assert {sent.headers["content-type"] for sent in pulled.agency.seen} == {"application/json"}


def test_a_parameter_that_the_body_names_goes_into_the_body(pulled):
    request = {"path": "/list", "method": "POST", "body": {"page": 1, "size": "10"}, "params": {"v": "2"}}

    def answer(sent):
        asked = json.loads(sent.body)
        assert asked["size"] == "10"
        items = [{"id": n} for n in range(asked["page"] * 10 - 10, min(asked["page"] * 10, 25))]
        return Reply({"total": 25, "items": items})

    assert ids(pulled(answer, request=request)) == list(range(25))
    assert [sent.query for sent in pulled.agency.seen] == [{"v": "2"}] * 3


def test_a_token_that_is_a_number_stays_one_in_the_body(pulled):
    def answer(sent):
        start = json.loads(sent.body).get("page", {}).get("after", 0)
        return Reply({"items": [{"id": start}, {"id": start + 1}], "next": start + 2 if start < 4 else None})

    request = {"path": "/list", "method": "POST", "body": {"page": {"way": "up"}}}
    paginator = {**TOKEN, "token_field": "page.after"}
    assert ids(pulled(answer, paginator=paginator, request=request)) == [0, 1, 2, 3, 4, 5]
    assert json.loads(pulled.agency.seen[1].body) == {"page": {"way": "up", "after": 2}, "size": 2}


@pytest.mark.parametrize("form", ["json", "form"])
def test_page_and_size_go_into_a_part_of_the_body_or_into_a_form(form, pulled):
    body = {"page": {"no": 1, "size": 10}, "q": "x"} if form == "json" else {"no": 1, "size": 10, "q": "企业"}

    def answer(sent):
        asked = json.loads(sent.body)["page"] if form == "json" else {k: int(sent.form[k]) for k in ("no", "size")}
        assert sent.query == {}
        return Reply({"total": 25, "items": [{"id": n} for n in range(25)][asked["no"] * 10 - 10 : asked["no"] * 10]})

    names = ("page.no", "page.size") if form == "json" else ("no", "size")
    paginator = {**PAGED, "page_param": names[0], "size_param": names[1]}
    request = {"path": "/list", "method": "POST", "body": body, "body_as": form}
    assert ids(pulled(answer, paginator=paginator, request=request)) == list(range(25))
    wanted = "application/json" if form == "json" else "application/x-www-form-urlencoded"
    assert {sent.headers["content-type"] for sent in pulled.agency.seen} == {wanted}


def test_fixed_headers_go_with_every_request_and_a_secret_in_one_is_not_kept(pulled, variables):
    variables.setenv("SMALL_KEY", "header-secret-0123456789")
    connection = {"headers": {"Accept": "application/json", "X-App": {"env": "SMALL_KEY"}}}
    request = {"path": "/list", "method": "POST", "headers": {"content-type": "application/json;charset=UTF-8"}}
    ask = {"connection": connection, "request": request}
    assert len(ids(pulled(listing(25), **ask))) == 25
    for sent in pulled.agency.seen:
        assert (sent.headers["accept"], sent.headers["x-app"]) == ("application/json", "header-secret-0123456789")
        assert sent.headers["content-type"] == "application/json;charset=UTF-8"
    assert ask_of(**ask).source.variables() == ["SMALL_KEY", "SMALL_SECRET", "SMALL_URL"]
    with pytest.raises(AgencyError, match="repeats our secret"):
        pulled(lambda sent: Reply({"total": 0, "items": [], "you": sent.headers["x-app"]}), **ask)


@pytest.mark.parametrize(
    "headers", [{"Host": "x"}, {"Content-Length": "1"}, {"X A": "b"}, {"X": "a\r\nY: b"}, {"X": ""}]
)
def test_a_header_that_is_not_ours_to_set_is_refused(headers):
    with pytest.raises(ValidationError):
        ask_of(connection={"headers": headers})


CHANGED = [
    {"name": "id", "data_type": "bigint", "source_field": "id", "required": True},
    {"name": "changed", "data_type": "timestamp", "source_field": "changed"},
]
SINCE = {"param": "since", "column": "changed", "start": "2000-01-01", "lookback_days": 1}


@pytest.mark.parametrize(("since", "asked"), [(None, "2000-01-01"), ("2025-03-01T00:00:00+00:00",) * 2])
def test_a_change_feed_is_asked_from_its_start_or_from_what_we_hold(since, asked, pulled):
    changes = {"load": "upsert", "columns": CHANGED}
    pulled(listing(5), since=since, request={"path": "/list", "since": SINCE}, dataset=changes)
    assert pulled.agency.seen[0].query["since"] == asked


def test_where_windows_carry_the_bound_it_is_the_day_of_the_zone(pulled):
    changes = {"load": "upsert", "columns": CHANGED}
    since = {"path": "/list", "since": {**SINCE, "param": "low"}}
    # Seven in the evening in London is three in the morning of the next day in Shanghai.
    pulled(windows(20), since="2025-03-01T19:00:00+00:00", request=since, dataset=changes, paginator=WINDOW)
    assert pulled.agency.seen[0].query["low"] == "2025-03-02"


def windows(count, first="2025-01-01"):
    day = dt.date.fromisoformat(first)

    def answer(sent):
        low, high = sent.query["low"], sent.query["high"]
        all_of_it = [{"id": n, "day": (day + dt.timedelta(n % 100)).isoformat()} for n in range(count)]
        wanted = [r for r in all_of_it if low <= r["day"] <= high]
        page = int(sent.query["page"])
        return Reply({"total": len(wanted), "items": wanted[page * 10 - 10 : page * 10]})

    return answer


WINDOW = {
    "kind": "time_window",
    "from_param": "low",
    "to_param": "high",
    "start": "2025-01-01",
    "cap": 30,
    "inner": PAGED,
}
