"""Pulling from the agencies of the sandbox as a night does."""

import json

import pytest

from connectors.errors import AgencyError, LineDeadError


def ids(pages):
    return [record["id"] for page in pages for record in json.loads(page.body)["records"]]


def test_a_token_that_dies_in_mid_pull_is_renewed(agency):
    agency.faults({"kind": "token_of_one_request", "source": "tax"})
    pages = agency.pages("tax.statements")
    assert len(pages) >= 4
    assert pages[-1].next_cursor is None


def test_a_keyset_goes_on_from_any_checkpoint_with_the_same_rest(agency):
    whole = agency.pages("patent.applications")
    assert len(ids(whole)) == len(set(ids(whole))) > 1000
    for place in (1, len(whole) // 2, len(whole) - 1):
        assert ids(agency.pages("patent.applications", resume=whole[place - 1].next_cursor)) == ids(whole[place:])


def test_a_wait_beyond_the_budget_stops_and_says_when_to_go_on(agency):
    agency.faults({"kind": "status_429_seconds", "source": "tax", "seconds": 3600})
    found = agency.pull("tax.statements")
    assert (found.state, found.whose) == ("failed", "transient")
    assert "resume after" in found.message


def test_a_wrong_signature_is_refused(agency, monkeypatch):
    monkeypatch.setenv("CREDIT_APP_SECRET", "wrong")
    with pytest.raises(AgencyError, match=r"answers 40[13]"):
        agency.pages("credit.events")


def test_a_change_feed_asks_only_for_what_changed_since_the_newest_it_holds(agency):
    first, second = agency.pull("credit.evaluations"), agency.pull("credit.evaluations")
    assert (first.state, second.state) == ("landed", "unchanged")
    assert second.rows_received < first.rows_received


def test_a_variable_that_is_not_set_is_a_fault_of_the_configuration(agency, monkeypatch):
    monkeypatch.delenv("TAX_CLIENT_ID")
    found = agency.pull("tax.statements")
    assert (found.state, found.whose) == ("failed", "config")
    assert "TAX_CLIENT_ID not set" in found.message


def test_where_nobody_listens_the_line_is_dead(agency, monkeypatch):
    monkeypatch.setenv("TAX_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(LineDeadError, match="connection refused"):
        agency.pages("tax.statements")
