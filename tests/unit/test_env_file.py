"""`.env`: what is read from where, and what wins."""

import os
from pathlib import Path

import pytest

from ledger.env_file import SettingsError, env_file, load_env_file, open_to_others
from ledger.settings import PROJECT_DIR, Settings

NAMES = ("A_PASSWORD", "JIFEN_DATA_DIR", "JIFEN_ZONE_FILE", "JIFEN_RETRY_SECONDS", "JIFEN_APPROVERS_FILE")


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A folder to work in, and an environment that is put back."""
    for name in (*NAMES, "JIFEN_ENV_FILE"):
        # Set first: what a test loads into a variable that was unset before would stay.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A_PASSWORD=plain", "plain"),
        ("A_PASSWORD=a$b${HOME}", "a$b${HOME}"),
        ("A_PASSWORD='a b # c'", "a b # c"),
        ("export A_PASSWORD=plain", "plain"),
        ("\ufeffA_PASSWORD=behind a mark", "behind a mark"),
        ("A_PASSWORD=\r\n", ""),
        ("A_PASSWORD=密码", "密码"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_value_is_what_stands_there(line, value):
    Path(".env").write_text(line, encoding="utf-8")
    load_env_file()
    assert os.environ["A_PASSWORD"] == value


@pytest.mark.usefixtures("folder")
def test_the_environment_wins_also_by_an_empty_value(monkeypatch):
    Path(".env").write_text("A_PASSWORD=file\nJIFEN_RETRY_SECONDS=7\n")
    monkeypatch.setenv("A_PASSWORD", "")
    load_env_file()
    assert (os.environ["A_PASSWORD"], Settings().retry_seconds) == ("", 7)


def test_paths_are_meant_from_the_folder_of_the_file_wherever_a_process_runs(folder, monkeypatch):
    (folder / "project").mkdir()
    (folder / "project" / "own.env").write_text("JIFEN_ZONE_FILE=zone.yml\nJIFEN_APPROVERS_FILE=approvers.yml\n")
    monkeypatch.setenv("JIFEN_ENV_FILE", "project/own.env")
    load_env_file()
    settings = Settings()
    assert (settings.data_dir, settings.zone_file) == (folder / "project" / "data", folder / "project" / "zone.yml")
    assert settings.approvers_file == folder / "project" / "approvers.yml"


@pytest.mark.usefixtures("folder")
def test_the_file_of_this_folder_comes_before_that_of_the_project_and_none_can_be_asked_for(monkeypatch):
    assert env_file() in (None, PROJECT_DIR / ".env")
    Path(".env").write_text("")
    assert env_file() == Path(".env")
    monkeypatch.setenv("JIFEN_ENV_FILE", "")
    assert load_env_file() is None


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, r"gone\.env: cannot be read: No such file.*Whose: config"), (b"A=\xff", "is not UTF-8")],
)
@pytest.mark.usefixtures("folder")
def test_a_file_that_cannot_be_read_is_told(monkeypatch, content, told):
    monkeypatch.setenv("JIFEN_ENV_FILE", "gone.env")
    if content is not None:
        Path("gone.env").write_bytes(content)
    with pytest.raises(SettingsError, match=told):
        load_env_file()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("A_PASSWORD=old\nB=1\nA_PASSWORD=new\n", "line 3: A_PASSWORD stands twice, with two values"),
        ('A_PASSWORD="open\n', "line 1: is no NAME=value"),
        ("B=1\nA_PASSWORD\n", "line 2: is no NAME=value"),
        ("A-PASSWORD=1\n", "line 1: is no NAME=value"),
        ("Ａ_PASSWORD=1\n", "line 1: is no NAME=value"),
        ("$env:A_PASSWORD='1'\n", "line 1: is no NAME=value"),
        ("A_PASSWORD=1\0\n", "line 1: is no NAME=value"),
        ("A_PASSWORD=same\nA_PASSWORD='same'\n", None),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_name_that_stands_for_two_values_stands_for_none(content, told):
    Path(".env").write_text(content, encoding="utf-8")
    if told is None:
        load_env_file()
    else:
        with pytest.raises(SettingsError, match=told):
            load_env_file()


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
@pytest.mark.usefixtures("folder")
def test_others_than_the_owner_are_warned_of(mode, warned):
    Path(".env").write_text("")
    Path(".env").chmod(mode)
    assert bool(open_to_others(Path(".env"))) == warned


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("JIFEN_DATA_DIR", "", "no path of a folder"),
        ("JIFEN_DATA_DIR", "$HOME/data", "no variable is put in"),
        ("JIFEN_DATA_DIR", "%USERPROFILE%/data", "no variable is put in"),
        ("JIFEN_DATA_DIR", "C:\\data", "no path of a folder"),
        ("JIFEN_DATA_DIR", '"data"', "stands in quotation marks"),
        ("JIFEN_DATA_DIR", "data\r", "a blank or a line end around it"),
        ("JIFEN_DATA_DIR", "da\u200bta", "a character that cannot be seen"),
        ("JIFEN_DATA_DIR", "~nobody-of-that-name/data", "a user that this machine does not have"),
        ("JIFEN_LEDGER_URL", "sqlite:///ledger.sqlite\r", "a blank or a line end around it"),
        ("JIFEN_ZONE_FILE", "'zone.yml'", "stands in quotation marks"),
        ("JIFEN_TIME_ZONE", "Etc/GMT+8", "eight hours behind UTC"),
        ("JIFEN_RETRY_SECONDS", "120000", "less than or equal to 86400"),
        ("JIFEN_DATADIR", "data", "no setting is called JIFEN_DATADIR.*rename it to JIFEN_DATA_DIR"),
        ("JIFEN_ZONE_FLIE", "zone.yml", "rename it to JIFEN_ZONE_FILE"),
        ("JIFEN_SIGNING_KEY", "edition.key", "rename it to JIFEN_SIGNING_KEY_FILE"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_setting_that_a_slip_would_change_or_hide_is_refused(monkeypatch, name, value, told):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=told):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JIFEN_DATA_DIR", "data of 50% $"),
        ("JIFEN_DATA_DIR", "数据"),
        ("JIFEN_TIME_ZONE", "PRC"),
        ("JIFEN_RETRY_SECONDS", "1e3"),
        ("JIFEN_BACKUP_DIR", "of a program of the operator's own"),
        ("JIFEN_BANK_KEY_FILE", "a variable that a sink names"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_setting_that_only_looks_odd_is_taken(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    Settings()


def test_a_name_like_that_of_a_setting_is_free_where_the_setting_is_set(folder, monkeypatch):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(folder))
    monkeypatch.setenv("JIFEN_DATA_DIR_OLD", "before")
    assert Settings().data_dir == folder
