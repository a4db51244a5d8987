"""One row for each key: what comes twice, what contradicts, what is deleted, and what is worth a warning."""

import random
from contextlib import nullcontext
from datetime import date

import pyarrow.parquet as pq
import pytest

from connectors.asked import partition_values
from connectors.errors import AgencyError, DataError
from connectors.landing import landed_path
from connectors.refusals import quarantine_path
from ledger.batches import landed_batches
from tests.declared import column
from tests.unit.conftest import DAY
from tests.unit.test_landing import FEED, change, landed
from tests.unit.test_reading import GOOD, OTHER, record


def said(settings, key):
    return [(row["uscc"], row["fiscal_year"], str(row["revenue_cny"])) for row in landed(settings, key).to_pylist()]


def test_the_same_record_twice_lands_once_and_is_counted(settings, deliver, make_dataset):
    key, values = deliver(make_dataset(), record(), record())
    assert said(settings, key) == [(GOOD, 2024, "10.00")]
    assert values["counts"] == {"duplicate_delivery": 1}


def test_a_snapshot_that_contradicts_itself_loses_both_records(settings, deliver, make_dataset):
    key, values = deliver(make_dataset(), record(revenue="1"), record(revenue="2"), record(uscc=OTHER))
    assert said(settings, key) == [(OTHER, 2024, "10.00")]
    assert (values["rows_refused"], values["counts"]) == (2, {"refused:key:uscc+fiscal_year": 2})
    text = quarantine_path(settings.data_dir, key.source, key.dataset, key.batch).read_text(encoding="utf-8")
    assert text.count("conflicting_key") == 2
    assert '"yysr": "1"' in text


def test_a_feed_of_files_keeps_the_later_file(settings, deliver, make_dataset):
    pages = [[record(revenue="1"), record(uscc=OTHER)], [record(revenue="2")]]
    key, values = deliver(make_dataset(load="upsert"), pages=pages)
    assert said(settings, key) == [(GOOD, 2024, "2.00"), (OTHER, 2024, "10.00")]
    assert values["counts"] == {"superseded_in_batch": 1}


def test_rows_land_in_key_order_whatever_the_order_of_delivery(settings, deliver, make_dataset):
    items = [record(year=year, uscc=code) for year in range(2000, 2020) for code in (GOOD, OTHER)]
    random.Random(4).shuffle(items)
    first, told = deliver(make_dataset(), *items)
    assert said(settings, first) == sorted(said(settings, first))
    _, values = deliver(make_dataset(), *sorted(items, key=lambda one: (one["uscc"], one["fiscal_year"])))
    assert (values["state"], values["content_sha256"]) == ("unchanged", told["content_sha256"])


def test_pages_cut_elsewhere_land_the_same(deliver, make_dataset):
    items = [record(year=year, uscc=code) for code in (GOOD, OTHER) for year in range(2000, 2020)]
    _, whole = deliver(make_dataset(), *items)
    _, cut = deliver(make_dataset(), pages=[items[:7], items[7:8], items[8:]])
    assert cut["state"] == "unchanged"
    assert cut["content_sha256"] == whole["content_sha256"]


BANK = {"load": "upsert", "deletes": {"kind": "replace_by", "column": "fiscal_year"}}


def held(settings, ledger, dataset):
    """What stands after all batches: the newest row of each key that is not deleted."""
    rows = {}
    for batch in landed_batches(ledger, dataset.source, dataset.name, DAY):
        path = landed_path(settings.data_dir, dataset.source, dataset.name, batch["batch"])
        for row in pq.read_table(path, partitioning=None).to_pylist():
            rows[row["uscc"], row["fiscal_year"]] = row
    return sorted(key for key, row in rows.items() if not row["_deleted"])


