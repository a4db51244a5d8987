"""What the data folder holds is for its owner alone, whatever the umask; a named group may read editions."""

import grp
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.errors import ConfigError
from connectors.openpgp import require_own
from flows.faults import sentence
from ledger.env_file import SettingsError
from ledger.files import close_to_others, sweep_parts
from ledger.settings import Settings
from tests.unit.refusing import record
from tests.unit.test_past import DAY, land, run

__all__ = ["land", "run"]


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder):
    return [
        f"{path} {stat.S_IMODE(path.lstat().st_mode):o}"
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]


@pytest.mark.usefixtures("open_umask")
def test_a_night_leaves_nothing_that_others_may_read(land, run, settings):
    land(DAY, record(), record(uscc="wrong"))
    settings.data_dir.chmod(0o755)
    assert run(DAY).state == "published"
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
    made_by_the_night = [path for path in open_to_others(settings.data_dir) if "/raw/" not in path]
    assert [path for path in made_by_the_night if "/landed" not in path and "/quarantine" not in path] == []


def test_what_an_older_version_left_open_is_closed(tmp_path):
    for name in ("raw", "editions", "not_ours"):
        (tmp_path / name).mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    close_to_others(tmp_path, None)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path, *tmp_path.iterdir())}
    assert modes == {tmp_path.name: 0o700, "raw": 0o700, "editions": 0o700, "not_ours": 0o755}


def test_a_folder_that_everybody_writes_into_is_left_alone_and_warned_of(tmp_path, caplog):
    tmp_path.chmod(0o1777)
    close_to_others(tmp_path, None)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777
    assert "belongs to another user or is open to all" in caplog.text
    tmp_path.chmod(0o700)


def test_the_named_group_may_read_editions_and_nothing_else(land, run, settings, monkeypatch):
    group = grp.getgrgid(os.getgid()).gr_name
    land(DAY, record())
    run(DAY)
    monkeypatch.setattr("ledger.files.group_id", lambda _: os.getgid())
    close_to_others(settings.data_dir, group)
    land(DAY + timedelta(days=1), record(revenue="11.00"))
    monkeypatch.setenv("JIFEN_READERS_GROUP", group)
    assert Settings(_env_file=None).readers_group == group
    modes = {
        name: stat.S_IMODE((settings.data_dir / name).stat().st_mode) for name in ("", "editions", "raw", "landed")
    }
    assert modes == {"": 0o710, "editions": 0o750, "raw": 0o700, "landed": 0o700}


def test_a_group_that_is_not_there_is_an_error_of_the_settings(tmp_path):
    with pytest.raises(SettingsError, match="no group nobody_has_this"):
        close_to_others(tmp_path, "nobody_has_this")


def test_what_was_left_half_written_is_swept_and_nothing_else(tmp_path):
    left = [
        "raw/ab/.ab12.zst.0f.part",
        "landed/tax/statements/.batch=2025-06-30-001.staged.parquet",
        "quarantine/tax/statements/.batch=2025-06-30-001.jsonl.part",
        "returns/2025-06-30/.tax.csv.0f.part",
        "editions/.current.123",
        "logs/.2025-06-30-0f.openlineage.jsonl.0f.part",
        "metrics/jifen.prom.12.34",
        ".ledger.id.0f.part",
        "splits/.a..b.parquet.part",
    ]
    stay = [
        "raw/ab/ab12.zst",
        "landed/tax/statements/batch=2025-06-30-001/part-0.parquet",
        "raw/ab/x.part",
        "metrics/jifen.prom",
    ]
    for name in (*left, *stay):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "editions" / ".current.124").symlink_to(tmp_path / "raw")
    assert sweep_parts(tmp_path) == len(left) + 1
    assert not [*(tmp_path / "editions").iterdir()]
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(stay)


@pytest.mark.parametrize("held", ["-----BEGIN PGP PRIVATE KEY BLOCK-----\ncanary", "canary" * 100, "AGE-KEY-1canary"])
def test_a_key_that_was_put_in_place_of_its_path_is_not_repeated(held):
    with pytest.raises(ConfigError, match="the key file that its variable names is not there") as told:
        require_own(Path(held), "bank_a", 0o077)
    assert "canary" not in sentence(told.value)
