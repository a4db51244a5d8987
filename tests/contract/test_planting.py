"""A fixed sample of the planted faults, and three clean nights: the whole sweeps are commands (docs/reliability.md)."""

from datetime import timedelta

import pytest

from sandbox.clean_nights.__main__ import summary as sums_of_nights
from sandbox.clean_nights.nights import Agencies, CleanNight
from sandbox.planting.__main__ import summary
from sandbox.planting.faults import read_kinds
from sandbox.planting.judge import Fate, fates
from sandbox.planting.night import SoundNight

SAMPLE = {
    ("exchanged_assets", "few"): "held",
    ("emptied_scientists", "part"): "held",
    ("inverted_tax_grades", "all"): "held",
    ("statements_missing", "part"): "held",
    ("lapses_forgotten", "all"): "held",
    ("loans_twice", "part"): "held",
    ("new_rd_of_another", "all"): "held",
    ("new_rd_halved", "all"): "held",
    ("consents_unwithdrawn", "few"): "held",
    ("consents_widened", "all"): "held",
    ("shifted_projects", "few"): "warned",
    ("extract_consent_extended", "few"): "stopped",
    ("reasons_next_wrong", "few"): "stopped",
    ("weights_changed", "few"): "stopped",
    ("landed_rows_taken_out", "few"): "stopped",
}
"""What became of each; nothing here is silent."""


@pytest.fixture(scope="module")
def sound(first_night):
    installation, _ = first_night
    return SoundNight(installation.data_dir.resolve(), installation.as_of)


def test_each_fault_of_the_sample_comes_to_what_it_must_and_something_was_looked_at(sound):
    kinds = {one.kind: one for one in read_kinds()}
    found = list(fates(sound, [(kinds[kind], strength) for kind, strength in SAMPLE]))
    assert {(one.kind, one.strength): one.outcome for one in found} == SAMPLE
    assert all(one.checks and one.struck for one in found)
    assert summary(found) == 0


def test_nothing_is_held_in_three_nights_of_the_filings_season(sound, tmp_path):
    agencies = Agencies(sound, tmp_path, seed=1)
    first = sound.as_of.replace(month=4, day=8)
    for feed in agencies.feeds:
        agencies.land(feed, first)
    landed = [agencies.land(feed, first + timedelta(days=n)) for n in (1, 2, 3) for feed in agencies.feeds]
    agencies.close()
    assert sum(is_compared for is_compared, _, _ in landed) > 20
    assert [over for _, over, _ in landed if over] == []


@pytest.mark.parametrize(
    ("fate", "code"),
    [
        ({"outcome": "held", "is_harm": True}, 0),
        ({"outcome": "warned", "is_harm": True}, 1),
        ({"outcome": "warned", "scores": 3}, 0),
        ({"outcome": "shown", "scores": 3}, 1),
        ({"outcome": "silent", "scores": 3}, 1),
        ({"outcome": "stopped", "checks": 0}, 1),
        ({"outcome": "stopped", "struck": 0}, 1),
    ],
)
def test_harm_that_passed_silence_and_a_look_at_nothing_fail_the_table(fate, code):
    assert (
        summary(
            [
                Fate(
                    **{
                        "kind": "k",
                        "where": "agency",
                        "table": "t",
                        "strength": "few",
                        "struck": 4,
                        "checks": 1,
                        **fate,
                    }
                )
            ]
        )
        == code
    )


def test_more_than_one_clean_night_in_a_hundred_held_fails(sound):
    nights = [CleanNight(sound.as_of, ("tax.statements",), (), (), 140, is_built=True)] * 150
    wrong = CleanNight(sound.as_of, ("tax.statements",), ("tax.statements: added",), (), 140, is_built=True)
    assert (sums_of_nights([*nights, wrong]), sums_of_nights([*nights, wrong, wrong])) == (0, 1)
    assert sums_of_nights([CleanNight(sound.as_of, ("tax.statements",), (), (), 0, is_built=True)]) == 1
