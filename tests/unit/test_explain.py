"""`jifen explain`: from the sealed tables alone, down to the record and its raw page, and quickly."""

import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.entry import explain_is_asked
from cli.explain_text import _since, _value, in_words
from connectors.raw import keep_raw, raw_path
from connectors.source_files import read_sources
from editions.explain import EnterpriseUnknownError, _moved, explain
from ledger.data_folder import data_folder
from ledger.settings import PROJECT_DIR, Settings
from tests import command_line
from tests.unit.explained import (
    CLOSED,
    COUNTED,
    EVIDENCED,
    FIRST,
    MORE,
    PAGE,
    RECORD,
    SECOND,
    seal_one,
    with_more_points,
)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """Two data folders: with an edition as they were before there was any evidence, and with the one after it too.

    In that one an enterprise has two points more, and the page behind its figure is at hand.
    """
    folder = tmp_path_factory.mktemp("sealed")
    old = seal_one(folder / "old", "2025-06-29-aaa", COUNTED)
    shutil.copytree(folder / "old", folder / "full", symlinks=True)
    changes = with_more_points(2, f"indicator_code = 'C01' and uscc = '{FIRST}'") + COUNTED
    changes += EVIDENCED.replace("<page>", keep_raw(folder / "full", PAGE))
    seal_one(folder / "full", "2025-06-30-bbb", changes, old.name, MORE)
    return folder


