"""`jifen demo` and `jifen sandbox up`: options that do not go together."""

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.command import require_known
from cli.entry import CommandError


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo", "--data", "real"], "--population listed"),
        (["demo", "--population", "listed"], "needs --data FOLDER"),
        (["demo", "--population", "park"], "there are district and listed"),
    ],
)
def test_a_demo_with_the_wrong_options_says_so_and_starts_nothing(words, said, tmp_path, monkeypatch):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(tmp_path / "data"))
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert (done.exit_code, said in done.output) == (2, True)
    assert not (tmp_path / "data").exists()


def test_an_unknown_name_among_many_is_answered_by_those_most_like_it():
    known = [f"rankings.check_{number}" for number in range(100)]
    with pytest.raises(CommandError, match=r"no check rankings\.chek_7 among 100; most like it: .*rankings\.check_7"):
        require_known("check", ["rankings.chek_7"], known)
    with pytest.raises(CommandError, match=r"there are a, b$"):
        require_known("check", ["c"], ["a", "b"])
    require_known("check", ["rankings.check_7"], known)
