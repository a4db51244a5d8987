"""A backup is of one moment and whole, or it is refused; what is restored goes on as the night after would have."""

import json
import shutil

import pytest

from connectors.errors import ConfigError, DataError
from editions.places import edition_path, read_current
from editions.verify import verify
from flows.backup import _write_list, back_up, backups_at, check, restore
from ledger.binding import FILE, LedgerForeignError, bind_again
from ledger.journal import differences, entries
from ledger.publications import current_id, publication_rows
from ledger.runs import RunLockedError, exclusive_run
from ledger.store import open_ledger
from tests.unit.refusing import record
from tests.unit.test_past import DAY, NEXT, land, run  # noqa: F401  # fixtures


@pytest.fixture
def place(tmp_path):
    return tmp_path / "elsewhere" / "backups"


@pytest.fixture
def kept(settings, land, run, place):  # noqa: F811
    """A backup after the first night, and the edition that stood."""
    land(DAY, record(), record(uscc="wrong"))
    edition_id = run(DAY).edition_id
    return back_up(settings, place), edition_id


def lose(settings, ledger):
    ledger.dispose()
    settings.data_dir.rename(settings.data_dir.with_name("lost"))


def test_the_night_after_a_restore_goes_on_where_the_backup_was_taken(settings, ledger, kept, place, land, run):  # noqa: F811
    _, edition_id = kept
    lose(settings, ledger)
    found = restore(settings, place, "li")
    assert (found.files, found.bytes) == (kept[0].files, kept[0].bytes)
    again = open_ledger(settings)
    assert current_id(again) == read_current(settings.data_dir) == edition_id
    assert verify(edition_path(settings.data_dir, edition_id)) == list(differences(again)) == []
    assert entries(again)[-1]["content"]["why"] == f"restored from the backup {kept[0].name}"
    assert (settings.data_dir / FILE).read_bytes() != (settings.data_dir.with_name("lost") / FILE).read_bytes()
    lost = {path.name: path.stat().st_mode for path in settings.data_dir.with_name("lost").glob("raw/*/*")}
    assert lost == {path.name: path.stat().st_mode for path in settings.data_dir.glob("raw/*/*")} != {}
    assert run(DAY).state == "nothing_new"
    land(NEXT, record(revenue="11.00"))
    assert run(NEXT).state == "published"
    assert publication_rows(again)[0]["supersedes"] == edition_id


@pytest.mark.usefixtures("kept")
def test_a_restore_that_was_killed_before_it_bound_the_folder_begins_no_night(
    settings,
    ledger,
    place,
    run,  # noqa: F811
    monkeypatch,
):
    lose(settings, ledger)
    with monkeypatch.context() as killed:
        killed.setattr("flows.backup.bind_again", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            restore(settings, place, "li")
    with pytest.raises(LedgerForeignError, match=r"there is no ledger\.id.* jifen ledger bind"):
        run(DAY)
    bind_again(open_ledger(settings, is_bound=False), settings.data_dir, "li", "the restore was killed")
    assert run(DAY).state == "nothing_new"


def test_what_the_place_has_is_not_copied_again_and_each_moment_can_be_had(settings, ledger, kept, place, land, run):  # noqa: F811
    first, edition_id = kept
    land(NEXT, record(revenue="11.00"))
    run(NEXT)
    second = back_up(settings, place)
    assert first.new_files == first.files
    assert second.new_files < first.files < second.files
    assert backups_at(place) == [first.name, second.name]
    ahead = place / f"20990101T000000000000Z-{second.name.rpartition('-')[2]}.json"
    (place / f"{second.name}.json").rename(ahead)
    assert back_up(settings, place).name == backups_at(place)[-1] > ahead.stem, "named by a clock that ran ahead"
    lose(settings, ledger)
    restore(settings, place, "li", first.name)
    assert read_current(settings.data_dir) == edition_id


def test_a_backup_that_is_damaged_or_cut_short_is_refused_and_names_the_file(settings, ledger, kept, place):
    name = kept[0].name
    listed = json.loads((place / f"{name}.json").read_text())["files"]
    path, entry = next((path, one) for path, one in listed.items() if path.endswith("rankings.parquet"))
    sealed = place / "objects" / entry["sha256"][:2] / entry["sha256"]
    whole = sealed.read_bytes()
    lose(settings, ledger)
    sealed.chmod(0o600)
    for broken in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]), None):
        sealed.unlink() if broken is None else sealed.write_bytes(broken)
        for refuse in (lambda: check(place), lambda: restore(settings, place, "li")):
            with pytest.raises(
                DataError, match=f"{entry['sha256']}: is .*, which holds {path}.* backup {place}, which"
            ):
                refuse()
        assert not settings.data_dir.exists()
    (place / f"{name}.json").chmod(0o600)
    (place / f"{name}.json").write_bytes((place / f"{name}.json").read_bytes()[:-1])
    with pytest.raises(DataError, match="is not the list that was written"):
        restore(settings, place, "li")


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "raw/../../outside"])
def test_a_list_that_names_a_file_outside_the_folder_is_refused(settings, ledger, kept, place, tmp_path, name):
    told = json.loads((place / f"{kept[0].name}.json").read_text())
    told["files"][name] = next(iter(told["files"].values()))
    lose(settings, ledger)
    made = _write_list(tmp_path, told)
    shutil.copytree(place / "objects", tmp_path / "objects")
    with pytest.raises(DataError, match="names a file outside the data folder"):
        restore(settings, tmp_path, "li", made)
    assert not settings.data_dir.exists()


