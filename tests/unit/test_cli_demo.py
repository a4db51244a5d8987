"""`jifen demo` and `jifen sandbox up`: options that do not go together."""

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.command import require_known
from cli.entry import CommandError
from cli.sandbox import SERVER_HOME
from flows.prefect_server import SERVER_LOG


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


def test_a_demo_leaves_a_folder_alone_that_no_demo_made(tmp_path, monkeypatch):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("cli.demo.run_demo", lambda *_: 0)
    (tmp_path / "ledger.sqlite").write_bytes(b"of a real installation")
    done = CliRunner().invoke(app, ["demo"], env={"COLUMNS": "400"})
    assert (done.exit_code, "holds ledger.sqlite, which no demo made" in done.output) == (2, True), done.output
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]
    (tmp_path / SERVER_HOME).mkdir()
    (tmp_path / SERVER_HOME / SERVER_LOG).touch()
    again = CliRunner().invoke(app, ["demo"], env={"COLUMNS": "400"})
    assert (again.exit_code, f"keeps all it makes in {tmp_path}" in again.output) == (0, True), again.output


def test_an_unknown_name_among_many_is_answered_by_those_most_like_it():
    known = [f"rankings.check_{number}" for number in range(100)]
    with pytest.raises(CommandError, match=r"no check rankings\.chek_7 among 100; most like it: .*rankings\.check_7"):
        require_known("check", ["rankings.chek_7"], known)
    with pytest.raises(CommandError, match=r"there are a, b$"):
        require_known("check", ["c"], ["a", "b"])
    require_known("check", ["rankings.check_7"], known)
