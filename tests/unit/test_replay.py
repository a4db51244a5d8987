"""Refused records read again after the source file was fixed: exactly those land."""

from datetime import date

import pytest

from connectors.errors import ConfigError
from connectors.inputs import resolve
from connectors.pull import Pulled
from connectors.refusals import quarantine_path, read_lines
from connectors.replay import replay
from connectors.zone import Zone
from ledger.batches import landed_batches
from tests.declared import column
from tests.unit.conftest import DAY, LOANS
from tests.unit.test_landing import FEED, change, landed
from tests.unit.test_reading import GOOD, OTHER, record

LENIENT = (
    column("uscc", required=True, check="uscc"),
    column("fiscal_year", "integer", required=True),
    column("revenue_cny", "decimal(20, 2)", source_field="yysr", missing_markers=("n/a",)),
    column("staff_total", "bigint", min=0, max=3_000_000),
    column("sci_tech_staff", "bigint", min=0),
)


def wanted(settings, key):
    found = {}
    for line in read_lines(quarantine_path(settings.data_dir, key.source, key.dataset, key.batch)):
        found.setdefault(line["raw_sha256"], set()).add(line["position"])
    return found


def again(dataset, settings, ledger, asked):
    return replay(dataset, Zone(), settings, ledger, DAY, asked)


def test_a_snapshot_gains_exactly_the_records_that_pass_now(settings, ledger, deliver, make_dataset):
    key, _ = deliver(
        make_dataset(), record(), record(uscc=OTHER, revenue="n/a"), record(uscc=OTHER, year=2023, revenue="x")
    )
    told = again(make_dataset(columns=LENIENT), settings, ledger, wanted(settings, key))
    assert (told.landed, told.still_refused) == (1, 1)
    assert [position for _, position in told.positions_landed] == [2]
    newest = landed_batches(ledger, "tax", "statements", DAY)[-1]
    assert (newest["batch"], newest["origin"], newest["rows_landed"]) == (told.batch, "replay", 2)
    rows = {row["uscc"]: row for row in landed(settings, type(key)("tax", "statements", told.batch)).to_pylist()}
    assert rows[GOOD]["_batch"] == key.batch
    assert (rows[OTHER]["_batch"], rows[OTHER]["revenue_cny"]) == (told.batch, None)


def test_who_is_still_refused_stands_after_a_replay(settings, ledger, deliver, make_dataset):
    key, _ = deliver(
        make_dataset(), record(), record(uscc=OTHER, revenue="n/a"), record(uscc=OTHER, year=2023, revenue="x")
    )
    asked = {sha256: {2} for sha256 in wanted(settings, key)}
    dataset = make_dataset(columns=LENIENT)
    assert again(dataset, settings, ledger, asked).landed == 1
    source = type("One", (), {"datasets": (dataset,)})
    (supplied,) = resolve([source], [Pulled("tax", "statements", False, "landed")], ledger, settings, DAY)
    assert [one.key for one in supplied.refused] == [(OTHER, "2023")]


def test_nothing_lands_where_nothing_was_mended(settings, ledger, deliver, make_dataset):
    key, _ = deliver(make_dataset(), record(), record(uscc=OTHER, revenue="n/a"))
    told = again(make_dataset(), settings, ledger, wanted(settings, key))
    assert (told.batch, told.landed, told.still_refused) == (None, 0, 1)
    assert len(landed_batches(ledger, "tax", "statements", DAY)) == 1


def test_a_feed_keeps_what_came_later_than_the_refused_record(settings, ledger, deliver, make_dataset):
    feed = {"load": "upsert"}
    key, _ = deliver(make_dataset(**feed), record(), record(uscc=OTHER, revenue="n/a"))
    deliver(make_dataset(**feed), record(uscc=OTHER, revenue="7"))
    told = again(make_dataset(**feed, columns=LENIENT), settings, ledger, wanted(settings, key))
    assert (told.batch, told.landed, told.still_refused, told.held_since) == (None, 0, 0, 1)


