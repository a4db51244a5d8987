"""The first delivery of a dataset has no batch before it: one of another zone, unit or period waits for a person."""

from datetime import date, timedelta

import pytest

from connectors.first_batch import first_limits
from connectors.inputs import resolve
from connectors.pull import Pulled, waves
from connectors.source_files import read_sources
from connectors.uscc import check_character
from flows.recipe import SourceMissingError, _require_first_accepted
from ledger.held import decide_held, held_batches
from tests.declared import column, source_of
from tests.unit.conftest import DAY

NEXT = DAY + timedelta(days=1)


def code(number, zone="441300"):
    body = f"91{zone}MA{number:07}"
    return body + check_character(body)


FIRMS = [code(number) for number in range(100)]
STRANGERS = [code(number, "110108") for number in range(100)]


@pytest.fixture
def register(make_dataset, deliver):
    """The zone's register, landed."""
    columns = (column("uscc", required=True, check="uscc"),)
    dataset = make_dataset(source="science", name="enterprises", key=("uscc",), columns=columns)
    assert deliver(dataset, *({"uscc": one} for one in FIRMS))[1]["state"] == "landed"


@pytest.fixture
def loans(make_dataset):
    """A list of loans, of which yuan are expected."""

    def make(**changes):
        columns = (
            column("uscc", required=True, check="uscc"),
            column("reported_on", "date", required=True),
            column("balance_cny", "decimal(20, 2)"),
            column("staff", "bigint"),
        )
        first = {"medians": {"balance_cny": [50_000, 500_000_000]}}
        dated = {"freshness": {"column": "reported_on", "days": 60}, "volume": {"floor": 0, "ceiling": 200}}
        return make_dataset(
            **{"name": "loans", "key": ("uscc",), "columns": columns, "first": first, **dated, **changes}
        )

    return make


def loan(firm, **changes):
    return {"uscc": firm, "reported_on": "2025-05-31", "balance_cny": "4330000.00", "staff": 12, **changes}


SOUND = [loan(one) for one in FIRMS]
DOUBTED = {
    "of another zone": (
        [loan(one) for one in STRANGERS],
        "codes in science.enterprises 0 of 100, at least 50 % expected",
    ),
    "in ten thousand yuan": (
        [loan(one, balance_cny="433.00") for one in FIRMS],
        "median of balance_cny 433.00, from 50,000 to 500,000,000 expected",
    ),
    "of another period": (
        [loan(one, reported_on="2024-12-31") for one in FIRMS],
        "newest reported_on 181 days ago, at most 180 allowed",
    ),
    "without a number": (
        [loan(one, staff=None, balance_cny=None) for one in FIRMS],
        "no value in any of balance_cny, staff",
    ),
    "much of it refused": (
        [*SOUND[:60], *(loan(one, reported_on=None) for one in FIRMS[60:])],
        "refused 40 of 100, at most 30 % allowed",
    ),
    "larger than healthy": (
        [loan(code(number)) for number in range(201)],
        "records 201, at most 200 of a healthy one",
    ),
}


@pytest.mark.usefixtures("register")
@pytest.mark.parametrize(("records", "doubt"), DOUBTED.values(), ids=DOUBTED)
def test_a_first_delivery_that_does_not_look_like_one_is_held_with_the_figure(deliver, loans, records, doubt):
    held = deliver(loans(), *records)[1]
    assert held["state"] == "held"
    assert held["changes"]["beyond"][0] == doubt
    assert doubt in held["message"]


LET_IN = {
    "a sound one": SOUND,
    "half of the codes known": [loan(one) for one in [*FIRMS[:50], *STRANGERS[:50]]],
    "facts as old as may be": [loan(one, reported_on=str(DAY - timedelta(days=180))) for one in FIRMS],
    "a number that the agency never has": [loan(one, staff=None) for one in FIRMS],
    "a median at its bound": [loan(one, balance_cny="50000.00") for one in FIRMS],
    "a few strangers": [loan(one) for one in STRANGERS[:19]],
    "three in ten refused": [*SOUND[:70], *(loan(one, reported_on=None) for one in FIRMS[70:])],
    "as many as healthy": [loan(code(number)) for number in range(200)],
}


@pytest.mark.usefixtures("register")
@pytest.mark.parametrize("records", LET_IN.values(), ids=LET_IN)
def test_what_looks_like_one_lands_by_itself(deliver, loans, records):
    landed = deliver(loans(), *records)[1]
    assert landed["state"] == "landed"
    assert not landed.get("changes")


@pytest.mark.usefixtures("register")
def test_one_code_fewer_than_half_is_held_and_a_source_file_may_expect_fewer(deliver, loans):
    records = [loan(one) for one in [*FIRMS[:49], *STRANGERS[:51]]]
    assert deliver(loans(), *records)[1]["state"] == "held"
    assert deliver(loans(first={"known_pct": 33}), *records, day=NEXT)[1]["state"] == "landed"


def test_without_a_register_codes_are_not_judged(deliver, loans):
    assert deliver(loans(), *(loan(one) for one in STRANGERS))[1]["state"] == "landed"


@pytest.mark.usefixtures("register")
def test_a_person_lets_it_in_and_one_that_is_right_lands_by_itself(deliver, loans, ledger):
    strangers = [loan(one) for one in STRANGERS]
    deliver(loans(), *strangers)
    (row,) = held_batches(ledger)
    assert row["changes"]["examples"] == {"unknown:uscc": sorted(STRANGERS)[:5]}
    decide_held(ledger, row, "rejected", "another zone's list", "Zhao Min", NEXT)
    assert deliver(loans(), *strangers, day=NEXT)[1]["state"] == "held"
    (row,) = held_batches(ledger)
    decide_held(ledger, row, "accepted", "they merged with us", "Zhao Min", NEXT)
    landed = deliver(loans(), *strangers, day=NEXT + timedelta(days=1))[1]
    assert (landed["state"], landed["changes"]["accepted_by"]) == ("landed", "Zhao Min")


@pytest.mark.usefixtures("register")
def test_a_right_delivery_after_a_held_one_lands_by_itself(deliver, loans):
    deliver(loans(), *(loan(one) for one in STRANGERS))
    assert deliver(loans(), *SOUND, day=NEXT)[1]["state"] == "landed"


@pytest.mark.usefixtures("register")
@pytest.mark.parametrize("critical", [True, False])
def test_a_critical_dataset_with_a_doubted_first_delivery_is_missing(deliver, loans, settings, ledger, critical):
    dataset = loans(critical=critical)
    deliver(dataset, *(loan(one) for one in STRANGERS))
    pulled = [Pulled(dataset.source, dataset.name, critical, "held")]
    supplied = resolve([source_of(dataset)], pulled, ledger, settings, date.max)
    assert (supplied[0].is_supplied, supplied[0].reason) == (False, "held: its first delivery is doubted")
    if critical:
        with pytest.raises(SourceMissingError, match=r"first delivery of .*\.loans is held.*jifen source held"):
            _require_first_accepted(supplied)
    else:
        _require_first_accepted(supplied)


def test_the_register_is_pulled_before_all_others_and_the_shipped_sources_have_it():
    first, *later = waves(read_sources())
    assert [dataset.address for _, dataset in first] == [first_limits().known_by.dataset]
    assert sum(map(len, later)) == sum(len(source.datasets) for source in read_sources()) - 1
