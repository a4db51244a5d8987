"""A sealed edition made again from raw: every byte of it, elsewhere, on one thread, in another time zone."""

import json

import pytest

from editions.durable import make_read_only
from tests.rebuild_sweep import WAYS, from_raw, made_again

pytestmark = [pytest.mark.night, pytest.mark.sweep]


@pytest.fixture(scope="module")
def elsewhere(first_night, tmp_path_factory):
    """The data folder of the first night in another place, with nothing landed left but raw."""
    return from_raw(first_night[0], tmp_path_factory.mktemp("elsewhere"))


def test_an_edition_is_made_again_from_raw_byte_for_byte(elsewhere):
    found = made_again(elsewhere, elsewhere.current.name, WAYS[0])
    assert [lost.path for lost in found.differences] == []
    assert found.files > 100
    assert not list((elsewhere.data_dir / "candidates").glob("*rebuild*"))


def test_rules_that_moved_on_are_said_with_the_commit_and_the_lock_they_need(elsewhere, monkeypatch):
    monkeypatch.setattr("flows.rebuild.rules_sha256", lambda _: "other")
    ran = elsewhere.jifen("edition", "rebuild")
    manifest = json.loads((elsewhere.current / "manifest.json").read_bytes())
    assert ran.code == 1
    assert manifest["code"]["lock_sha256"][:16] in ran.output["message"]
    assert "git worktree add" in ran.output["message"]


def test_a_manifest_that_is_not_the_sealed_one_is_no_recipe(elsewhere):
    edition = elsewhere.current
    content = (edition / "manifest.json").read_bytes()
    edition.chmod(0o755)
    (edition / "manifest.json").chmod(0o644)
    (edition / "manifest.json").write_bytes(content.replace(b'"kind"', b'"Kind"'))
    ran = elsewhere.jifen("edition", "rebuild")
    assert ran.code == 1
    assert "is not the one that was sealed" in ran.output["message"]
    (edition / "manifest.json").write_bytes(content)
    make_read_only(edition)