def test_after_a_refusal_the_same_place_restores_once_it_is_whole_again(settings, ledger, kept, place, tmp_path):
    shutil.copytree(place, tmp_path / "copy")
    for path in (place / "objects").glob("*/*"):
        path.unlink()
        break
    lose(settings, ledger)
    with pytest.raises(DataError):
        restore(settings, place, "li")
    restore(settings, tmp_path / "copy", "li")
    assert current_id(open_ledger(settings)) == kept[1]


@pytest.mark.usefixtures("kept")
def test_nothing_is_restored_over_what_stands_there(settings, place):
    before = sorted(settings.data_dir.rglob("*"))
    with pytest.raises(ConfigError, match="is not empty"):
        restore(settings, place, "li")
    assert sorted(settings.data_dir.rglob("*")) == before


def test_no_backup_is_taken_of_a_night_at_work_nor_into_the_folder_itself(settings, kept, place):
    with exclusive_run(settings.data_dir), pytest.raises(RunLockedError):
        back_up(settings, place)
    with pytest.raises(ConfigError, match="lies within the data folder"):
        back_up(settings, settings.data_dir / "raw")
    with pytest.raises(ConfigError, match="holds no backup"):
        restore(settings, place.parent, "li")
    assert backups_at(place) == [kept[0].name]


def test_a_folder_whose_disk_is_not_mounted_makes_no_newest_backup_without_its_files(settings, kept, place):
    raw = settings.data_dir / "raw"
    raw.rename(settings.data_dir.with_name("unmounted"))
    raw.mkdir()
    with pytest.raises(ConfigError, match=r"raw held files at the backup before, and holds none now.*is mounted"):
        back_up(settings, place)
    assert backups_at(place) == [kept[0].name]
    raw.rmdir()
    settings.data_dir.with_name("unmounted").rename(raw)
    assert back_up(settings, place).files == kept[0].files


def test_two_installations_do_not_keep_their_backups_at_one_place(settings, ledger, kept, place, tmp_path):
    other = settings.model_copy(update={"data_dir": tmp_path / "other"})
    open_ledger(other).dispose()
    with pytest.raises(ConfigError, match=r"another data folder.* jifen backup to a place of its own"):
        back_up(other, place)
    assert backups_at(place) == [kept[0].name]
    lose(settings, ledger)
    restore(settings, place, "li")
    again = back_up(settings, place).name
    assert backups_at(place) == [kept[0].name, again], "a restored folder goes on at its place"


def test_a_backup_broken_off_leaves_those_before_it_and_what_it_left_is_swept(settings, kept, place, monkeypatch):
    def broken(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("flows.backup._write_list", broken)
        with pytest.raises(OSError, match="No space"):
            back_up(settings, place)
    (place / "objects" / ".half.part").write_bytes(b"half")
    (place / "notes.json").write_text("{}")
    assert check(place).name == kept[0].name
    newest = place / f"{kept[0].name}.json"
    newest.chmod(0o600)
    newest.write_bytes(newest.read_bytes()[:-1])
    assert check(place, back_up(settings, place).name).new_files == 0
    assert not list((place / "objects").glob(".*"))


@pytest.mark.parametrize("kind", ["a link", "a disk"])
def test_a_folder_that_is_a_link_or_a_disk_is_restored_into(settings, ledger, kept, place, monkeypatch, kind):
    lose(settings, ledger)
    folder = settings.data_dir.with_name("disk")
    (folder / "lost+found").mkdir(parents=True) if kind == "a disk" else folder.mkdir()
    settings.data_dir.symlink_to(folder)
    with monkeypatch.context() as mounted:
        mounted.setattr("pathlib.Path.is_mount", lambda path: path == folder and kind == "a disk")
        restore(settings, place, "li")
    assert settings.data_dir.readlink() == folder
    assert current_id(open_ledger(settings)) == read_current(settings.data_dir) == kept[1]
    assert not [*folder.glob(".restoring"), *folder.parent.glob(".*restoring")]


def test_a_backup_of_a_newer_jifen_is_refused_before_anything_is_written(settings, ledger, kept, place, monkeypatch):
    monkeypatch.setattr("flows.backup.SCHEMA_VERSION", 1)
    lose(settings, ledger)
    with pytest.raises(ConfigError, match=r"its ledger is of version \d+, this jifen knows versions up to 1"):
        restore(settings, place, "li", kept[0].name)
    assert not settings.data_dir.exists()
