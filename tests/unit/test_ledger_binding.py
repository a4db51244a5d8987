"""A ledger is of one data folder: another's is refused, and nothing is touched."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from connectors.raw import keep_raw
from editions.places import point_current, read_current
from flows import recipe
from ledger.binding import FILE, LedgerForeignError, bind_again, move_on
from ledger.journal import differences, entries
from ledger.publications import publish
from ledger.runs import start_run
from ledger.settings import Settings
from ledger.store import open_ledger, version_of
from ledger.tables import data_folder
from tests.old_ledgers import write_old
from tests.unit.small_edition import AS_OF, make_candidate, seal_small


def settings_of(folder: Path, ledger: Path | None = None) -> Settings:
    url = None if ledger is None else f"sqlite:///{ledger}"
    return Settings(data_dir=folder, ledger_url=url, _env_file=None)


def publish_small(settings, name="2025-06-30-abc", expected=None):
    ledger = open_ledger(settings)
    sealed = seal_small(settings.data_dir, make_candidate(settings.data_dir), name)
    row = {"edition_id": name, "as_of": AS_OF.isoformat(), "recipe_sha256": "r", "ruleset_id": "x"}
    row["manifest_sha256"] = sealed.manifest_sha256
    publish(ledger, row, start_run(ledger, AS_OF, "test"), expected, [], [])
    point_current(settings.data_dir, name)
    return ledger


def everything_in(folder):
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def never(*_):
    pytest.fail("nothing may be begun")


NIGHT = recipe.Steps(never, never, never, never, never, never)


@pytest.fixture
def used(tmp_path):
    """A folder with an edition and its ledger beside it, as PostgreSQL would stand beside it."""
    settings = settings_of(tmp_path / "data", tmp_path / "ledger.sqlite")
    publish_small(settings).dispose()
    return settings


def refused(settings, told):
    before = everything_in(settings.data_dir)
    with pytest.raises(LedgerForeignError, match=told) as stop:
        recipe.run_night(settings, AS_OF, "plain", NIGHT)
    assert "Next:" in str(stop.value)
    after = everything_in(settings.data_dir)
    after.pop(str(settings.data_dir / "run.lock"), None)
    before.pop(str(settings.data_dir / "run.lock"), None)
    assert after == before


def test_the_id_stands_in_both_from_the_first_opening_on(used):
    ledger = open_ledger(used)
    with ledger.begin() as connection:
        row = connection.execute(select(data_folder)).one()
    assert (used.data_dir / FILE).read_text() == f"{row.folder_id} 0\n"
    move_on(ledger, used.data_dir)
    assert (used.data_dir / FILE).read_text() == f"{row.folder_id} 1\n"
    open_ledger(used)


def test_a_new_ledger_over_a_folder_in_use_is_refused_and_current_stays(used, tmp_path):
    refused(settings_of(used.data_dir, tmp_path / "new.sqlite"), "is in use")
    assert not (tmp_path / "new.sqlite").exists()
    assert read_current(used.data_dir) == "2025-06-30-abc"


def test_an_empty_ledger_that_is_there_is_refused_over_a_folder_with_editions_or_with_raw_alone(used, tmp_path):
    empty = tmp_path / "empty.sqlite"
    empty.touch()
    (used.data_dir / FILE).unlink()
    refused(settings_of(used.data_dir, empty), "follow edition 2025-06-30-abc, which this ledger does not know")
    keep_raw(tmp_path / "raw_alone", b"{}")
    refused(settings_of(tmp_path / "raw_alone", empty), "holds raw objects, which this ledger does not know")


def test_the_ledger_of_another_folder_is_refused(used, tmp_path):
    other = settings_of(tmp_path / "other", tmp_path / "other.sqlite")
    publish_small(other, "2025-06-30-other").dispose()
    refused(settings_of(used.data_dir, tmp_path / "other.sqlite"), "is that of another data folder")


@pytest.mark.parametrize("kind", ["empty", "copy", "copy without its id"])
def test_two_folders_on_one_ledger_are_refused(used, tmp_path, kind):
    second = tmp_path / "second"
    second.mkdir()
    if kind != "empty":
        shutil.copytree(used.data_dir, second, symlinks=True, dirs_exist_ok=True)
        if kind == "copy without its id":
            (second / FILE).unlink()
        move_on(open_ledger(used), used.data_dir)
    told = "is that of another data folder|one of them is an older copy"
    refused(settings_of(second, tmp_path / "ledger.sqlite"), told)
    open_ledger(used)


def test_a_process_that_died_between_file_and_row_left_both_usable(used):
    folder_id, turn = (used.data_dir / FILE).read_text().split()
    (used.data_dir / FILE).write_text(f"{folder_id} {int(turn) + 1} begun\n")
    move_on(open_ledger(used), used.data_dir)
    assert (used.data_dir / FILE).read_text() == f"{folder_id} {int(turn) + 1}\n"
    open_ledger(used)


def test_the_ledger_of_the_night_before_is_refused_over_the_folder_of_today(used, tmp_path):
    """It would send readers back to yesterday's edition, and the banks the same packages again."""
    ledger = open_ledger(used)
    old = tmp_path / "old"
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as live, closing(sqlite3.connect(old)) as kept:
        live.backup(kept)
    move_on(ledger, used.data_dir)
    refused(settings_of(used.data_dir, old), "one of them is an older copy")


def test_an_older_ledger_is_bound_to_the_folder_it_knows_and_its_rows_are_in_the_journal(tmp_path):
    settings = settings_of(tmp_path / "data")
    settings.data_dir.mkdir()
    write_old(settings.resolved_ledger_url, "version_2", settings.data_dir)
    ledger = open_ledger(settings)
    assert [entry["kind"] for entry in entries(ledger)] == ["batch", "edition", "publication", "bound"]
    assert list(differences(ledger)) == []
    assert (settings.data_dir / FILE).exists()


def test_an_older_ledger_is_neither_migrated_nor_bound_over_a_folder_it_does_not_know(tmp_path):
    settings = settings_of(tmp_path / "data", tmp_path / "old.sqlite")
    seal_small(settings.data_dir, make_candidate(settings.data_dir), "another")
    point_current(settings.data_dir, "another")
    write_old(settings.resolved_ledger_url, "version_2", settings.data_dir)
    refused(settings, "follow edition another, which this ledger does not know")
    assert version_of(create_engine(settings.resolved_ledger_url)) == 2


def test_a_person_binds_a_folder_that_was_restored_and_the_journal_names_who_and_why(used):
    (used.data_dir / FILE).unlink()
    refused(used, f"in which there is no {FILE}")
    ledger = open_ledger(used, is_bound=False)
    bind_again(ledger, used.data_dir, "wang", "restored from the backup of Monday")
    told = entries(open_ledger(used))[-1]
    assert (told["kind"], told["content"]["bound_by"], told["content"]["why"]) == (
        "bound",
        "wang",
        "restored from the backup of Monday",
    )


def test_nobody_binds_a_ledger_that_does_not_know_the_edition_that_is_read(used, tmp_path):
    (tmp_path / "empty.sqlite").touch()
    settings = settings_of(used.data_dir, tmp_path / "empty.sqlite")
    with pytest.raises(LedgerForeignError, match="it is not bound"):
        bind_again(open_ledger(settings, is_bound=False), used.data_dir, "wang", "because")
