"""`jifen ledger` and `jifen edition verify` as a person runs them, upon a store that somebody tampered with."""

import json

import pytest
from sqlalchemy import delete, update

from ledger.journal import append, head
from ledger.store import open_ledger
from ledger.tables import editions, journal
from tests.command_line import jifen
from tests.unit.refusing import record
from tests.unit.test_past import DAY, land, run

__all__ = ["land", "run"]


@pytest.fixture
def command(settings, tmp_path, land, run, monkeypatch):
    """A command upon a folder in which a night published."""
    land(DAY, record())
    assert run(DAY).state == "published"
    monkeypatch.undo()
    env = {"JIFEN_DATA_DIR": str(settings.data_dir), "JIFEN_ENV_FILE": "", "JIFEN_OPERATOR": "wang", "COLUMNS": "200"}

    def one(*words):
        done = jifen(*words, env=env, cwd=tmp_path)
        return done.returncode, " ".join((done.stdout + done.stderr).decode().split())

    return one


def test_a_sound_ledger_is_whole_and_its_head_is_told(command, settings):
    code, said = command("ledger", "verify", "--json")
    told = json.loads(said)
    assert (code, told["findings"], told["manifests"]) == (0, [], 1)
    assert told["sha256"] == head(open_ledger(settings)).sha256
    assert command("ledger", "verify")[1].startswith("whole")
    assert command("edition", "verify")[1].startswith("whole")
    assert json.loads(command("ledger", "show", "--json")[1])[0]["kind"] == "bound"


def test_what_was_tampered_with_is_told_and_ends_with_exit_code_1(command, settings):
    with open_ledger(settings).begin() as connection:
        connection.execute(update(editions).values(recipe_sha256="forged"))
    code, said = command("ledger", "verify")
    assert code == 1
    assert "recipe_sha256 is 'forged', the journal says" in said
    with open_ledger(settings).begin() as connection:
        connection.execute(update(journal).where(journal.c.sequence == 1).values(content="{}"))
    code, said = command("edition", "verify")
    assert code == 1
    assert "wrong the ledger: entry 1 (bound) is not what was written" in said


def test_what_was_cut_off_the_journal_since_the_last_edition_shows_by_the_manifest_of_a_package(command, settings):
    ledger = open_ledger(settings)
    with ledger.begin() as connection:
        append(connection, "given_up", {"key": "bank_a.1", "why": "to be hidden"})
    at = head(ledger)
    package = settings.data_dir / "deliveries" / "bank_a" / "000002"
    package.mkdir(parents=True)
    (package / "manifest.json").write_text(json.dumps({"journal_head": {"sequence": at.sequence, "sha256": at.sha256}}))
    (package.parent / "000003").mkdir()
    (package.parent / "000003" / "manifest.json").write_text("cut sh")
    assert json.loads(command("ledger", "verify", "--json")[1])["manifests"] == 2
    with ledger.begin() as connection:
        connection.execute(delete(journal).where(journal.c.sequence == at.sequence))
    code, said = command("ledger", "verify")
    assert code == 1
    assert f"ends at entry {at.sequence - 1}; package bank_a.2 was made when it had {at.sequence}" in said


def test_a_folder_that_was_restored_is_refused_and_bound_again_by_a_person(command, settings):
    (settings.data_dir / "ledger.id").unlink()
    code, said = command("status")
    assert code == 1
    assert "jifen ledger bind --why TEXT" in said
    assert "Traceback" not in said
    assert command("ledger", "bind", "--why", "restored")[0] == 0
    assert command("edition", "list")[0] == 0
    assert command("ledger", "verify")[0] == 0