def test_a_delivery_sent_again_for_a_year_takes_away_what_it_lacks_of_that_year(
    settings, ledger, deliver, make_dataset
):
    dataset = make_dataset(**BANK)
    deliver(dataset, record(), record(uscc=OTHER), record(uscc=OTHER, year=2023))
    key, values = deliver(dataset, record())
    assert values["counts"] == {"deleted": 1}
    (row,) = landed(settings, key).to_pylist()
    assert (row["uscc"], row["fiscal_year"], row["_deleted"], row["_learned_on"]) == (OTHER, 2024, True, DAY)
    assert held(settings, ledger, dataset) == [(GOOD, 2024), (OTHER, 2023)]
    deliver(dataset, record(), record(uscc=OTHER))
    assert held(settings, ledger, dataset) == [(GOOD, 2024), (OTHER, 2023), (OTHER, 2024)]


def test_a_record_that_came_and_was_refused_is_not_taken_for_deleted(settings, ledger, deliver, make_dataset):
    dataset = make_dataset(**BANK)
    deliver(dataset, record(), record(uscc=OTHER))
    deliver(dataset, record(revenue="11"), record(uscc=OTHER, revenue="x"))
    assert held(settings, ledger, dataset) == [(GOOD, 2024), (OTHER, 2024)]


def test_where_a_refused_record_has_no_readable_key_nothing_is_taken_away(settings, ledger, deliver, make_dataset):
    dataset = make_dataset(**BANK)
    deliver(dataset, record(), record(uscc=OTHER))
    _, values = deliver(dataset, record(revenue="11"), record(uscc="no code"))
    assert values["counts"]["deletions_withheld"] == 1
    assert held(settings, ledger, dataset) == [(GOOD, 2024), (OTHER, 2024)]


def test_a_snapshot_that_shrank_more_than_allowed_is_not_promoted(deliver, make_dataset):
    dataset = make_dataset(continuity={"shrink_pct": 40})
    deliver(dataset, *(record(year=year) for year in range(2000, 2010)))
    deliver(dataset, *(record(year=year) for year in range(2000, 2006)))
    with pytest.raises(DataError, match=r"3 records, 6 before: 50 % fewer, 40 % may go at once"):
        deliver(dataset, *(record(year=year) for year in range(2000, 2003)))


def test_a_floor_counts_what_a_feed_holds_and_not_what_it_brought(deliver, make_dataset):
    dataset = make_dataset(**FEED, volume={"floor": 2, "ceiling": 2})
    with pytest.raises(DataError, match="1 records, the floor is 2"):
        deliver(dataset, change())
    deliver(dataset, change(), change(year=2023))
    _, values = deliver(dataset, change(year=2022))
    assert values["counts"] == {"over_ceiling": 3}


def test_an_old_delivery_and_a_missing_month_are_warned_of(deliver, make_dataset):
    dataset = make_dataset(
        key=("month",),
        columns=(column("month", "date", required=True),),
        freshness={"column": "month", "days": 60},
        continuity={"column": "month", "period": "month"},
    )
    _, values = deliver(dataset, *({"month": text} for text in ("2024-11", "2025-01", "2025-03")))
    assert values["counts"] == {"gap:month=2024-12": 1, "gap:month=2025-02": 1, "stale:month": 121}
    _, values = deliver(dataset, *({"month": f"2025-0{n}"} for n in range(1, 7)), day=date(2025, 6, 30))
    assert values["counts"] == {}


def test_what_cannot_be_promoted_leaves_its_quarantine_and_nothing_else(settings, deliver, make_dataset):
    with pytest.raises(DataError, match="the floor is 5"):
        deliver(make_dataset(volume={"floor": 5, "ceiling": 9}), record(), record(uscc="bad"))
    left = sorted(str(path.relative_to(settings.data_dir)) for path in settings.data_dir.rglob("*") if path.is_file())
    kept = [name for name in left if not name.startswith(("raw/", "ledger"))]
    assert kept == ["quarantine/tax/statements/batch=2025-06-30-001.jsonl"]


