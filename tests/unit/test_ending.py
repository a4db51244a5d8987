"""What ends within 90 days: the last row of an item decides, and a consent that was renewed does not end."""

import shutil
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from editions.ending import RULESETS, WITHIN_DAYS, ending
from editions.working_days import SEEDS

DAY = date(2026, 1, 5)


@pytest.fixture
def seeds(tmp_path):
    return shutil.copytree(SEEDS, tmp_path / "seeds")


def told_of(seeds, name):
    return [line for _, line in ending(DAY, None, seeds) if line.startswith(f"{name}:")]


@pytest.mark.parametrize(("days", "is_told"), [(0, True), (WITHIN_DAYS, True), (WITHIN_DAYS + 1, False), (-1, False)])
def test_a_parameter_is_told_of_from_90_days_before_its_last_day(seeds, days, is_told):
    last = DAY + timedelta(days=days)
    (seeds / "policies.csv").write_text(f"policy_id,valid_to\nhouse,{last}\nopen,\n", encoding="utf-8")
    added = "Next: add a later row to policies.csv, jifen programme check"
    assert told_of(seeds, "policies") == ([f"policies: house: the last day is {last}. {added}"] if is_told else [])


def test_an_item_with_a_later_row_does_not_end_and_a_rate_that_ended_is_still_told_of(seeds):
    (seeds / "products.csv").write_text("product_id,valid_to\nloan,2026-02-01\nloan,2027-02-01\n", encoding="utf-8")
    (seeds / "reference_rates.csv").write_text("rate,valid_to\nlpr_1y,2025-11-30\n", encoding="utf-8")
    assert told_of(seeds, "products") == []
    assert ["lpr_1y: the last day was 2025-11-30" in line for line in told_of(seeds, "reference_rates")] == [True]


def test_the_calendar_ends_with_the_last_published_year_and_a_rule_set_with_its_scheme(seeds, tmp_path):
    (seeds / "working_years.csv").write_text("year\n2025\n", encoding="utf-8")
    rulesets = tmp_path / "rulesets.csv"
    rulesets.write_text("scheme,valid_to\npoints,2025-12-31\npoints,2026-03-31\n", encoding="utf-8")
    told = [line for _, line in ending(DAY, None, seeds, rulesets)]
    assert any(line.startswith("calendar of working days: the last day was 2025-12-31. Next: add") for line in told)
    assert any(line.startswith("rulesets: points: the last day is 2026-03-31. Next: add") for line in told)
    later = [line for _, line in ending(DAY + timedelta(days=400), None, seeds, rulesets)]
    assert any("rulesets: points: the last day was 2026-03-31. Next: add" in line for line in later)


def test_consents_are_counted_by_recipient_and_enterprise(tmp_path):
    soon, later = DAY + timedelta(days=30), DAY + timedelta(days=300)
    given = [
        ("bank_a", "a", soon, None),
        ("bank_a", "b", DAY + timedelta(days=10), None),
        ("bank_a", "renewed", soon, None),
        ("bank_a", "renewed", later, None),
        ("bank_a", "open", None, None),
        ("bank_b", "withdrawn", soon, DAY),
    ]
    columns = ("recipient", "uscc", "consent_valid_to", "consent_withdrawn_on")
    rows = [{"consent_id": "k", **dict(zip(columns, one, strict=True))} for one in given]
    schema = pa.schema({name: pa.date32() if name.endswith(("_to", "_on")) else pa.string() for name in rows[0]})
    (tmp_path / "extracts").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), tmp_path / "extracts" / "it's.parquet")
    told = [line for _, line in ending(DAY, tmp_path) if line.startswith("consents")]
    assert told == [
        "consents to bank_a: those of 2 enterprises, the first until 2026-01-15. "
        "Next: have them renewed; rows of an ended one are not sent any more"
    ]


def test_every_seed_with_a_last_day_is_watched_or_is_one_that_may_simply_end():
    from editions.ending import _ITEMS

    # A lapsed restart of the pool is a decision that was meant to end.
    dated = {path.stem for path in SEEDS.glob("*.csv") if ",valid_to," in path.read_text(encoding="utf-8")[:300]}
    assert dated - _ITEMS.keys() == {"pool_restarts"}
    assert ",valid_to," in RULESETS.read_text(encoding="utf-8")[:300]
