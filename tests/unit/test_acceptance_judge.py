"""What counts as silently wrong: each difference from the truth needs a line about that very record."""

from decimal import Decimal

import pytest

from connectors import pull as core
from connectors.zone import Zone
from sandbox.acceptance.judge import differences, judge, same
from sandbox.acceptance.store import TrialStore, open_store
from tests.unit.acceptance_agency import MemoryAgency, make_source


@pytest.fixture
def held_by(settings, monkeypatch):
    """A store that has pulled an agency whose records were changed on the way, and the truth."""
    for name, value in MemoryAgency().env.items():
        monkeypatch.setenv(name, value)

    def pull(spoil, **changes):
        source, agency, true = make_source(**changes), MemoryAgency(), MemoryAgency()
        agency.records = spoil(agency.records)
        monkeypatch.setattr(core, "driver_of", lambda _name: agency.pull)
        store = open_store(settings, "store", Zone(), settings.today, [])
        pulled = store.pull(source, source.datasets[0])
        assert pulled.state == "landed", pulled.message
        return judge(store, source.datasets[0], true.truth("", ""))

    return pull


def change(place, **values):
    return lambda records: [{**one, **(values if n == place else {})} for n, one in enumerate(records)]


def test_equal_rows_are_right(held_by):
    assert held_by(lambda records: records).outcome == "right"


@pytest.mark.parametrize(
    ("spoil", "outcome"),
    [
        (lambda records: records[:-1], "silent wrong"),
        (lambda records: [*records, {"leaseNo": "L99", "holder": "nobody", "area": "1"}], "silent wrong"),
        (change(2, holder="somebody else"), "silent wrong"),
        (change(2, area=None), "silent wrong"),
        (change(2, area="much"), "refused"),
        (change(2, leaseNo=None), "refused"),
        (change(2, leaseNo="\x00"), "refused"),
        (lambda records: [*records[:2], "no record", *records[3:]], "refused"),
    ],
)
def test_only_what_a_line_tells_of_is_no_silent_wrong(held_by, spoil, outcome):
    assert held_by(spoil).outcome == outcome


def test_a_value_discarded_by_its_rule_is_told(held_by):
    columns = make_source().datasets[0].model_dump()["columns"]
    bounded = [{**one, **({"max": 5} if one["name"] == "area_m2" else {})} for one in columns]
    judged = held_by(lambda records: records, columns=bounded)
    assert (judged.outcome, len(judged.differences)) == ("refused", 3)


def test_the_line_of_one_lost_record_does_not_excuse_another(held_by):
    def spoil(records):
        return [*records[:2], {**records[2], "leaseNo": None}, *records[4:]]

    judged = held_by(spoil)
    assert judged.outcome == "silent wrong"
    assert [str(one) for one in judged.silent] == ["L4 is not held"]


def test_a_record_that_cannot_be_read_is_known_by_the_key_in_its_text(held_by):
    def spoil(records):
        return [*records[:2], {"leaseNo;holder;area": "L3;firm 3;3.50"}, *records[3:]]

    assert held_by(spoil).outcome == "refused"


def test_a_record_that_cannot_be_read_does_not_excuse_one_that_it_does_not_name(held_by):
    def spoil(records):
        return [*records[:2], {"leaseNo;holder;area": "L88;firm 3;3.50"}, *records[3:]]

    assert held_by(spoil).outcome == "silent wrong"


def test_a_refused_stranger_does_not_excuse_a_lost_record(held_by):
    def spoil(records):
        return [*records[:-1], {"leaseNo": None, "holder": "a stranger", "area": "1000"}]

    assert held_by(spoil).outcome == "silent wrong"


def test_true_is_not_one_and_trailing_zeros_are_nothing():
    assert not same(True, 1)
    assert same(Decimal("1.50"), Decimal("1.5"))


def test_a_key_that_is_held_twice_is_no_comparison():
    dataset = make_source().datasets[0]
    row = {"lease_no": "L1", "holder": None, "area_m2": None}
    with pytest.raises(ValueError, match="stands twice"):
        differences(dataset, [row, row], [row])


@pytest.mark.parametrize(("after_end", "outcome"), [(1, "silent wrong"), (2, "refused")])
def test_a_row_behind_the_declared_end_is_told_and_the_end_itself_tells_of_none(
    held_by, monkeypatch, after_end, outcome
):
    promoted = TrialStore.promoted
    counted = {"row_after_end": after_end}
    monkeypatch.setattr(TrialStore, "promoted", lambda *of: [{**row, "counts": counted} for row in promoted(*of)])
    monkeypatch.setattr(TrialStore, "pages", lambda *_: [{}])
    assert held_by(lambda records: records[:-1]).outcome == outcome