def test_known_bad_records_within_the_lookback_do_not_stop_a_healthy_feed(deliver, make_dataset):
    dataset = make_dataset(**FEED)
    good = [change(year=year) for year in range(1960, 2020)]
    bad = [change(uscc=f"bad{number}") for number in range(25)]
    deliver(dataset, *good, *bad)
    _, values = deliver(dataset, *good, *bad, change(year=2024))
    assert (values["state"], values["rows_landed"]) == ("landed", 1)


def test_a_value_that_another_parent_still_has_is_asked_for_on(settings, ledger, deliver, make_dataset):
    parent = make_dataset(
        load="upsert",
        key=("id",),
        deletes={"kind": "tombstone", "column": "op", "values": ("D",)},
        columns=(column("id", required=True), column("uscc", required=True), column("op", required=True)),
    )
    child = make_dataset(
        name="visits",
        request={
            "path": "/visits/{code}",
            "partition": {"name": "code", "dataset": "statements", "column": "uscc"},
        },
    )
    source = type("One", (), {"dataset": lambda _self, _name: parent})()
    deliver(parent, {"id": "1", "uscc": "U", "op": "A"}, {"id": "2", "uscc": "U", "op": "A"})
    deliver(parent, {"id": "2", "uscc": "U", "op": "D"})
    assert partition_values(source, child, settings, ledger, DAY) == ("U",)


def graves(words, kind="varchar", **said):
    """A feed whose column `op` tells what is deleted."""
    return {
        "load": "upsert",
        "deletes": {"kind": "tombstone", "column": "op", "values": words, "shrink_pct": 100},
        "columns": (
            column("uscc", required=True, check="uscc"),
            column("fiscal_year", "integer", required=True),
            column("op", kind, **said),
        ),
    }


@pytest.mark.parametrize(
    ("deletes", "sent"),
    [
        (graves(("1",), "boolean"), 1),
        (graves(("是",), "boolean"), "√"),
        (graves(("作废",), "boolean", is_true=("作废",), is_false=("有效",)), "作废"),
        (graves(("1",), "decimal(10, 2)"), "1.0"),
        (graves(("01",), "integer"), "1"),
        (graves(("2099/12/31",), "date"), "2099-12-31"),
        (graves(("无",)), "无"),
        (graves(("-",), required=True), "-"),
        (graves(("D",)), " Ｄ "),
        (graves(("已注销（停业）",)), "已注销（停业）"),
    ],
)
def test_a_tombstone_is_met_in_whatever_form_its_column_reads(settings, ledger, deliver, make_dataset, deletes, sent):
    dataset = make_dataset(**deletes)
    _, values = deliver(dataset, {"uscc": GOOD, "fiscal_year": 2024, "op": sent})
    assert (values["rows_refused"], held(settings, ledger, dataset)) == (0, [])


def test_a_tombstone_deletes_whatever_else_it_lacks_and_a_later_record_brings_the_key_back(
    settings, ledger, deliver, make_dataset
):
    dataset = make_dataset(**graves(("D",)))
    dataset = dataset.model_copy(update={"columns": (*dataset.columns, *make_dataset().columns[2:3])})

    def night(op, **more):
        _, values = deliver(dataset, {"uscc": GOOD, "fiscal_year": 2024, "op": op, **more})
        return values["state"], held(settings, ledger, dataset)

    assert night("U", yysr="1") == ("landed", [(GOOD, 2024)])
    assert [night("D"), night("D", yysr=None)] == [("landed", []), ("unchanged", [])]
    assert night("U", yysr="1") == ("landed", [(GOOD, 2024)])


