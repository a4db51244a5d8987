import pytest

from ledger.settings import Settings
from tests import command_line


@pytest.fixture
def jifen(tmp_path):
    def run(*words, **env):
        return command_line.jifen(
            *words, env={"JIFEN_DATA_DIR": str(tmp_path / "data"), "PATH": "/usr/bin:/bin", **env}, cwd=tmp_path
        )

    return run


def test_a_key_is_made_once_and_its_public_part_is_shown(jifen, tmp_path):
    path = tmp_path / "zone.key"
    made = jifen("key", "new", str(path), "--json")
    assert made.returncode == 0, made.stderr
    assert path.read_text().splitlines()[1] not in made.stdout.decode()
    shown = jifen("key", "show", "--json", JIFEN_SIGNING_KEY_FILE=str(path))
    assert shown.returncode == 0, shown.stderr
    assert (tmp_path / "zone.key.pub").read_text().splitlines()[1] in shown.stdout.decode()
    again = jifen("key", "new", str(path))
    assert again.returncode == 1
    assert "is there already" in again.stderr.decode()


def test_without_a_key_it_says_so(jifen):
    done = jifen("key", "show")
    assert done.returncode == 1
    assert "jifen key new PATH" in done.stderr.decode()
    assert Settings(_env_file=None).known_keys_file is None