def test_a_feed_lands_the_replayed_record_alone(settings, ledger, deliver, make_dataset):
    feed = {"load": "upsert"}
    key, _ = deliver(make_dataset(**feed), record(), record(uscc=OTHER, revenue="n/a"))
    told = again(make_dataset(**feed, columns=LENIENT), settings, ledger, wanted(settings, key))
    rows = landed(settings, type(key)("tax", "statements", told.batch)).to_pylist()
    assert [(row["uscc"], row["_learned_on"]) for row in rows] == [(OTHER, DAY)]


def test_records_that_contradict_each_other_stay_refused_all_of_them(settings, ledger, deliver, make_dataset):
    key, _ = deliver(make_dataset(), record(), record(uscc=OTHER, revenue="1"), record(uscc=OTHER, revenue="2"))
    told = again(make_dataset(), settings, ledger, wanted(settings, key))
    assert (told.batch, told.landed, told.held_since, len(told.contradicting)) == (None, 0, 0, 2)


def test_of_two_refused_versions_of_a_record_the_later_delivery_lands(settings, ledger, deliver, make_dataset):
    strict = make_dataset(load="upsert", columns=(*LENIENT[:3], column("grade", values=("A",))))
    asked = {}
    for revenue in ("8", "9"):
        key, _ = deliver(strict, {**record(revenue=revenue), "grade": "B"})
        asked |= wanted(settings, key)
    mended = make_dataset(load="upsert", columns=(*LENIENT[:3], column("grade", values=("A", "B"))))
    done = again(mended, settings, ledger, asked)
    rows = landed(settings, type(key)("tax", "statements", done.batch)).to_pylist()
    assert [str(row["revenue_cny"]) for row in rows] == ["9.00"]
    assert (done.landed, done.held_since, len(done.contradicting)) == (1, 1, 0)


@pytest.mark.parametrize(
    ("ends_at", "told"),
    [((), (1, set(), set())), (("小计",), (1, set(), set())), (("合计",), (0, {3}, {3})), (("B",), (0, {3}, {3}))],
)
def test_what_stands_behind_a_declared_end_is_no_record(settings, ledger, land_pages, make_dataset, ends_at, told):
    key, _ = land_pages(
        make_dataset(**LOANS, decoder={"kind": "csv"}), ["receipt,amount_cny\nA,1\nB,2\n合计,3".encode()]
    )
    mended = make_dataset(**LOANS, decoder={"kind": "csv", "ends_at": ends_at})
    done = again(mended, settings, ledger, wanted(settings, key))
    places = ({position for _, position in found} for found in (done.unread, done.past_end))
    assert (done.still_refused, *places) == told


def test_a_replay_on_a_day_before_the_newest_delivery_is_refused(settings, ledger, deliver, make_dataset):
    key, _ = deliver(make_dataset(), record(), record(uscc=OTHER, revenue="n/a"))
    deliver(make_dataset(), record(), record(uscc=OTHER), day=date(2025, 7, 1))
    with pytest.raises(ConfigError, match="a delivery of 2025-07-01 has landed"):
        again(make_dataset(columns=LENIENT), settings, ledger, wanted(settings, key))


def test_a_replayed_change_older_than_what_is_held_is_told_as_held(settings, ledger, deliver, make_dataset):
    deliver(make_dataset(**FEED), change(at="2025-06-05T00:00:00Z"))
    strict = (*FEED["columns"][:2], column("changed_at", "timestamp", required=True, missing_markers=("x",)))
    key, _ = deliver(
        make_dataset(**{**FEED, "columns": (*strict, column("grade", values=("A",)))}),
        {**change(at="2025-06-01T00:00:00Z"), "grade": "B"},
    )
    mended = make_dataset(**{**FEED, "columns": (*strict, column("grade", values=("A", "B")))})
    told = again(mended, settings, ledger, wanted(settings, key))
    assert (told.landed, told.held_since, told.positions_landed) == (0, 1, frozenset())
