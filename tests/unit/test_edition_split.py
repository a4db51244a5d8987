"""The parts of a split: each cause has what it did, and together they are the whole, for every enterprise."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from editions.causes import causes
from editions.split import OTHERS, Step, split
from tests.unit.small_edition import input_batch


def standing(scores):
    """Points, score and place by competition rank, of whoever has a score."""
    ranked = sorted((score for score in scores.values() if score is not None), reverse=True)
    return {
        code: (
            Decimal(score or 0),
            Decimal(score or 0).quantize(Decimal("0.0001")),
            None if score is None else ranked.index(score) + 1,
        )
        for code, score in scores.items()
    }


def parts(*steps):
    return split([Step(cause, standing(scores)) for cause, scores in steps]).to_pylist()


def test_a_rule_change_is_told_apart_from_what_the_enterprise_lost():
    rows = parts(
        (None, {"A": 50, "B": 40}),
        ("data:tax", {"A": 45, "B": 40}),
        ("rules", {"A": 35, "B": 40}),
    )
    assert [(row["uscc"], row["cause"], row["points"], row["places"]) for row in rows] == [
        ("A", "data:tax", -5, 0),
        ("A", "rules", -10, -1),
        ("B", OTHERS, 0, 1),
    ]


def test_a_place_lost_to_another_is_the_others_doing():
    rows = parts((None, {"A": 50, "B": 40, "C": 30}), ("data:tax", {"A": 50, "B": 40, "C": 60}))
    assert [(row["uscc"], row["cause"], row["places"]) for row in rows] == [
        ("A", OTHERS, -1),
        ("B", OTHERS, -1),
        ("C", "data:tax", 2),
    ]


def test_who_enters_or_leaves_has_points_and_no_places():
    rows = parts((None, {"A": 50}), ("data:science", {"A": 50, "B": 40}), ("rules", {"B": 41}))
    assert [(row["uscc"], row["cause"], row["points"], row["places"]) for row in rows] == [
        ("A", "rules", -50, None),
        ("B", "data:science", 40, None),
        ("B", "rules", 1, None),
    ]


SCORES = st.dictionaries(st.sampled_from("ABCDEFGH"), st.one_of(st.none(), st.integers(0, 12)), max_size=8)


@given(st.lists(SCORES, min_size=2, max_size=5))
def test_the_parts_of_every_enterprise_are_the_whole(states):
    steps = [Step(f"cause {number}", standing(scores)) for number, scores in enumerate(states)]
    sums = {}
    for row in split(steps).to_pylist():
        one = sums.setdefault(row["uscc"], [0, 0])
        one[0] += row["points"]
        one[1] += row["places"] or 0
    first, last = steps[0].standing, steps[-1].standing
    for code in first.keys() | last.keys():
        then, now = (state.get(code, (Decimal(0), Decimal(0), None)) for state in (first, last))
        points, places = sums.get(code, [0, 0])
        assert points == now[0] - then[0]
        if None not in (then[2], now[2]):
            assert places == then[2] - now[2]


def manifest(*inputs, **changes):
    facts = {"as_of": "2025-06-30", "ruleset_id": "a", "ruleset_sha256": "1", "rules_sha256": "2"}
    return {**facts, "inputs": [one.as_dict() for one in inputs], **changes}


DECIDED = {"source": "pipeline", "dataset": "identity_decisions"}


@pytest.mark.parametrize(
    ("now", "names"),
    [
        (manifest(input_batch()), []),
        (manifest(input_batch(batches=(), hashes=(), raw=(), told_by=None)), []),
        (manifest(input_batch(content_sha256="cd" * 32), as_of="2025-07-01"), ["date", "data:tax"]),
        (manifest(input_batch(), input_batch(source="credit")), ["data:credit"]),
        (manifest(input_batch(), input_batch(**DECIDED)), ["identity"]),
        (manifest(input_batch(is_stale=True, reason="pull failed (transient)")), ["staleness"]),
        (manifest(input_batch(), ruleset_id="b", rules_sha256="3"), ["rules", "code"]),
    ],
)
def test_the_causes_are_what_the_manifests_have_otherwise_in_the_order_of_the_replay(now, names):
    assert [cause.name for cause in causes(manifest(input_batch()), now)] == names
