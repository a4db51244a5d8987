"""`jifen demo` and `jifen sandbox up`: options that do not go together."""

import pytest
from typer.testing import CliRunner

from cli.app import app


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
