"""Moments are kept in UTC and counted as the days they are in the zone, near midnight and at the ends of months too."""

import datetime as dt
import json
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from connectors.columns import days_in
from connectors.watch import newest_in
from tests.declared import column

FIRST_OF_MAY = "2025-05-01 00:00:00"


def feed(make_dataset, **changes):
    columns = (column("id", required=True), column("at", "timestamp", required=True))
    return make_dataset(columns=columns, key=("id",), load="upsert", **changes)


def counts(land_pages, dataset, day, *moments):
    items = [{"id": f"R{place}", "at": moment} for place, moment in enumerate(moments)]
    return land_pages(dataset, [json.dumps({"items": items}).encode()], day)[1]["counts"]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (dt.datetime(2025, 4, 30, 16), dt.date(2025, 5, 1)),
        (dt.datetime(2025, 4, 30, 15, 59, 59, 999999), dt.date(2025, 4, 30)),
        (dt.datetime(2024, 12, 31, 16), dt.date(2025, 1, 1)),
        (dt.datetime(2024, 2, 28, 16), dt.date(2024, 2, 29)),
        (dt.datetime(1965, 12, 31, 16, 0, 1), dt.date(1966, 1, 1)),
        (None, None),
    ],
)
def test_a_moment_is_a_day_of_the_zone(moment, day):
    found = days_in(pa.array([moment], pa.timestamp("us")), ZoneInfo("Asia/Shanghai"))
    assert found.to_pylist() == [day]
    assert found.type == pa.date32()


def test_the_day_of_a_moment_follows_the_zone_and_its_summer_time():
    moments = pa.array([dt.datetime(2025, 1, 1, 4, 30), dt.datetime(2025, 7, 1, 4, 30)], pa.timestamp("us"))
    assert days_in(moments, ZoneInfo("America/New_York")).to_pylist() == [dt.date(2024, 12, 31), dt.date(2025, 7, 1)]
    assert days_in(pa.array([dt.date(2025, 1, 1)]), ZoneInfo("America/New_York")).to_pylist() == [dt.date(2025, 1, 1)]


@pytest.mark.parametrize(
    ("moment", "stale"),
    [
        (FIRST_OF_MAY, None),
        ("2025-05-01T07:59:59", None),
        ("2025-04-30T16:00:00Z", None),
        ("2025-04-30T15:59:59Z", 1),
        ("2025-04-30 23:59:59", 1),
        ("2025-04-29T18:00:00Z", 1),
        ("2025-04-29T15:00:00Z", 2),
    ],
)
def test_a_record_of_the_very_day_is_not_stale(make_dataset, land_pages, moment, stale):
    dataset = feed(make_dataset, freshness={"column": "at", "days": 0})
    assert counts(land_pages, dataset, dt.date(2025, 5, 1), moment).get("stale:at") == stale


@pytest.mark.parametrize(
    ("period", "moments", "gaps"),
    [
        ("month", ["2025-03-31 08:00:00", FIRST_OF_MAY], ["2025-04"]),
        ("month", ["2025-03-31T16:00:00Z", "2025-04-30T16:00:00Z"], []),
        ("month", ["2025-02-28T16:00:00Z", "2025-04-30T15:59:59Z"], []),
        ("month", ["2024-12-31T16:00:00Z", "2025-02-01 00:00:00"], []),
        ("month", ["2024-11-30T15:00:00Z", "2024-12-31T16:00:00Z"], ["2024-12"]),
        ("year", ["2023-12-31T16:00:00Z", "2024-12-31T16:00:00Z"], []),
        ("year", ["2022-12-31 23:00:00", "2024-01-01 00:30:00"], ["2023"]),
    ],
)
def test_months_and_years_without_a_record_are_those_of_the_zone(make_dataset, land_pages, period, moments, gaps):
    dataset = feed(make_dataset, continuity={"column": "at", "period": period})
    found = counts(land_pages, dataset, dt.date(2025, 6, 30), *moments)
    assert [name for name in found if name.startswith("gap:")] == [f"gap:at={gap}" for gap in gaps]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Asia/Shanghai", "Pacific/Pago_Pago"])
def test_today_in_the_zone_does_not_lie_ahead_and_tomorrow_does(zone):
    today = dt.datetime.now(ZoneInfo(zone)).date()
    days = pa.chunked_array([[today, today + dt.timedelta(days=2)]])
    assert newest_in(days, ZoneInfo(zone)) == (today, 1)
