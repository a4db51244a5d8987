"""Agencies made from source files, asked over real sockets: what they refuse, what they serve, what they log."""

import json
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import requests

from connectors.landing import landed_path
from connectors.pull import pull_dataset
from connectors.source_files import read_source, read_sources
from connectors.zone import Zone
from ledger.settings import Settings
from ledger.store import open_ledger
from sandbox.standin.faults import PlanError
from sandbox.start import SAMPLES, SandboxError, start_standin

pytestmark = pytest.mark.enable_socket

ADDRESSES = [(source.name, dataset.name) for source in read_sources(SAMPLES) for dataset in source.datasets]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with start_standin(SAMPLES, tmp_path_factory.mktemp("standin")) as agency:
        yield agency


@pytest.fixture
def agency(running, monkeypatch):
    """The samples on a healthy day, with nothing asked yet, their variables set."""
    for name, value in running.env.items():
        monkeypatch.setenv(name, value)
    running.set_faults([])
    running.clear_requests()
    return running


def as_counted(rows):
    return Counter(json.dumps(row, default=str, sort_keys=True) for row in rows)


def pull(agency, tmp_path, name, dataset_name):
    """What a pull of one dataset lands, its parent pulled before it."""
    source = read_source(SAMPLES / f"{name}.yml")
    dataset = source.dataset(dataset_name)
    settings = Settings(data_dir=tmp_path / "data", retry_seconds=5, request_timeout_seconds=2, _env_file=None)
    ledger = open_ledger(settings)
    try:
        if dataset.parent:
            pull_dataset(source, source.dataset(dataset.parent), Zone(), settings, ledger, agency.as_of)
        pulled = pull_dataset(source, dataset, Zone(), settings, ledger, agency.as_of)
        assert pulled.state == "landed", pulled.message
        path = landed_path(settings.data_dir, name, dataset_name, pulled.batch)
        return pq.read_table(path, partitioning=None).select([c.name for c in dataset.columns]).to_pylist()
    finally:
        ledger.dispose()


@pytest.mark.parametrize(("source", "dataset"), ADDRESSES, ids=[".".join(address) for address in ADDRESSES])
def test_what_an_agency_serves_lands_as_its_truth(agency, tmp_path, source, dataset):
    assert as_counted(pull(agency, tmp_path, source, dataset)) == as_counted(agency.truth(source, dataset))


def get(agency, source, path, **given):
    """Ask customs or the patent office, whose keys are plain."""
    key = {"customs": {"X-Api-Key": agency.env["CUSTOMS_KEY"]}}.get(source, {})
    given["headers"] = {**key, **given.get("headers", {})}
    return requests.get(agency.env[f"{source.upper()}_URL"] + path, timeout=60, **given)


def test_every_variable_of_every_source_has_a_value(agency):
    assert {name for source in read_sources(SAMPLES) for name in source.variables()} == set(agency.env)


def test_who_does_not_prove_who_he_is_is_refused(agency):
    assert requests.get(agency.env["CUSTOMS_URL"] + "/v2/consignments", timeout=60).status_code == 401
    assert requests.get(agency.env["COURT_URL"] + "/judgments", auth=("a", "b"), timeout=60).status_code == 401
    token = requests.post(
        agency.env["TAX_REPORTS_URL"] + "/oauth/token",
        data={"grant_type": "client_credentials", "scope": "declarations"},
        auth=(agency.env["TAX_REPORTS_CLIENT_ID"], "guessed"),
        timeout=60,
    )
    assert token.status_code == 401


def test_who_brings_no_certificate_is_not_let_in(agency):
    with pytest.raises(requests.exceptions.RequestException):
        requests.get(agency.env["LAND_REGISTRY_URL"] + "/leases", verify=agency.env["LAND_REGISTRY_CA"], timeout=60)
    let_in = requests.get(
        agency.env["LAND_REGISTRY_URL"] + "/leases",
        verify=agency.env["LAND_REGISTRY_CA"],
        cert=(agency.env["LAND_REGISTRY_CERTIFICATE"], agency.env["LAND_REGISTRY_KEY"]),
        timeout=60,
    )
    assert let_in.json()["meta"]["total"] == 57


