"""The sandbox's REST agencies and webhook, asked over real sockets: dialects, secrets and bad days."""

import hashlib
import hmac
import json
import time

import pytest
import requests

from sandbox.rest_agencies import string_to_sign
from sandbox.start import start
from sandbox.webhook import signature

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with start("district", tmp_path_factory.mktemp("servers") / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    """The running sandbox on a day without faults."""
    plan(running, {})
    yield running
    (running.state / "faults.json").unlink()


def plan(sandbox, faults):
    (sandbox.state / "faults.json").write_text(json.dumps(faults), encoding="utf-8")


def token(sandbox, secret=None):
    answer = requests.post(
        sandbox.env["TAX_BASE_URL"] + "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(sandbox.env["TAX_CLIENT_ID"], secret or sandbox.env["TAX_CLIENT_SECRET"]),
        timeout=60,
    )
    return answer.json().get("access_token"), answer


def statements(sandbox, bearer, page=1, size=500):
    return requests.get(
        sandbox.env["TAX_BASE_URL"] + "/api/v1/statements",
        params={"page": page, "pageSize": size},
        headers={"Authorization": f"Bearer {bearer}"},
        timeout=60,
    )


def applications(sandbox, after=0, key=None):
    return requests.get(
        sandbox.env["PATENT_BASE_URL"] + "/v2/applications",
        params={"after": after, "limit": 1000},
        headers={"X-Api-Key": key or sandbox.env["PATENT_API_KEY"]},
        timeout=60,
    )


def credit(sandbox, nonce, params=(("page", "1"), ("size", "500")), sent=None, skew=0):
    """Ask for events: signed for `params`, sent with `sent` where those are to differ."""
    stamp, path = str(int(time.time()) + skew), "/openapi/events"
    sealed = string_to_sign("GET", path, params, stamp, nonce, b"").encode()
    headers = {
        "X-App-Key": sandbox.env["CREDIT_APP_KEY"],
        "X-Timestamp": stamp,
        "X-Nonce": nonce,
        "X-Signature": hmac.new(sandbox.env["CREDIT_APP_SECRET"].encode(), sealed, hashlib.sha256).hexdigest(),
    }
    return requests.get(sandbox.env["CREDIT_BASE_URL"] + path, params=sent or params, headers=headers, timeout=60)


def test_the_tax_office_gives_every_statement_once(sandbox):
    bearer, _ = token(sandbox)
    pages = [statements(sandbox, bearer, page).json()["data"] for page in range(1, 6)]
    held = (sandbox.state / "tax" / "statements.jsonl").read_text(encoding="utf-8").splitlines()
    assert [item for page in pages for item in page["items"]] == [json.loads(line) for line in held]
    assert {page["total"] for page in pages} == {len(held)}
    assert pages[4]["items"] == []


@pytest.mark.parametrize("dataset", ["rd_deductions", "vat_returns", "credit_grades", "arrears"])
def test_the_tax_office_serves_each_of_its_lists(sandbox, dataset):
    bearer, _ = token(sandbox)
    answer = requests.get(
        f"{sandbox.env['TAX_BASE_URL']}/api/v1/{dataset.replace('_', '-')}",
        params={"page": 1, "pageSize": 10},
        headers={"Authorization": f"Bearer {bearer}"},
        timeout=60,
    )
    held = (sandbox.state / "tax" / f"{dataset}.jsonl").read_text(encoding="utf-8").splitlines()
    assert answer.json()["data"]["total"] == len(held)
    assert answer.json()["data"]["items"] == [json.loads(line) for line in held[:10]]


def test_a_token_dies_in_mid_pull_and_a_new_one_goes_on(sandbox):
    plan(sandbox, {"tax": {"token_requests": 3}})
    bearer, _ = token(sandbox)
    assert [statements(sandbox, bearer, page).status_code for page in (1, 2, 3, 4)] == [200, 200, 200, 401]
    assert statements(sandbox, token(sandbox)[0], 4).status_code == 200


def test_a_token_dies_after_its_seconds(sandbox):
    plan(sandbox, {"tax": {"token_seconds": 0.05}})
    bearer, _ = token(sandbox)
    time.sleep(0.1)
    answer = statements(sandbox, bearer)
    assert (answer.status_code, answer.json()["code"]) == (401, "401")


def test_a_wrong_secret_gets_no_token(sandbox):
    assert token(sandbox, "guessed")[1].status_code == 401


def test_the_secret_may_come_in_the_form(sandbox):
    form = {"grant_type": "client_credentials", "client_id": sandbox.env["TAX_CLIENT_ID"]}
    form["client_secret"] = sandbox.env["TAX_CLIENT_SECRET"]
    answer = requests.post(sandbox.env["TAX_BASE_URL"] + "/oauth/token", data=form, timeout=60)
    assert answer.json()["token_type"] == "Bearer"


def test_on_a_usual_day_page_two_is_busy_once(running):
    # No file of faults: the day as it comes. Taking the file away starts the counters anew.
    plan(running, {})
    statements(running, token(running)[0])
    (running.state / "faults.json").unlink()
    answers = [statements(running, token(running)[0], page) for page in (1, 2, 2)]
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert answers[1].headers["Retry-After"] == "1"


def test_an_agency_that_is_down_answers_503_and_the_others_go_on(sandbox):
    plan(sandbox, {"patent": {"down": True}})
    assert applications(sandbox).status_code == 503
    assert token(sandbox)[1].status_code == 200


def test_a_page_repeated_or_cut_off_is_what_the_plan_says(sandbox):
    plan(sandbox, {"tax": {"repeat_page": 2, "garbled_body": {"page": 1, "times": 1}}})
    bearer, _ = token(sandbox)
    cut = statements(sandbox, bearer, 1)
    with pytest.raises(requests.JSONDecodeError):
        cut.json()
    assert statements(sandbox, bearer, 1).json()["data"]["page"] == 1
    assert statements(sandbox, bearer, 3).content == statements(sandbox, bearer, 2).content


def test_the_patent_office_walks_by_ascending_id_to_an_empty_page(sandbox):
    ids, after = [], 0
    while records := applications(sandbox, after).json()["records"]:
        ids += [record["id"] for record in records]
        after = ids[-1]
    held = (sandbox.state / "patent" / "applications.jsonl").read_text(encoding="utf-8").splitlines()
    assert ids == sorted(set(ids))
    assert len(ids) == len(held)


def test_the_patent_office_knows_its_key(sandbox):
    assert applications(sandbox, key="another").status_code == 401


def test_a_signed_request_is_answered_in_the_order_of_change(sandbox):
    answer = credit(sandbox, "in-order").json()
    stamps = [item["updatedAt"] for item in answer["items"]]
    assert answer["total"] == len(stamps) > 20
    assert stamps == sorted(stamps)


def test_only_what_changed_since_is_answered(sandbox):
    since = "2025-03-01T00:00:00+08:00"
    params = (("page", "1"), ("size", "500"), ("updated_since", since))
    later = credit(sandbox, "since", params).json()["items"]
    everything = credit(sandbox, "since-ever").json()["items"]
    assert later == [item for item in everything if item["updatedAt"] >= since]
    assert 0 < len(later) < len(everything)


def test_a_nonce_is_good_once(sandbox):
    assert credit(sandbox, "twice").status_code == 200
    again = credit(sandbox, "twice")
    assert (again.status_code, again.json()["code"]) == (401, "REPLAYED_NONCE")


def test_a_parameter_changed_after_signing_is_refused(sandbox):
    answer = credit(sandbox, "changed", sent={"page": "2", "size": "500"})
    assert (answer.status_code, answer.json()["code"]) == (401, "BAD_SIGNATURE")


@pytest.mark.parametrize("skew", [-400, 400])
def test_a_clock_far_from_ours_is_refused(sandbox, skew):
    answer = credit(sandbox, f"clock{skew}", skew=skew)
    assert (answer.status_code, answer.json()["code"]) == (401, "STALE_TIMESTAMP")


def notice(sandbox, number, secret=None):
    event = {"specversion": "1.0", "id": number, "source": "/jifen", "type": "edition.published"}
    body = json.dumps(event).encode()
    headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
    headers["X-Jifen-Signature"] = signature(secret or sandbox.env["POLICY_WEBHOOK_SECRET"], body)
    return requests.post(sandbox.env["POLICY_WEBHOOK_URL"], data=body, headers=headers, timeout=60).status_code


def received(sandbox):
    path = sandbox.state / "webhook" / "events.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line)["id"] for line in lines]


def test_the_channel_keeps_every_accepted_notice_and_its_repeats(sandbox):
    assert [notice(sandbox, "kept"), notice(sandbox, "kept")] == [202, 202]
    assert received(sandbox).count("kept") == 2


def test_the_channel_refuses_a_seal_that_is_not_its_own(sandbox):
    assert notice(sandbox, "forged", "another") == 401
    assert "forged" not in received(sandbox)


def test_what_a_test_changes_in_a_feed_is_served_at_the_next_request(sandbox):
    path = sandbox.state / "credit" / "events.jsonl"
    before = path.read_text(encoding="utf-8")
    try:
        path.write_text("".join(before.splitlines(keepends=True)[:3]), encoding="utf-8")
        assert credit(sandbox, "edited").json()["total"] == 3
    finally:
        path.write_text(before, encoding="utf-8")
    assert credit(sandbox, "restored").json()["total"] > 3


def test_every_request_is_in_the_access_log_with_its_status(sandbox):
    applications(sandbox, after=7, key="another")
    lines = (sandbox.state / "access.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    asked = [line for line in found if line["query"].get("after") == "7"]
    assert [(line["agency"], line["method"], line["path"], line["status"]) for line in asked] == [
        ("patent", "GET", "/v2/applications", 401)
    ]
