"""The folder that scoring writes: nothing of anybody else's is lost, and what cannot be written is told at once."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from editions.score.errors import ScoreError
from editions.score.out import OURS, draft_beside, require_ours
from editions.score.run import Place, score
from editions.score.work_folder import RUNNING, keep, work_folder
from ledger.settings import PROJECT_DIR

EXAMPLE = PROJECT_DIR / "docs" / "examples" / "step-table"
KILLED = """
import os, signal, sys
from pathlib import Path
from editions.score.work_folder import work_folder
with work_folder(Path(sys.argv[1]), "jifen-score-") as folder:
    (folder / "warehouse").write_text("values")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A folder as `jifen score` writes it."""
    out = tmp_path / "out"
    out.mkdir()
    for name in OURS:
        (out / name).write_text("ours")
    return out


def test_a_folder_of_ours_an_empty_one_and_none_may_be_written(ours, tmp_path):
    require_ours(ours)
    require_ours(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    require_ours(tmp_path / "empty")


@pytest.mark.parametrize("name", ["thesis.txt", ".hidden", "rankings.xlsx", "points.csv.bak", "a folder/points.csv"])
def test_a_folder_that_holds_anything_else_is_never_written_over(ours, name):
    (ours / name).parent.mkdir(exist_ok=True)
    (ours / name).write_text("ten years of work")
    with pytest.raises(ScoreError, match="which is not ours") as refused:
        score(str(EXAMPLE / "ruleset"), EXAMPLE / "values.csv", ours, Place(PROJECT_DIR, ours.parent))
    assert repr(name.split("/")[0]) in str(refused.value)
    assert (ours / name).read_text() == "ten years of work"
    assert {path.name for path in ours.parent.iterdir()} == {"out"}


def test_a_name_of_ours_is_not_enough(ours, tmp_path):
    (ours / "points.csv").unlink()
    (ours / "points.csv").mkdir()
    with pytest.raises(ScoreError, match=r"'points\.csv', which is not ours"):
        require_ours(ours)
    other = tmp_path / "other"
    other.mkdir()
    (other / "points.csv").write_text("somebody's own table of that name")
    with pytest.raises(ScoreError, match=r"'points\.csv', which is not ours"):
        require_ours(other)
    with pytest.raises(ScoreError, match="is a file"):
        require_ours(other / "points.csv")
    with pytest.raises(ScoreError, match="a disk is mounted there"):
        require_ours(Path("/"))


@pytest.mark.parametrize("where", ["{tmp}/values.csv/out", "/proc/nope", "{tmp}/loop/out", "{tmp}/" + "long" * 99])
def test_a_folder_that_cannot_be_written_is_told_before_anything_is_scored(tmp_path, monkeypatch, where):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("editions.score.run.build_upon", lambda *_, **__: pytest.fail("it was scored"))
    (tmp_path / "values.csv").write_text("id,staff\na,1\n")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    words = ["--ruleset", str(EXAMPLE / "ruleset"), "--values", str(tmp_path / "values.csv")]
    done = CliRunner().invoke(app, ["score", *words, "--out", where.format(tmp=tmp_path)])
    assert done.exit_code == 2, done.output
    assert all(part in done.stderr for part in ("cannot be written", "Where: ", "Whose: usage", "Next: --out"))


def test_what_the_system_says_while_a_draft_is_made_is_told(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(ScoreError, match="out cannot be written: Permission denied"), draft_beside(tmp_path / "a/out"):
        pytest.fail("there is no draft")
    assert list(tmp_path.iterdir()) == []


def test_a_draft_stands_beside_the_folder_that_a_link_names_and_goes(ours, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(ours)
    with draft_beside(link) as draft:
        assert (draft.out, draft.folder.parent) == (ours, tmp_path)
    with pytest.raises(ZeroDivisionError), draft_beside(tmp_path / "not" / "there" / "yet"):
        raise ZeroDivisionError
    assert {path.name for path in tmp_path.iterdir()} == {"out", "elsewhere"}


def test_the_folder_of_a_call_that_was_killed_goes_with_the_next_call_and_no_other_does(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=PROJECT_DIR, check=False)
    assert done.returncode == -9
    (left,) = tmp_path.iterdir()
    strange = tmp_path / "jifen-score-of-somebody"
    strange.mkdir()
    with work_folder(tmp_path, "jifen-score-") as first, work_folder(tmp_path, "jifen-score-") as second:
        assert {*tmp_path.iterdir()} == {strange, first, second}
        keep(second)
    assert not left.exists()
    with work_folder(tmp_path, "jifen-score-"):
        assert {strange, second} < {*tmp_path.iterdir()}
    assert {*tmp_path.iterdir()} == {strange, second}


def test_a_link_is_not_followed_to_what_it_names(tmp_path):
    (tmp_path / "dear").mkdir()
    (tmp_path / "dear" / RUNNING).touch()
    (tmp_path / "jifen-score-link").symlink_to(tmp_path / "dear")
    with work_folder(tmp_path, "jifen-score-"):
        pass
    assert (tmp_path / "dear" / RUNNING).exists()
