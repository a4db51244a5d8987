"""From raw pages to rows and refusals."""

import json
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from connectors.errors import AgencyError, PagingFaultError
from connectors.reading import RawPage, read_pages
from connectors.zone import Zone

GOOD, OTHER = "91110000600037341L", "91440300192185379H"
ZONE = ZoneInfo("Asia/Shanghai")


def record(uscc=GOOD, year=2024, revenue="10.00", staff=10, sci=5, **more):
    return {"uscc": uscc, "fiscal_year": year, "yysr": revenue, "staff_total": staff, "sci_tech_staff": sci, **more}


def read(dataset, *pages, zone=None):
    raw = [
        RawPage(number, f"page {number}", f"sha{number}", json.dumps({"items": items}).encode())
        for number, items in enumerate(pages, start=1)
    ]
    return read_pages(dataset, zone or Zone(), ZONE, raw)


def test_one_bad_record_goes_to_quarantine_and_the_rest_goes_on(make_dataset):
    reading = read(make_dataset(), [record(), record(uscc="91110000600037341N")])
    assert [row["uscc"] for row in reading.rows] == [GOOD]
    (refusal,) = reading.refusals
    assert (refusal.reason, refusal.rule) == ("uscc_check_character", "uscc:uscc_check_character")
    assert (refusal.label, refusal.position, refusal.raw_sha256) == ("page 1", 2, "sha1")
    assert refusal.record["uscc"] == "91110000600037341N"


def test_something_that_is_no_record_is_refused_and_counted(make_dataset):
    reading = read(make_dataset(), [record(), "garbage", None])
    assert (reading.received, reading.records_refused, len(reading.rows)) == (3, 2, 1)


def test_a_part_over_its_whole_refuses_the_record_under_the_rules_name(make_dataset):
    rule = {"name": "sci_tech_within_total", "part": "sci_tech_staff", "whole": "staff_total"}
    reading = read(make_dataset(rules=(rule,)), [record(staff=10, sci=11), record(uscc=OTHER, staff=None, sci=11)])
    assert [(r.reason, r.rule) for r in reading.refusals] == [("part_over_whole", "sci_tech_within_total")]
    assert [row["uscc"] for row in reading.rows] == [OTHER]


def test_a_discarded_value_leaves_the_rest_of_its_record(make_dataset):
    reading = read(make_dataset(), [record(staff=1491543852576)])
    assert reading.rows[0]["staff_total"] is None
    assert reading.rows[0]["revenue_cny"] == Decimal("10.00")
    assert [(r.action, r.reason) for r in reading.refusals] == [("value_discarded", "out_of_range")]
    assert reading.records_refused == 0


def test_a_zones_missing_marker_becomes_null_and_is_counted(make_dataset):
    zone = Zone(missing_markers={"tax.statements": {"revenue_cny": ("-1", "-1.0")}})
    reading = read(make_dataset(), [record(revenue="-1.0"), record(uscc=OTHER, revenue="-2.0")], zone=zone)
    assert [row["revenue_cny"] for row in reading.rows] == [None, Decimal("-2.00")]
    assert reading.notes["missing_marker:revenue_cny"] == 1


def test_the_same_record_twice_is_dropped_and_counted(make_dataset):
    reading = read(make_dataset(), [record(), record()])
    assert len(reading.rows) == 1
    assert reading.notes["duplicate_delivery"] == 1
    assert reading.repeats_across_pages == 0


def test_a_snapshot_that_contradicts_itself_loses_both_records(make_dataset):
    reading = read(make_dataset(), [record(revenue="1"), record(revenue="2"), record(uscc=OTHER)])
    assert [row["uscc"] for row in reading.rows] == [OTHER]
    assert [r.reason for r in reading.refusals] == ["conflicting_key", "conflicting_key"]


def test_a_feed_of_files_keeps_the_later_file(make_dataset):
    dataset = make_dataset(load="upsert")
    reading = read(dataset, [record(revenue="1"), record(uscc=OTHER)], [record(revenue="2")])
    assert [row["revenue_cny"] for row in reading.rows] == [Decimal("2.00"), Decimal("10.00")]
    assert reading.notes["superseded_in_batch"] == 1


def test_a_page_that_answers_with_another_pages_records_is_a_fault(make_dataset):
    page = [record(), record(uscc=OTHER)]
    with pytest.raises(PagingFaultError, match=r"page 3 repeats page 1.*Whose: data"):
        read(make_dataset(), page, [record(year=2023), record(year=2022)], page)


def test_records_that_came_on_two_pages_are_noticed(make_dataset):
    reading = read(make_dataset(), [record(), record(uscc=OTHER)], [record(uscc=OTHER), record(year=2023)])
    assert reading.repeats_across_pages == 1


def test_a_field_gone_from_all_records_is_the_agencys_fault_and_an_unclaimed_one_is_reported(make_dataset):
    with pytest.raises(AgencyError, match="no record has the field yysr"):
        read(make_dataset(), [{k: v for k, v in record().items() if k != "yysr"}])
    assert read(make_dataset(), [record(new="x")]).notes["unclaimed_field:new"] == 1


def test_rows_come_in_key_order_whatever_the_order_of_delivery(make_dataset):
    first = read(make_dataset(), [record(uscc=OTHER), record()])
    second = read(make_dataset(), [record(), record(uscc=OTHER)])
    assert [row["uscc"] for row in first.rows] == [row["uscc"] for row in second.rows] == [GOOD, OTHER]