@pytest.mark.parametrize(
    ("said", "tombstone", "op", "refused"),
    [
        ({}, "D", "d", 1),
        ({"values": ("D", "d")}, "D", "d", 0),
        ({"values": ("D", "n")}, "D", "d", 1),
        ({}, "D", "DELETE", 1),
        ({}, "删除", "已删除", 1),
        ({}, "注销", "（注 销）", 1),
        ({}, "D", "U", 0),
        ({}, "注销", "D", 0),
        ({"values": ("D", "删除")}, "D", "删除", 0),
    ],
)
def test_a_tombstone_in_another_letter_case_or_word_is_refused_unless_it_is_a_value_of_its_own(
    settings, ledger, deliver, make_dataset, said, tombstone, op, refused
):
    dataset = make_dataset(**graves((tombstone,), **said))
    _, values = deliver(dataset, {"uscc": GOOD, "fiscal_year": 2024, "op": op})
    assert values["rows_refused"] == refused
    assert held(settings, ledger, dataset) == [(GOOD, 2024)] * (1 - refused)


def yearly(count, **said):
    """Records of one enterprise, one a year."""
    return [record(year=2000 + number, **said) for number in range(count)]


DROPS = {"schema_contract": {"data_type": "discard_value"}}


@pytest.mark.parametrize(
    ("load", "before", "after", "said", "told"),
    [
        ("snapshot", yearly(9), yearly(9, revenue=None), {}, 9),
        ("snapshot", yearly(30), yearly(30, revenue=None), DROPS, 30),
        ("snapshot", yearly(30), yearly(30, revenue=None), {}, "stop"),
        ("snapshot", yearly(30), [*yearly(29, revenue=None), record(year=2029)], {}, None),
        ("snapshot", [*yearly(29, revenue=None), record(year=2029)], yearly(30, revenue=None), {}, None),
        ("upsert", yearly(9), yearly(9, revenue=None), {}, 9),
        ("upsert", yearly(30), yearly(30, revenue=None), {}, "stop"),
        ("upsert", yearly(30), yearly(30, revenue=None), DROPS, 30),
        ("upsert", yearly(30), yearly(1, revenue=None), {}, None),
        ("upsert", yearly(30), [record(uscc=OTHER, year=2000 + n, revenue=None) for n in range(10)], {}, 1),
        ("upsert", yearly(15), [record(uscc=OTHER, year=2000 + n, revenue=None) for n in range(3)], {}, None),
    ],
)
def test_a_column_that_lost_all_its_values_is_told_and_of_many_records_is_a_stop(
    deliver, make_dataset, load, before, after, said, told
):
    dataset = make_dataset(load=load, **said)
    deliver(dataset, *before)
    stops = told == "stop"
    with pytest.raises(AgencyError, match=r"no record has a value in yysr \(30 had one\)") if stops else nullcontext():
        _, values = deliver(dataset, *after)
        assert values["counts"].get("column_emptied:revenue_cny") == told


def named(prefix, count):
    return [{"code": f"{prefix}{number:03d}", "day": "2025-06-30"} for number in range(count)]


NEXT_DAY = [{**one, "day": "2025-07-01"} for one in named("0", 30)]


@pytest.mark.parametrize(
    ("before", "after", "said", "told"),
    [
        (named("0", 9), named("", 9), {}, 9),
        (named("0", 30), named("", 30), {}, "stop"),
        (named("0", 30), named("", 30), {"continuity": {"shrink_pct": 100}}, None),
        (named("0", 30), [*named("0", 25), *named("1", 5)], {}, None),
        (named("0", 30), [*named("0", 18), *named("1", 12)], {}, 12),
        (named("0", 30), NEXT_DAY, {}, None),
    ],
)
def test_a_snapshot_whose_keys_are_others_is_told_and_of_many_records_is_a_stop(
    deliver, make_dataset, before, after, said, told
):
    columns = (column("code", required=True), column("day", "date", required=True))
    dataset = make_dataset(key=("code", "day"), columns=columns, **said)
    deliver(dataset, *before)
    with pytest.raises(DataError, match="30 of 30 keys are not there") if told == "stop" else nullcontext():
        _, values = deliver(dataset, *after)
        assert values["counts"].get("keys_gone") == told