@pytest.mark.parametrize("digest", ["sha256", "sm3"])
def test_a_signed_request_counts_once_and_only_while_it_is_fresh(agency, digest):
    from sandbox.standin.gate import Call, seal

    name, method, path, body = {
        "sha256": ("CREDIT_EVENTS", "GET", "/openapi/events", b""),
        "sm3": ("GOVERNMENT_GATEWAY", "POST", "/gateway", '{"service": "licence.list", "region": "高新区"}'.encode()),
    }[digest]
    query = (("page", "1"), ("size", "10"), ("updatedSince", "2015-01-01")) if digest == "sha256" else ()

    def ask(stamp, nonce):
        call = Call(method, path, path, query, {}, body)
        headers = {
            "X-App-Key": agency.env[f"{name}_APP_KEY"],
            "X-Timestamp": stamp,
            "X-Nonce": nonce,
            "X-Signature": seal(digest, agency.env[f"{name}_APP_SECRET"], call, stamp, nonce),
            "Content-Type": "application/json",
        }
        url = agency.env[f"{name}_URL"] + path
        return requests.request(method, url, params=query, data=body, headers=headers, timeout=60)

    now = str(int(time.time()))
    assert ask(now, f"{digest}-1").status_code == 200
    assert ask(now, f"{digest}-1").json()["code"] == "REPLAYED_NONCE"
    assert ask(str(int(time.time()) - 3_000), f"{digest}-2").json()["code"] == "STALE_TIMESTAMP"


def test_a_listing_is_not_paged_deeper_than_its_cap(agency):
    auth = (agency.env["COURT_USER"], agency.env["COURT_PASSWORD"])
    window = {"from": "2000-01-01", "to": "2100-01-01", "size": "10"}
    answers = [
        requests.get(agency.env["COURT_URL"] + "/judgments", params={**window, "page": str(n)}, auth=auth, timeout=60)
        for n in (1, 2, 3)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 400]
    assert {answer.json()["total"] for answer in answers[:2]} == {57}


def test_the_log_tells_who_asked_for_what_and_holds_no_key(agency):
    key = agency.env["PATENT_OFFICE_KEY"]
    get(agency, "patent_office", "/applications", params={"apikey": key, "after": "0", "limit": "10"})
    (line,) = agency.requests()
    told = {name: line[name] for name in ("source", "dataset", "kind", "method", "path", "query", "position", "status")}
    assert told == {
        "source": "patent_office",
        "dataset": "applications",
        "kind": "data",
        "method": "GET",
        "path": "/applications",
        "query": {"after": "0", "limit": "10"},
        "position": 1,
        "status": 200,
    }
    agency.clear_requests()
    assert agency.requests() == []


def consignments(agency, offset=0):
    return get(agency, "customs", "/v2/consignments", params={"offset": str(offset), "limit": "10"})


def test_a_fault_strikes_at_its_position_as_often_as_planned(agency):
    agency.set_faults([{"kind": "status_503", "source": "customs", "position": "middle", "times": 2}])
    statuses = [[consignments(agency, offset).status_code for offset in range(0, 60, 10)] for _ in range(3)]
    assert statuses == [[200, 200, 503, 200, 200, 200], [200, 200, 503, 200, 200, 200], [200] * 6]
    assert [line["faults"] for line in agency.requests() if line["faults"]] == [["status_503"]] * 2


def test_the_same_plan_set_again_strikes_again(agency):
    plan = [{"kind": "status_500", "source": "customs", "dataset": "consignments"}]
    for _ in range(2):
        agency.set_faults(plan)
        assert [consignments(agency).status_code for _ in range(2)] == [500, 200]


def test_a_plan_edited_by_hand_is_taken_up(agency):
    (agency.state / "faults.yml").write_text("- {kind: status_418, source: customs}\n", encoding="utf-8")
    deadline = time.monotonic() + 60
    while consignments(agency).status_code != 418 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert consignments(agency).status_code == 418


def test_a_plan_with_an_unknown_kind_changes_nothing(agency):
    with pytest.raises(PlanError, match="no fault of kind flood"):
        agency.set_faults([{"kind": "flood"}])
    with pytest.raises(SandboxError, match="no source nobody"):
        agency.set_faults([{"kind": "down", "source": "nobody"}])
    assert consignments(agency).status_code == 200


def test_a_corrected_record_is_served_and_is_the_new_truth(agency, tmp_path):
    before = as_counted(agency.truth("credit_events", "events"))
    for what in ("add", "correct", "delete"):
        agency.change("credit_events", "events", what)
    after = as_counted(agency.truth("credit_events", "events"))
    assert sum((after - before).values()) == 3
    assert sum((before - after).values()) == 2
    assert as_counted(pull(agency, tmp_path, "credit_events", "events")) == after


def test_a_file_fault_is_gone_once_the_day_is_healthy_again(agency):
    folder = Path(agency.env["STATISTICS_BUREAU_DIR"]) / "rd_survey"
    healthy = {path.name: path.read_bytes() for path in folder.iterdir()}
    times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    agency.set_faults([{"kind": "empty_file", "source": "statistics_bureau", "dataset": "staff", "position": "last"}])
    assert sorted(path.stat().st_size > 0 for path in folder.iterdir()) == [False, *[True] * 5]
    agency.set_faults([])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == healthy
    assert sum(path.stat().st_mtime_ns == times[path.name] for path in folder.iterdir()) == 5
