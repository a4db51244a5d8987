"""Pulling from REST agencies that misbehave."""

import json

import pytest

from connectors.errors import AgencyError, LineDeadError, TransientError


def ids(pages):
    return [record["id"] for page in pages for record in json.loads(page.body)["records"]]


def test_a_token_that_dies_in_mid_pull_is_renewed(agency):
    agency.faults({"kind": "token_of_one_request", "source": "tax"})
    pages = agency.pages("tax.statements")
    assert len(pages) >= 4
    assert pages[-1].next_cursor is None


def test_numbered_pages_go_on_from_any_checkpoint_with_the_same_rest(agency):
    whole = agency.pages("tax.statements")
    for place, page in enumerate(whole[:-1], start=1):
        rest = agency.pages("tax.statements", resume=page.next_cursor)
        assert [json.loads(p.body)["data"]["items"] for p in rest] == [
            json.loads(p.body)["data"]["items"] for p in whole[place:]
        ]


def test_a_keyset_goes_on_from_any_checkpoint_with_the_same_rest(agency):
    whole = agency.pages("patent.applications")
    assert len(ids(whole)) == len(set(ids(whole))) > 1000
    for place in (1, len(whole) // 2, len(whole) - 1):
        rest = agency.pages("patent.applications", resume=whole[place - 1].next_cursor)
        assert ids(rest) == ids(whole[place:])


def test_a_429_is_waited_out_as_long_as_the_agency_asks(agency):
    agency.faults({"kind": "status_429_seconds", "source": "tax", "seconds": 2})
    assert agency.pull("tax.statements").state == "landed"


def test_a_wait_beyond_the_budget_stops_and_says_when_to_go_on(agency):
    agency.faults({"kind": "status_429_seconds", "source": "tax", "seconds": 3600})
    pulled = agency.pull("tax.statements")
    assert (pulled.state, pulled.whose) == ("failed", "transient")
    assert "resume after" in pulled.message


def test_an_agency_that_is_down_is_transient_and_named(agency):
    agency.faults({"kind": "down", "source": "patent"})
    with pytest.raises(TransientError, match=r"patent\.applications: the agency answers 503"):
        agency.pages("patent.applications")


def test_a_wrong_key_is_the_agencys_refusal_and_is_not_tried_again(agency, monkeypatch):
    monkeypatch.setenv("PATENT_API_KEY", "canary-wrong-key")
    with pytest.raises(AgencyError, match=r"answers 40[13]") as caught:
        agency.pages("patent.applications")
    assert "canary-wrong-key" not in str(caught.value)


def test_a_wrong_client_secret_gets_no_token_and_is_not_shown(agency, monkeypatch):
    monkeypatch.setenv("TAX_CLIENT_SECRET", "canary-wrong-secret")
    with pytest.raises(AgencyError, match="no token was granted") as caught:
        agency.pages("tax.statements")
    assert "canary" not in str(caught.value)


def test_a_wrong_signature_is_refused(agency, monkeypatch):
    monkeypatch.setenv("CREDIT_APP_SECRET", "wrong")
    with pytest.raises(AgencyError, match=r"answers 40[13]"):
        agency.pages("credit.events")


def test_a_change_feed_asks_only_for_what_changed_since_the_newest_it_holds(agency):
    first = agency.pull("credit.evaluations")
    second = agency.pull("credit.evaluations")
    assert first.state == "landed"
    assert second.state == "unchanged"
    assert second.rows_received < first.rows_received


def test_a_variable_that_is_not_set_is_a_fault_of_the_configuration(agency, monkeypatch):
    monkeypatch.delenv("TAX_CLIENT_ID")
    pulled = agency.pull("tax.statements")
    assert (pulled.state, pulled.whose) == ("failed", "config")
    assert "TAX_CLIENT_ID not set" in pulled.message


def test_nobody_listening_is_transient(agency, monkeypatch):
    monkeypatch.setenv("TAX_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(LineDeadError, match="connection refused"):
        agency.pages("tax.statements")
