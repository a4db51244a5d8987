"""Content that has not changed for longer than its rhythm: stale first, and of a critical dataset blocked at last."""

from datetime import date, timedelta

import pytest
from pydantic import ValidationError

from connectors.inputs import FROZEN, resolve
from connectors.pull import Pulled
from connectors.source_files import read_sources
from connectors.spec import Rhythm
from expectations.gate import audit
from expectations.suites import SUITES
from flows.publish import stale_of
from tests.declared import source_of
from tests.unit.conftest import DAY
from tests.unit.small_edition import make_candidate

FIRM = {"uscc": "91441300MA4UQ7FT4X", "fiscal_year": 2024, "yysr": "1", "staff_total": 9, "sci_tech_staff": 3}


@pytest.fixture
def after(make_dataset, deliver, settings, ledger):
    """What a dataset supplies so many days after its content last changed, told unchanged on the last of them."""

    def supplied(days, state="unchanged", **declared):
        dataset = make_dataset(**{"critical": True, "rhythm": {"days": 30}, **declared})
        deliver(dataset, FIRM)
        day = DAY + timedelta(days=days)
        if state == "unchanged":
            assert deliver(dataset, FIRM, day=day)[1]["state"] == "unchanged"
        pulled = [Pulled(dataset.source, dataset.name, True, state, whose="transient")]
        (one,) = resolve([source_of(dataset)], pulled, ledger, settings, day)
        return one

    return supplied


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (30, None),
        (31, "unchanged since 2025-06-30, more than 30 days that count"),
        (60, "unchanged since 2025-06-30, more than 30 days that count"),
        (61, "unchanged too long since 2025-06-30, more than 60 days that count"),
    ],
)
def test_a_feed_that_says_the_same_is_stale_after_its_rhythm_and_too_long_after_twice_that(after, days, reason):
    one = after(days)
    assert (one.is_stale, one.reason) == (reason is not None, reason)
    assert stale_of([one]) == ({f"{one.source}.{one.dataset}": reason} if reason else {})


def test_an_own_limit_counts(after):
    assert after(50, rhythm={"days": 30, "blocks_after": 45}).reason.startswith("unchanged too long since")


def test_what_is_unwatched_on_purpose_is_never_frozen(after):
    assert after(5000, rhythm={"unwatched": "a list of laws"}).reason is None


def test_a_pull_that_failed_says_so_and_not_that_nothing_changed(after):
    assert after(50, state="failed").reason == "pull failed (transient), stale since 2025-06-30"


@pytest.mark.parametrize(
    ("declared", "since", "until", "days"),
    [
        ({}, "2025-06-27", "2025-06-30", 3),
        ({"weekdays": True}, "2025-06-27", "2025-06-30", 1),
        ({"months": [5]}, "2025-06-30", "2026-04-30", 0),
        ({"months": [5]}, "2025-06-30", "2026-05-10", 10),
        ({"months": [5], "weekdays": True}, "2025-06-30", "2026-05-10", 6),
        ({}, "2025-06-30", "2025-06-29", 0),
    ],
)
def test_weekends_and_days_out_of_season_do_not_count(declared, since, until, days):
    told = Rhythm(days=5, **declared)
    assert told.quiet_days(date.fromisoformat(since), date.fromisoformat(until)) == days


@pytest.mark.parametrize("wrong", [{"days": 0}, {"days": 5, "blocks_after": 5}, {"days": 5, "months": [13]}])
def test_a_rhythm_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValidationError):
        Rhythm(**wrong)


def test_without_a_rhythm_the_days_of_freshness_count_or_a_year_and_a_month(make_dataset):
    dated = make_dataset(columns=make_dataset().columns)
    assert dated.own_rhythm.days == 400
    own = {one.address: one.own_rhythm.days for source in read_sources() for one in source.datasets}
    assert (own["talent.persons"], own["bank_a.loans"], own["science.enterprises"]) == (100, 40, 400)


@pytest.mark.parametrize(("source", "blocking"), [("tax", ["critical_datasets_are_not_frozen"]), ("patent", [])])
def test_a_critical_dataset_that_is_frozen_blocks_and_another_only_warns(tmp_path, source, blocking):
    suites = tmp_path / "suites"
    suites.mkdir()
    (suites / "supply.yml").write_bytes((SUITES / "supply.yml").read_bytes())
    said = f"is_stale = true, reason = '{FROZEN} since 2025-01-01'"
    frozen = f"update supply set {said} where source = '{source}';"  # noqa: S608  # a value of this test
    verdict = audit(make_candidate(tmp_path, changes=frozen).warehouse, None, suites, ())
    assert [one.name for one in verdict.blocking] == blocking
    assert "nothing_is_stale" in [one.name for one in verdict.warnings]
