"""A ledger of an older version is brought up to this one with all its rows; one of a newer version is refused."""

import subprocess
import sys

import pytest
from sqlalchemy import select, text

from ledger.settings import PROJECT_DIR
from ledger.store import open_ledger
from ledger.tables import SCHEMA_VERSION, ledger_version
from tests.command_line import jifen
from tests.old_ledgers import NAMES, content, not_as_new, write_old


@pytest.fixture
def settings(settings):
    settings.data_dir.mkdir()
    return settings


OPEN = (
    "import sys\nfrom pathlib import Path\nfrom ledger.settings import Settings\nfrom ledger.store import open_ledger\n"
    "settings = Settings(data_dir=Path(sys.argv[1]), _env_file=None)\nsys.stdin.readline()\nopen_ledger(settings)\n"
)


@pytest.mark.parametrize("name", NAMES)
def test_an_older_ledger_is_migrated_with_all_its_rows(settings, name):
    before = write_old(settings.resolved_ledger_url, name, settings.data_dir)
    ledger = open_ledger(settings)
    assert not_as_new(ledger) == []
    assert content(ledger, before) == before
    with ledger.begin() as connection:
        assert connection.execute(select(ledger_version.c.version)).scalar_one() == SCHEMA_VERSION
        assert connection.execute(text("select origin from batches")).scalar_one() == "pull"
        assert connection.execute(text("select voided from pages")).scalar_one() == 0


def test_a_step_that_fails_leaves_the_ledger_as_it_was(settings, monkeypatch):
    before = write_old(settings.resolved_ledger_url, "version_2", settings.data_dir)

    def broken(_op):
        raise ValueError("broken")

    monkeypatch.setattr("ledger.migrations.to_3.upgrade", broken)
    with pytest.raises(RuntimeError, match="broken"):
        open_ledger(settings)
    monkeypatch.undo()
    assert content(open_ledger(settings), before) == before


def test_alembic_is_not_imported_by_who_has_nothing_to_migrate(settings):
    open_ledger(settings)
    code = OPEN + "print(*sorted(name for name in sys.modules if name.partition('.')[0] == 'alembic'))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(settings.data_dir)],
        cwd=PROJECT_DIR,
        input="\n",
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", [None, "version_1", "version_2"])
def test_many_processes_may_open_a_new_or_old_ledger_at_once(settings, name):
    if name:
        write_old(settings.resolved_ledger_url, name, settings.data_dir)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(settings.data_dir)],
            cwd=PROJECT_DIR,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [(process.communicate()[1], process.returncode) for process in started] == [("", 0)] * 6
    assert not_as_new(open_ledger(settings)) == []


COMMANDS = (
    ("status",),
    ("run",),
    ("edition", "list"),
    ("edition", "show"),
    ("edition", "verify"),
    ("quarantine", "list"),
    ("quarantine", "discard", "0123456789abcdef", "--why", "x"),
    ("source", "plan"),
    ("source", "pull", "tax"),
    ("returns", "list"),
    ("programme", "changes"),
    ("ruleset", "check"),
    ("identity", "list"),
    ("simulate", "--out", "out"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_newer_ledger_is_refused_by_every_command_in_one_sentence(settings, ledger, tmp_path, words):
    with ledger.begin() as connection:
        connection.execute(ledger_version.update().values(version=SCHEMA_VERSION + 1))
    done = jifen(*words, env={"JIFEN_DATA_DIR": str(settings.data_dir), "JIFEN_ENV_FILE": ""}, cwd=tmp_path)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode not in (0, 2), said
    assert f"of version {SCHEMA_VERSION + 1}" in said
    assert "Next: use the jifen that wrote it" in " ".join(said.split())
    assert "Traceback" not in said
