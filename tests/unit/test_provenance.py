import subprocess

import pytest

from editions.provenance import code_of, kind_of
from tests.unit.small_edition import input_batch

RULES = {"ruleset_id": "national-2024", "ruleset_sha256": "01" * 32}


def manifest(*inputs, **changes):
    return {**RULES, "inputs": [one.as_dict() for one in inputs], **changes}


def git(folder, *words):
    own = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *own, *words], check=True, capture_output=True)  # noqa: S607


@pytest.fixture
def project(tmp_path):
    for name in ("editions/seal.py", "expectations/suites/rankings.yml", "requirements/all.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    return tmp_path


def test_a_checkout_names_its_commit_and_whether_anything_was_changed(project):
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    found = code_of(project)
    assert (len(found.commit), found.is_clean) == (40, True)
    (project / "editions/seal.py").write_text("2")
    changed = code_of(project)
    assert (changed.commit, changed.is_clean) == (found.commit, False)
    assert changed.files_sha256 != found.files_sha256


def test_without_git_the_files_tell_which_code_it_is(project):
    before = code_of(project)
    assert (before.commit, before.is_clean) == (None, None)
    (project / "expectations/suites/rankings.yml").write_text("2")
    after = code_of(project)
    assert after.suites_sha256 != before.suites_sha256
    assert (after.files_sha256, after.lock_sha256) == (before.files_sha256, before.lock_sha256)


AWAY = {"is_stale": True, "reason": "pull failed (transient), stale since 2025-06-29"}
NEVER = {"is_supplied": False, "reason": "pull failed (config)"}
DECLARED = {"is_supplied": False, "reason": "declared not supplied"}


@pytest.mark.parametrize(
    ("parent", "now", "kind"),
    [
        (None, {}, "nightly"),
        (manifest(input_batch()), {}, "nightly"),
        (manifest(input_batch(**AWAY)), {}, "after_outage"),
        (manifest(input_batch(**NEVER)), {}, "after_outage"),
        (manifest(input_batch(**DECLARED)), {}, "nightly"),
        (manifest(input_batch(**AWAY)), AWAY, "nightly"),
        (manifest(input_batch()), AWAY, "nightly"),
        (manifest(input_batch(), ruleset_id="national-2025"), {}, "rule_change"),
        (manifest(input_batch(**AWAY), ruleset_sha256="02" * 32), {}, "rule_change"),
    ],
)
def test_the_kind_of_an_edition_follows_from_what_differs_from_its_parent(parent, now, kind):
    inputs = [input_batch(**now)]
    assert kind_of(parent, RULES, inputs) == kind
    assert kind_of(parent, RULES, inputs, corrects="2025-06-29-abc") == "correction"
    assert kind_of(parent, RULES, inputs, is_beside=True) == "beside"
