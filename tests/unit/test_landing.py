"""Landing a batch: written once, durable, and silent when nothing is new."""

import json
from datetime import date

import pyarrow.parquet as pq
import pytest

from connectors.errors import DataError
from connectors.landing import landed_path
from connectors.raw import RawDamagedError, keep_raw, raw_path, read_raw
from connectors.refusals import quarantine_path
from ledger.batches import BatchKey, landed_batches, latest_promoted, open_batch, pages_of
from tests.declared import column
from tests.unit.conftest import DAY
from tests.unit.test_reading import OTHER, record


def landed(settings, key: BatchKey):
    return pq.read_table(landed_path(settings.data_dir, key.source, key.dataset, key.batch), partitioning=None)


def test_what_landed_is_typed_and_says_where_each_row_came_from(settings, ledger, deliver, make_dataset):
    key, values = deliver(make_dataset(), record(), record(uscc="bad"))
    table = landed(settings, key)
    assert str(table.schema.field("revenue_cny").type) == "decimal128(20, 2)"
    (row,) = table.to_pylist()
    assert (row["_batch"], row["_learned_on"], row["_position"]) == ("2025-06-30-001", DAY, 1)
    assert row["_raw_sha256"] == pages_of(ledger, key)[0]["raw_sha256"]
    assert (values["rows_received"], values["rows_landed"], values["rows_refused"]) == (2, 1, 1)


def test_the_quarantine_holds_the_record_its_reason_and_its_place(settings, deliver, make_dataset):
    key, _ = deliver(make_dataset(), record(), record(uscc="bad"))
    text = quarantine_path(settings.data_dir, key.source, key.dataset, key.batch).read_text(encoding="utf-8")
    (line,) = [json.loads(line) for line in text.splitlines()]
    assert (line["reason"], line["column"], line["position"]) == ("uscc_length", "uscc", 2)
    assert line["record"]["uscc"] == "bad"


def test_the_same_facts_again_make_no_second_batch(settings, deliver, make_dataset):
    first, _ = deliver(make_dataset(), record(), record(uscc=OTHER))
    second, values = deliver(make_dataset(), record(uscc=OTHER), record())
    assert (values["state"], values["same_as"]) == ("unchanged", first.batch)
    assert not landed_path(settings.data_dir, second.source, second.dataset, second.batch).exists()


def test_a_change_feed_lands_only_what_is_new(settings, ledger, deliver, make_dataset):
    dataset = make_dataset(load="upsert")
    deliver(dataset, record(), record(uscc=OTHER))
    key, _ = deliver(dataset, record(), record(uscc=OTHER, revenue="11"))
    assert [row["uscc"] for row in landed(settings, key).to_pylist()] == [OTHER]
    _, values = deliver(dataset, record(uscc=OTHER, revenue="11"))
    assert values["state"] == "unchanged"
    assert len(landed_batches(ledger, dataset.source, dataset.name, DAY)) == 2


def test_below_the_volume_floor_nothing_is_promoted(ledger, deliver, make_dataset):
    deliver(make_dataset(), record(), record(uscc=OTHER))
    with pytest.raises(DataError, match=r"1 records, the floor is 2\. Whose: data\. Next: ask the agency"):
        deliver(make_dataset(volume={"floor": 2, "ceiling": 9}), record(revenue="7"))
    assert latest_promoted(ledger, "tax", "statements", DAY)["rows_landed"] == 2


def test_a_raw_object_is_kept_once_and_checked_when_read(settings):
    first = keep_raw(settings.data_dir, b"as received")
    assert keep_raw(settings.data_dir, b"as received") == first
    assert read_raw(settings.data_dir, first) == b"as received"
    path = raw_path(settings.data_dir, first)
    path.chmod(0o644)
    path.write_bytes(raw_path(settings.data_dir, keep_raw(settings.data_dir, b"another")).read_bytes())
    with pytest.raises(RawDamagedError, match="does not match its hash"):
        read_raw(settings.data_dir, first)