@pytest.fixture
def old(sealed, tmp_path):
    shutil.copytree(sealed / "old", tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "editions" / "2025-06-29-aaa"


@pytest.fixture
def full(sealed, tmp_path):
    shutil.copytree(sealed / "full", tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "editions" / "2025-06-30-bbb"


@pytest.fixture
def jifen(tmp_path, monkeypatch):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*words):
        done = command_line.jifen("explain", *words, env=os.environ, cwd=Path.cwd())
        return CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def test_an_indicator_has_its_records_its_peers_and_what_would_change_it(full):
    (line, _) = explain(full, FIRST).indicators
    (record,) = line["evidence"]
    assert (record["source"], record["record_ref"], str(record["dated_on"])) == ("tax", f"{FIRST}|2024", "2025-05-20")
    assert (line["peers"]["median_points"], line["peers"]["peers"]) == (Decimal(3), 6)
    assert line["change_en"] == "at 2000: 1 more"


def test_what_cost_most_is_as_sealed_or_of_an_older_edition_worked_out(full):
    old = full.with_name("2025-06-29-aaa")
    assert [row["indicator_code"] for row in explain(full, SECOND).costliest] == ["C09", "C01"]
    assert [row["points_lost"] for row in explain(old, SECOND).costliest] == [Decimal(48), Decimal(32)]


def test_the_edition_before_tells_what_changed_and_by_which_indicator(full):
    previous = explain(full, FIRST).previous
    assert (previous.edition_id, previous.is_same_ruleset) == ("2025-06-29-aaa", True)
    (change,) = previous.changes
    assert change == {
        "indicator_code": "C01",
        "points_then": Decimal(4),
        "points_now": Decimal(6),
        "value_then": Decimal("100.5"),
        "value_now": Decimal("100.5"),
        "change": Decimal(2),
        "moved": ["calculation"],
    }
    assert previous.ranking["rank_overall"] == 6
    assert explain(full, SECOND).previous.changes == ()


def test_an_indicator_that_was_not_counted_then_changes_by_what_it_gives_now(tmp_path, old):
    counted = with_more_points(5, "points is null") + COUNTED
    now = seal_one(tmp_path, "2025-06-30-ccc", counted, old.name, ruleset="zhongkai-2024")
    previous = explain(now, "91441300MA00000006").previous
    assert [(row["points_then"], row["points_now"], row["change"]) for row in previous.changes] == [
        (None, Decimal(5), Decimal(5))
    ]
    assert not previous.is_same_ruleset


BASE = {
    "value": 1,
    "supply_status": "supplied",
    "stage": "growth",
    "weight": 6,
    "points_maximum": 6,
    "function": "step",
}


@pytest.mark.parametrize(
    ("then", "now", "is_same_ruleset", "moved"),
    [
        ({}, {"weight": 7}, False, ["rule"]),
        ({}, {}, False, ["rule"]),
        ({}, {"value": 2}, False, ["value"]),
        ({}, {"value": 2, "weight": 7}, False, ["value", "rule"]),
        ({}, {"value": 2}, True, ["value"]),
        ({"value": None, "supply_status": "record_not_supplied"}, {}, True, ["value"]),
        ({}, {"stage": "stable"}, True, ["stage"]),
        ({"function": "percentile_in_peer"}, {"function": "percentile_in_peer"}, True, ["peers"]),
        ({}, {"points_maximum": 5}, True, ["others"]),
        ({}, {}, True, ["calculation"]),
    ],
)
def test_what_moved_is_told_apart(then, now, is_same_ruleset, moved):
    assert _moved(BASE | then, BASE | now, is_same_ruleset=is_same_ruleset) == moved


def test_an_indicator_that_only_one_rule_set_has_is_a_move_of_the_rule():
    assert _moved({}, BASE, is_same_ruleset=False) == _moved(BASE, {}, is_same_ruleset=False) == ["rule"]


def test_people_read_that_the_rule_moved_and_not_the_enterprise(tmp_path, old):
    now = with_more_points(2, f"indicator_code = 'C01' and uscc = '{FIRST}'") + COUNTED
    found = explain(seal_one(tmp_path, "2025-06-30-eee", now, old.name, ruleset="zhongkai-2025"), FIRST)
    names = {row["indicator_code"]: "" for row in found.indicators}
    told = "\n".join(_since(found.previous, found.ranking, names))
    assert "规则变动，企业数据未变 the rule moved, not the enterprise" in told


def test_an_edition_before_that_is_lost_is_told_as_none(tmp_path):
    assert explain(seal_one(tmp_path, "2025-06-30-ddd", COUNTED, "2025-06-01-gone"), FIRST).previous is None


def test_what_an_older_edition_has_not_is_none_and_not_empty(old):
    found = explain(old, FIRST)
    assert (found.class_totals, found.verdicts, found.data_flags, found.previous) == (None, None, None, None)
    assert [(line["evidence"], line["peers"]) for line in found.indicators] == [(None, None)] * 2


def test_one_indicator_is_asked_for_in_any_case_and_an_unknown_one_is_told(full):
    assert [line["indicator_code"] for line in explain(full, FIRST, "c09").indicators] == ["C09"]
    with pytest.raises(EnterpriseUnknownError, match="there are: C01, C09"):
        explain(full, FIRST, "C77")


def test_a_folder_with_marks_in_its_name_is_a_folder(tmp_path):
    odd = tmp_path / "a[1]*'x=2"
    assert explain(seal_one(odd, "2025-06-30-eee", COUNTED), FIRST).edition_id == "2025-06-30-eee"


@pytest.mark.usefixtures("full")
def test_people_read_the_place_the_costs_the_classes_and_the_change(jifen):
    done = jifen(FIRST.lower())
    assert (done.returncode, done.stderr) == (0, "")
    for told in (
        "甲科技有限公司",
        "6 / 6",
        "技术创新 innovation",
        "C09 -54",
        "at 2000: 1 more",
        "100 → 3 (6)",
        "✗ pass 及格 passed: 10",
        "Q5 警告 warning: 口径 caliber",
        "2025-06-29-aaa",
        "C01 +2: 4 → 6  研发费用金额 R&D expense",
        "阶段 stage 成长期 growth stage",
        "核心 core",
        f"jifen explain {FIRST} --indicator CODE",
    ):
        assert told in done.stdout


@pytest.mark.usefixtures("full")
def test_people_read_what_the_two_figures_of_the_peers_are_in_both_views(jifen):
    assert "同阶段中位 stage median: 数值 value → 得分 points (家 n peers)" in jifen(FIRST).stdout
    one = jifen(FIRST, "--indicator", "C01").stdout
    assert "同阶段中位 stage median 数值 value 100 → 得分 points 3 (6 家 peers)" in one


def test_a_unit_of_ten_thousand_is_not_written_as_a_product_and_one_alike_is_written_once():
    row = {"value": Decimal("4.730"), "unit": "万元", "unit_en": "x 10,000 CNY"}
    assert _value(row, "unit", "unit_en") == "4.73 万元 (10,000 CNY)"
    assert _value({**row, "unit": "%", "unit_en": "%"}, "unit", "unit_en") == "4.73 %"
    assert _value({**row, "unit": None, "unit_en": None}, "unit", "unit_en") == "4.73"
    assert _value({**row, "value": None}, "unit", "unit_en") is None


def test_every_ground_of_a_high_value_patent_is_said_in_both_languages():
    (column,) = (
        column
        for source in read_sources()
        for dataset in source.datasets
        for column in dataset.columns
        if column.name == "high_value_basis"
    )
    assert column.values
    assert all(len(in_words("level", ground).split(" ", 1)) == 2 for ground in column.values)


@pytest.mark.usefixtures("old")
def test_people_read_that_an_older_edition_lacks_a_table(jifen):
    assert "not in this edition" in jifen(FIRST).stdout
    assert "not in this edition" in jifen(FIRST, "--indicator", "C01").stdout


@pytest.mark.usefixtures("full")
def test_one_indicator_is_shown_with_the_very_record_behind_it(jifen, tmp_path):
    page = raw_path(tmp_path, keep_raw(tmp_path, PAGE))
    shown = jifen(FIRST, "--indicator", "C01", "--raw")
    assert shown.returncode == 0, shown.stderr
    for told in (f"{FIRST}|2024", str(page), "2025-05-20", "[0, 1000)", '"yffy": "1005000.00"'):
        assert told in shown.stdout
    told = json.loads(jifen(FIRST, "--indicator", "C01", "--raw", "--json").stdout)
    assert told["indicators"][0]["evidence"][0]["record"] == RECORD
    assert "previous" not in told


@pytest.mark.usefixtures("full")
def test_a_page_that_is_lost_says_what_to_restore(jifen, tmp_path):
    raw_path(tmp_path, keep_raw(tmp_path, PAGE)).unlink()
    lost = jifen(FIRST, "--indicator", "C01", "--raw")
    assert lost.returncode == 1
    assert lost.stderr.startswith("not_found raw object")
    assert "restore" in lost.stderr
    assert jifen(FIRST, "--indicator", "C01").returncode == 0


@pytest.mark.usefixtures("full")
def test_programs_read_decimals_as_text_and_the_reason_of_a_miss(jifen):
    told = json.loads(jifen(FIRST, "--json").stdout)
    assert told["indicators"][0]["points"] == "6.000000"
    assert told["previous"]["changes"][0]["change"] == "2.000000"
    missed = jifen("91441300MA99999999", "--json")
    assert (missed.returncode, json.loads(missed.stdout)["state"]) == (1, "not_found")


@pytest.mark.usefixtures("full")
def test_an_enterprise_that_is_not_scored_is_told_why(jifen):
    told = jifen(CLOSED)
    assert (told.returncode, "已注销 cancelled" in told.stdout) == (0, True)
    one = jifen(CLOSED, "--indicator", "C01")
    assert (one.returncode, one.stdout) == (1, "")
    assert "was not scored" in one.stderr


@pytest.mark.usefixtures("full")
def test_the_data_folder_may_be_named_in_the_env_file(jifen, monkeypatch, tmp_path):
    monkeypatch.delenv("JIFEN_DATA_DIR")
    monkeypatch.delenv("JIFEN_ENV_FILE")
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    (tmp_path / "there/.env").write_text("OTHER=1\n")
    assert "Next: jifen run" in jifen(FIRST).stderr
    (tmp_path / "there/.env").write_text("OTHER=1\nJIFEN_DATA_DIR=..\n")
    assert jifen(FIRST).stdout.startswith("甲科技有限公司")
    monkeypatch.setenv("JIFEN_DATA_DIR", "elsewhere")
    assert "Next: jifen run" in jifen(FIRST).stderr


@pytest.mark.usefixtures("full", "jifen")
def test_a_reader_that_has_read_enough_is_no_fault():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-P", "-c", "from cli.entry import main; main()", "explain", FIRST]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_no_edition_yet_is_told(jifen):
    assert "Next: jifen run" in jifen(FIRST).stderr


@pytest.mark.usefixtures("full", "jifen")
def test_the_command_line_proper_leads_to_the_same_answer():
    done = CliRunner().invoke(app, ["explain", FIRST, "--indicator", "C01", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["indicators"][0]["indicator_code"] == "C01"
    assert "explain" in CliRunner().invoke(app, ["--help"]).output


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["explain", "X"], True),
        (["--data-dir", "d", "explain", "X"], True),
        (["--data-dir=d", "explain", "X"], True),
        (["--data-dir", "explain"], False),
        (["status", "explain"], False),
        ([], False),
    ],
)
def test_the_short_way_is_for_explain_alone(words, asked):
    assert explain_is_asked(words) is asked


@pytest.mark.parametrize("named", ["data", "~/x", "a/../b", None])
def test_the_data_folder_is_the_one_of_the_settings(monkeypatch, named):
    monkeypatch.delenv("JIFEN_DATA_DIR", raising=False)
    if named is not None:
        monkeypatch.setenv("JIFEN_DATA_DIR", named)
    assert data_folder() == Settings(_env_file=None).data_dir


@pytest.mark.usefixtures("full")
def test_an_explanation_imports_nothing_dear(tmp_path):
    dear = ("typer", "rich", "pyarrow", "pandas", "numpy", "sqlalchemy", "pydantic", "prefect", "dbt")
    # Each of these is a twentieth of the time or more: `duckdb` is the package around the engine.
    dear += ("duckdb", "inspect", "hashlib", "yaml", "dotenv", "logging")
    code = (
        "import sys; from cli.explain import run; "
        f"run(['--data-dir', {str(tmp_path)!r}, 'explain', '{FIRST}']); "
        f"run(['--data-dir', {str(tmp_path)!r}, 'explain', '{FIRST}', '--indicator', 'C01', '--json']); "
        f"sys.exit(', '.join(sorted(set({dear!r}) & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
