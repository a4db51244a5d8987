"""An objection is decided once and within its days; a list is final after its days, with nothing left to decide."""

from datetime import date, timedelta

import pytest

from editions.public_lists import NoListError, decide_days_on, terms_on
from ledger.journal import breaks, entries
from ledger.objections import (
    close_objection,
    close_publicity,
    decide_objection,
    objection_rows,
    open_objection,
    open_publicity,
)
from ledger.publications import add_publication, keep_edition
from ledger.settings import PROJECT_DIR
from ledger.store import NotPossibleError

DAY = date(2025, 7, 1)
LIST = "innovation-points"
FIRM = "91441300MA00000003"


@pytest.fixture
def edition(ledger):
    for name in ("2025-06-30-a", "2025-07-02-b"):
        facts = {"recipe_sha256": "r", "manifest_sha256": "m", "ruleset_id": "x", "kind": "nightly", "signed_by": None}
        keep_edition(ledger, {"edition_id": name, "as_of": name[:10], **facts})
    with ledger.begin() as connection:
        add_publication(connection, "2025-06-30-a", None, None)
    return "2025-06-30-a"


@pytest.fixture
def opened(ledger, edition):
    return open_objection(ledger, edition, FIRM, "its patents are not counted", DAY, 20, "li")["objection_id"]


def states(ledger, today):
    return [(row["objection_id"], row["state"]) for row in objection_rows(ledger, today)]


def test_an_objection_is_due_in_its_days_and_overdue_after_them(ledger, edition, opened):
    second = open_objection(ledger, edition, FIRM, "its stage", DAY, 20, "li")["objection_id"]
    assert (opened, second) == ("2025-07-01-001", "2025-07-01-002")
    assert states(ledger, DAY + timedelta(days=20)) == [(opened, "open"), (second, "open")]
    assert states(ledger, DAY + timedelta(days=21)) == [(opened, "overdue"), (second, "overdue")]


def test_one_that_is_upheld_is_closed_by_an_edition_that_corrects_it(ledger, opened):
    with pytest.raises(NotPossibleError, match="is not decided"):
        close_objection(ledger, opened, DAY, "li", None)
    decide_objection(ledger, opened, "upheld", "two patents had another name", DAY, "wang")
    with pytest.raises(NotPossibleError, match="was upheld by wang"):
        decide_objection(ledger, opened, "rejected", "after all", DAY, "li")
    with pytest.raises(NotPossibleError, match="no edition corrects it"):
        close_objection(ledger, opened, DAY, "li", None)
    with pytest.raises(NotPossibleError, match="does not correct"):
        close_objection(ledger, opened, DAY, "li", "2025-06-30-a")
    with pytest.raises(NotPossibleError, match="lies before 2025-07-01"):
        close_objection(ledger, opened, date(2025, 6, 30), "li", "2025-07-02-b")
    close_objection(ledger, opened, DAY, "li", "2025-07-02-b")
    (row,) = objection_rows(ledger, DAY + timedelta(days=99))
    assert (row["state"], row["corrected_by"], row["decided_by"]) == ("closed", "2025-07-02-b", "wang")
    assert objection_rows(ledger, DAY, is_open=True) == []
    assert [entry["content"]["step"] for entry in entries(ledger, "objection")] == ["opened", "decided", "closed"]
    assert list(breaks(ledger, {})) == []


def test_one_that_is_rejected_is_closed_without(ledger, opened):
    decide_objection(ledger, opened, "rejected", "they lapsed", DAY, "wang")
    assert states(ledger, DAY + timedelta(days=99)) == [(opened, "rejected")]
    close_objection(ledger, opened, DAY, "li", None)
    with pytest.raises(NotPossibleError, match="there is no objection"):
        close_objection(ledger, "2025-07-01-009", DAY, "li", None)


def test_a_list_is_final_after_its_days_when_every_objection_is_decided(ledger, edition, opened):
    made = open_publicity(ledger, edition, LIST, DAY, 6, "li")
    assert made["until"] == "2025-07-06"
    with pytest.raises(NotPossibleError, match="already"):
        open_publicity(ledger, edition, LIST, DAY, 6, "li")
    with pytest.raises(NotPossibleError, match="in public until 2025-07-06"):
        close_publicity(ledger, edition, LIST, date(2025, 7, 6), "li")
    upheld = open_objection(ledger, edition, FIRM, "its stage", DAY, 20, "li")["objection_id"]
    decide_objection(ledger, upheld, "upheld", "it is right", DAY, "wang")
    with pytest.raises(NotPossibleError, match=f"not decided, or upheld and not corrected: {opened}, {upheld}"):
        close_publicity(ledger, edition, LIST, date(2025, 7, 7), "li")
    close_objection(ledger, upheld, DAY, "li", "2025-07-02-b")
    with pytest.raises(NotPossibleError, match="lies before 2025-07-01"):
        decide_objection(ledger, opened, "rejected", "they lapsed", date(2025, 6, 30), "wang")
    decide_objection(ledger, opened, "rejected", "they lapsed", DAY, "wang")
    assert close_publicity(ledger, edition, LIST, date(2025, 7, 7), "li")["closed_on"] == "2025-07-07"
    with pytest.raises(NotPossibleError, match="is final since"):
        close_publicity(ledger, edition, LIST, date(2025, 7, 8), "li")
    with pytest.raises(NotPossibleError, match="is not in public"):
        close_publicity(ledger, "2025-07-02-b", LIST, date(2025, 7, 8), "li")


def test_an_edition_of_a_past_day_that_was_never_published_has_no_list_in_public(ledger, edition):
    with pytest.raises(NotPossibleError, match="never published: no list of it goes up in public"):
        open_publicity(ledger, "2025-07-02-b", LIST, DAY, 6, "li")
    assert open_publicity(ledger, edition, LIST, DAY, 6, "li")["edition_id"] == edition


def test_the_days_are_parameters_of_the_list_in_force():
    terms = terms_on(PROJECT_DIR / "dbt_project", date(2025, 6, 30))
    assert (terms.list_id, terms.publicity_days, terms.decide_days) == (LIST, 6, 20)
    with pytest.raises(NoListError, match=r"public_lists\.csv"):
        terms_on(PROJECT_DIR / "dbt_project", date(2020, 6, 30))


def test_an_objection_is_answered_within_twenty_days_also_where_no_list_is_in_force():
    assert decide_days_on(PROJECT_DIR / "dbt_project", date(2020, 6, 30)) == 20