def test_a_batch_of_another_day_or_another_source_file_is_not_resumed(ledger):
    first, _ = open_batch(ledger, "tax", "statements", DAY, "spec", "since")
    assert open_batch(ledger, "tax", "statements", DAY, "spec", None) == (first, "since")
    second, _ = open_batch(ledger, "tax", "statements", DAY, "changed spec", None)
    third, _ = open_batch(ledger, "tax", "statements", date(2025, 7, 1), "changed spec", None)
    assert [first.batch, second.batch, third.batch] == ["2025-06-30-001", "2025-06-30-002", "2025-07-01-001"]


FEED = {
    "load": "upsert",
    "request": {
        "path": "/statements",
        "since": {"param": "since", "column": "changed_at", "start": "2000-01-01T00:00:00Z", "lookback_days": 0},
    },
    "columns": (
        column("uscc", required=True, check="uscc"),
        column("fiscal_year", "integer", required=True),
        column("changed_at", "timestamp", required=True),
    ),
}


def change(uscc=OTHER, year=2024, at="2025-06-01T00:00:00Z"):
    return {"uscc": uscc, "fiscal_year": year, "changed_at": at}


def test_a_change_dated_ahead_does_not_hide_the_changes_before_it(deliver, make_dataset):
    _, values = deliver(make_dataset(**FEED), change(), change(year=2023, at="2099-01-01T00:00:00Z"))
    assert values["high_water"] == "2025-06-01T00:00:00"
    assert values["counts"]["ahead_of_time:changed_at"] == 1


def test_a_delivery_that_is_mostly_refused_is_not_promoted(ledger, deliver, make_dataset):
    dataset = make_dataset(**FEED)
    deliver(dataset, change())
    with pytest.raises(DataError, match=r"20 of 21 records are refused \(uscc:uscc_length\)"):
        deliver(dataset, change(), *(change(uscc=f"bad{n}") for n in range(20)))
    assert latest_promoted(ledger, "tax", "statements", DAY)["batch"] == "2025-06-30-001"


def test_a_batch_landed_before_a_column_was_added_is_still_read(deliver, make_dataset):
    deliver(make_dataset(**FEED), change())
    wider = {**FEED, "columns": (*FEED["columns"], column("note"))}
    _, values = deliver(make_dataset(**wider), {**change(year=2023), "note": "new"}, {**change(), "note": None})
    assert values["rows_landed"] == 1


def test_a_day_before_the_last_pull_sees_only_what_was_learnt_by_then(ledger, deliver, make_dataset):
    deliver(make_dataset(), record(), day=DAY)
    before = date(2025, 6, 29)
    assert latest_promoted(ledger, "tax", "statements", before) is None
    assert landed_batches(ledger, "tax", "statements", before) == []


def revised(at, revenue):
    return {**change(at=at), "yysr": revenue}


@pytest.mark.parametrize(
    ("nights", "stands", "told"),
    [
        ([[("2098-01-01", "1")], [("2025-06-02", "2")]], "2.00", {}),
        (
            [[("2098-01-01", "1"), ("2025-06-02", "2")]],
            "2.00",
            {"ahead_of_time:changed_at": 1, "superseded_in_batch": 1},
        ),
        (
            [[("2098-01-01", "1"), ("2099-01-01", "2")]],
            "2.00",
            {"ahead_of_time:changed_at": 2, "superseded_in_batch": 1},
        ),
        ([[("2025-06-02", "1")], [("2025-06-01", "2")]], "1.00", {"older_than_held": 1}),
        ([[("2025-06-02", "1")], [("2025-06-01", "2"), ("2025-06-02", "1")]], "1.00", {"superseded_in_batch": 1}),
    ],
)
def test_a_stamp_tells_the_later_record_unless_it_lies_ahead(
    settings, ledger, deliver, make_dataset, nights, stands, told
):
    dataset = make_dataset(**{**FEED, "columns": (*FEED["columns"], column("yysr", "decimal(20, 2)"))})
    for night in nights:
        _, values = deliver(dataset, *(revised(at, revenue) for at, revenue in night))
    newest = landed_batches(ledger, "tax", "statements", DAY)[-1]["batch"]
    (row,) = pq.read_table(landed_path(settings.data_dir, "tax", "statements", newest), partitioning=None).to_pylist()
    assert (str(row["yysr"]), values["counts"]) == (stands, told)
