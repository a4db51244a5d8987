import shutil

import pytest

from editions.places import (
    EditionMissingError,
    EditionNameError,
    EditionUnknownError,
    PointerError,
    edition_path,
    point_current,
    read_current,
    repair_current,
)
from editions.verify import verify
from ledger.publications import CurrentMovedError, current_id, publish
from ledger.runs import start_run
from ledger.settings import Settings
from ledger.store import open_ledger
from tests.unit.small_edition import AS_OF, make_candidate, seal_small


def test_current_moves_in_one_step_and_plain_tools_can_follow_it(tmp_path):
    candidate = make_candidate(tmp_path)
    seal_small(tmp_path, candidate, "2025-06-30-one")
    seal_small(tmp_path, candidate, "2025-06-30-two")
    assert read_current(tmp_path) is None
    for edition_id in ("2025-06-30-one", "2025-06-30-two"):
        point_current(tmp_path, edition_id)
        assert read_current(tmp_path) == edition_id
        assert (tmp_path / "editions/current/tables/rankings.csv").is_file()
    assert str((tmp_path / "editions/current").readlink()) == "2025-06-30-two"
    assert not list((tmp_path / "editions").glob(".current*"))
    assert verify(tmp_path / "editions/current") == []


def test_current_does_not_move_to_an_edition_that_is_not_there(tmp_path):
    seal_small(tmp_path, make_candidate(tmp_path))
    point_current(tmp_path, "2025-06-30-abc")
    with pytest.raises(EditionMissingError, match="edition list"):
        point_current(tmp_path, "2025-06-30-gone")
    with pytest.raises(ValueError, match="cannot be the id"):
        point_current(tmp_path, "../elsewhere")
    assert read_current(tmp_path) == "2025-06-30-abc"


def test_the_pointer_follows_the_ledger_after_a_crash_and_no_run_overtakes_another(tmp_path):
    ledger = open_ledger(Settings(data_dir=tmp_path, _env_file=None))
    candidate = make_candidate(tmp_path)
    first = seal_small(tmp_path, candidate, "2025-06-30-one")
    second = seal_small(tmp_path, candidate, "2025-06-30-two")
    run_id = start_run(ledger, AS_OF, "test")

    def row(sealed):
        return {
            "edition_id": sealed.edition_id,
            "as_of": AS_OF.isoformat(),
            "recipe_sha256": "cd" * 32,
            "manifest_sha256": sealed.manifest_sha256,
            "ruleset_id": "national-2024",
        }

    publish(ledger, row(first), run_id, None, [], [])
    # The process died here, before it moved the pointer.
    assert repair_current(tmp_path, current_id(ledger)) is True
    assert read_current(tmp_path) == "2025-06-30-one"
    assert repair_current(tmp_path, current_id(ledger)) is False
    with pytest.raises(CurrentMovedError):
        publish(ledger, row(second), run_id, None, [], [])
    assert repair_current(tmp_path, current_id(ledger)) is False
    assert read_current(tmp_path) == "2025-06-30-one"


def test_a_pointer_that_the_ledger_does_not_know_is_refused_and_stays(tmp_path):
    seal_small(tmp_path, make_candidate(tmp_path))
    point_current(tmp_path, "2025-06-30-abc")
    with pytest.raises(EditionUnknownError, match="follow edition 2025-06-30-abc, and the ledger knows of none"):
        repair_current(tmp_path, None)
    assert read_current(tmp_path) == "2025-06-30-abc"


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_pointer_that_a_copy_made_a_folder_or_file_is_told_with_a_way_out_and_left(tmp_path, kind):
    seal_small(tmp_path, make_candidate(tmp_path), "2025-06-30-one")
    pointer = tmp_path / "editions" / "current"
    if kind == "folder":
        shutil.copytree(tmp_path / "editions" / "2025-06-30-one", pointer)
    else:
        pointer.write_text("2025-06-30-one")
    with pytest.raises(PointerError, match=r"is no link.*Next: move it away, then jifen run"):
        repair_current(tmp_path, "2025-06-30-one")
    pointer.rename(tmp_path / "away")
    assert repair_current(tmp_path, "2025-06-30-one")


@pytest.mark.parametrize("is_pointer_kept", [True, False])
def test_a_current_edition_that_was_lost_is_told_with_a_way_out_and_the_pointer_stays(tmp_path, is_pointer_kept):
    sealed = seal_small(tmp_path, make_candidate(tmp_path))
    if is_pointer_kept:
        point_current(tmp_path, sealed.edition_id)
    backup = sealed.path.rename(tmp_path / "backup")
    with pytest.raises(EditionMissingError, match=r"Restore that folder from a backup.*jifen edition list") as stop:
        repair_current(tmp_path, sealed.edition_id)
    assert "jifen run" not in str(stop.value)
    assert read_current(tmp_path) == (sealed.edition_id if is_pointer_kept else None)

    backup.rename(sealed.path)
    assert repair_current(tmp_path, sealed.edition_id) is not is_pointer_kept
    assert read_current(tmp_path) == sealed.edition_id


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../..", "/etc", "a/b", "..\\x", ".sealing-x", "current", "x\n", "x\0"]
)
def test_an_id_that_is_no_plain_name_is_refused_and_nothing_is_read(tmp_path, name):
    for refused in (EditionNameError, EditionMissingError, ValueError):
        with pytest.raises(refused, match="cannot be the id"):
            edition_path(tmp_path, name)
