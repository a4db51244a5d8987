"""What an edition was made of is found again, whatever came since; and two editions are told apart by cause."""

import json
from decimal import Decimal
from types import SimpleNamespace

import pytest

from editions.causes import causes
from editions.explain import explain
from editions.places import edition_path, split_path
from editions.split import sealed_standing
from flows import diff as replay
from flows import rebuild
from flows.diff import diff
from flows.rebuild import OtherRulesError, RebuildError, manifest_of, recipe_of
from tests.declared import source_of
from tests.unit.refusing import record
from tests.unit.small_edition import make_candidate
from tests.unit.test_past import BUILT, DAY, NEXT, land, run  # noqa: F401  # fixtures

THIRD = "91441300MA00000003"
RISEN = "update rankings set score = score + 1, points_total = points_total + 2 where uscc like '%3';"


@pytest.fixture(autouse=True)
def _declared(make_dataset, monkeypatch):
    """The one source of these tests, where a rebuild looks for sources."""
    monkeypatch.setattr(rebuild, "read_sources", lambda: [source_of(make_dataset(load="upsert", critical=True))])


@pytest.fixture
def two_of_a_day(land, run):  # noqa: F811
    """Two editions of one day: other facts came in between."""
    land(DAY, record())
    first = run(DAY).edition_id
    land(DAY, record(revenue="9.00"))
    return first, run(DAY, RISEN).edition_id


def test_the_first_edition_of_a_day_is_found_again_without_what_came_later_that_day(settings, ledger, two_of_a_day):
    for edition_id, batches in zip(two_of_a_day, (1, 2), strict=True):
        manifest = manifest_of(settings, ledger, edition_id)
        night, (supplied,) = recipe_of(settings, ledger, manifest, "again")
        assert len(supplied.batches) == batches
        assert (night.as_of, night.follows) == (DAY, manifest["parent"])
        assert [supplied.content_sha256] == [one["content_sha256"] for one in manifest["inputs"]]


def test_an_input_that_is_another_now_is_named(settings, ledger, two_of_a_day):
    manifest = manifest_of(settings, ledger, two_of_a_day[0])
    manifest["inputs"][0]["batches"][0]["raw"] = ["0" * 64]
    with pytest.raises(RebuildError, match=r"tax\.statements \(batches\)"):
        recipe_of(settings, ledger, manifest, "again")


def test_other_rules_are_refused_with_the_commit_and_lock_that_are_needed(settings, two_of_a_day, monkeypatch):
    monkeypatch.setattr(rebuild, "rules_sha256", lambda _: "other")
    with pytest.raises(OtherRulesError, match=r"the packages of lock [0-9a-f]{16}.*git worktree add"):
        rebuild.rebuild(settings, two_of_a_day[0])


def test_an_edition_that_passed_by_an_override_is_judged_by_it_again_whoever_approves_now(
    settings, ledger, two_of_a_day, monkeypatch
):
    told = {"override_id": "ab", "checks": ["points.x"], "why": "so", "asked_on": "2025-06-30", "until": "2025-07-01"}
    told["signed_by"] = ["li", "wang"]
    manifest = manifest_of(settings, ledger, two_of_a_day[0]) | {"verdict": {"state": "passed", "overrides": [told]}}
    night, supplied = recipe_of(settings, ledger, manifest, "again")
    monkeypatch.setattr(rebuild, "build_candidate", lambda *_: (make_candidate(settings.data_dir, "again"), BUILT))
    monkeypatch.setattr(
        rebuild,
        "judge",
        lambda _night, _candidate, used: SimpleNamespace(
            as_dict=lambda: {"state": "passed", "checks": [], "overrides": [one.as_dict() for one in used]}
        ),
    )
    again = json.loads((rebuild._sealed_again(night, supplied, manifest) / "manifest.json").read_bytes())
    assert again["verdict"]["overrides"] == [told]


def test_a_manifest_that_was_changed_is_no_recipe(settings, ledger, two_of_a_day):
    path = edition_path(settings.data_dir, two_of_a_day[0]) / "manifest.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"nightly"', b'"beside"'))
    with pytest.raises(RebuildError, match="is not the one that was sealed"):
        manifest_of(settings, ledger, two_of_a_day[0])


def test_one_cause_alone_is_told_without_a_build_and_explained(settings, two_of_a_day):
    then, now = two_of_a_day
    path = edition_path(settings.data_dir, now)
    alone = explain(path, THIRD).previous
    assert alone.causes == ("data:tax",)
    assert [(row["cause"], row["score"], row["points"]) for row in alone.split] == [("data:tax", 1, 2)]
    found = diff(settings, then, now)
    assert (found.builds, [cause.name for cause in found.causes]) == (0, ["data:tax"])
    assert split_path(settings.data_dir, then, now).is_file()
    told = explain(path, THIRD).previous.split
    assert [(row["cause"], row["score"]) for row in told] == [("data:tax", Decimal(1))]


def test_two_causes_take_one_build_of_the_later_day_with_the_earlier_facts(settings, land, run, monkeypatch):  # noqa: F811
    land(DAY, record())
    then = run(DAY).edition_id
    land(NEXT, record(revenue="9.00"))
    now = run(NEXT, RISEN).edition_id
    built = []

    def between(_settings, _night, recipe):
        built.append(recipe)
        half = dict(sealed_standing(edition_path(settings.data_dir, then)))
        points, score, rank = half[THIRD]
        return half | {THIRD: (points + 1, score, rank)}

    monkeypatch.setattr(replay, "_built", between)
    found = diff(settings, then, now)
    assert [cause.name for cause in found.causes] == ["date", "data:tax"]
    (recipe,) = built
    assert recipe.as_of == NEXT
    assert recipe.supplied["tax.statements"].batches == ("2025-06-30-001",)
    rows = [row for row in found.table.to_pylist() if row["uscc"] == THIRD]
    assert [(row["cause"], row["points"], row["score"]) for row in rows] == [("date", 1, 0), ("data:tax", 1, 1)]
    (previous,) = [explain(edition_path(settings.data_dir, now), THIRD).previous]
    assert [row["cause"] for row in previous.split] == ["date", "data:tax"]


def test_without_a_diff_several_causes_are_named_and_not_told_apart(settings, ledger, land, run):  # noqa: F811
    land(DAY, record())
    then = run(DAY).edition_id
    land(NEXT, record(revenue="9.00"))
    now = run(NEXT, RISEN).edition_id
    manifests = [manifest_of(settings, ledger, one) for one in (then, now)]
    previous = explain(edition_path(settings.data_dir, now), THIRD).previous
    assert previous.causes == tuple(cause.name for cause in causes(*manifests)) == ("date", "data:tax")
    assert previous.split is None
