"""`jifen score` by the real models: to the last decimal what plain Python makes of the same folder."""

import csv
import json
import shutil
import tempfile
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.app import app
from editions.build import BuildError
from editions.score.out import OURS
from editions.score.run import Place, RulesetProblemsError, problems_of, read_ruleset, score
from ledger.settings import PROJECT_DIR
from tests.contract.random_rulesets import random_ruleset, random_values, write_csv, write_folder
from tests.contract.score_reference import Reference

EXAMPLES = PROJECT_DIR / "docs" / "examples"
HOSTILE = ["'; drop table points; --", '"quoted", "twice"', "=1+1", "<b>甲</b>", "a{uscc}b", "$1 %s \\ ;", "日本 丁"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    # One data folder for the module: dbt's parse is carried from one call to the next.
    data = tmp_path_factory.mktemp("data")
    (data / "candidates").mkdir()
    return Place(PROJECT_DIR, data)


def rows_of(folder: Path, table: str) -> list[dict]:
    return pq.read_table(folder / f"{table}.parquet", partitioning=None).to_pylist()


def reference(tables, values) -> Reference:
    by_id: dict[str, dict[str, dict[str, str]]] = {}
    for row in values:
        by_id.setdefault(row["id"], {})[row["indicator_code"]] = row
    return Reference(
        tables,
        {one: {c: Decimal(r["value"]) if r["value"] else None for c, r in rows.items()} for one, rows in by_id.items()},
        {one: {c: r["supply_status"] or "supplied" for c, r in rows.items()} for one, rows in by_id.items()},
        {one: next(iter(rows.values()))["stage"] for one, rows in by_id.items()},
    )


@pytest.mark.parametrize("is_mean", [False, True], ids=["points", "weighted means"])
@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 10**6))
def test_random_rule_sets_score_as_plain_python_does(tmp_path_factory, place, is_mean, seed):
    folder = tmp_path_factory.mktemp("random")
    tables = random_ruleset(seed, is_mean=is_mean)
    values = random_values(seed, tables, rows=150)
    write_folder(folder / "ruleset", tables)
    write_csv(folder / "values.csv", values)
    score(str(folder / "ruleset"), folder / "values.csv", folder / "out", place)
    wanted = reference(tables, values)
    found = {(row["id"], row["indicator_code"]): row["points"] for row in rows_of(folder / "out", "points")}
    assert found == wanted.points()
    ranked = {r["id"]: (r["points_total"], r["score"], r["rank_overall"]) for r in rows_of(folder / "out", "rankings")}
    assert ranked == wanted.rankings()


@pytest.fixture(scope="module")
def index(tmp_path_factory, place):
    """The example of an index, scored."""
    example, out = EXAMPLES / "innovation-index", tmp_path_factory.mktemp("index") / "out"
    assert score(str(example / "ruleset"), example / "values.csv", out, place).written.ranked == 5
    return out


def test_the_example_of_an_index_is_what_its_document_says(index):
    ranked = rows_of(index, "rankings")
    assert {row["stage_basis"] for row in ranked} == {"only_stage"}
    # Nobody stated a day, so none is said.
    assert {(row["as_of"], row["reporting_year"]) for row in ranked} == {(None, None)}
    scores = {row["id"]: row["score"] for row in ranked}
    assert {name: str(score) for name, score in scores.items()} == {
        "A": "57.4118",
        "B": "100.0000",
        "C": "28.4000",
        "D": "0.0000",
        "E": "35.2155",
    }
    parts = {row["indicator_code"]: row for row in rows_of(index, "points") if row["id"] == "C"}
    # Half way on a log scale; an indicator that is missing gives its part of the class to the others.
    assert parts["INC"]["points"] == Decimal(10)
    assert parts["EXP"]["points"] is None
    assert parts["PAT"]["points_maximum"] == Decimal(40)


def test_the_order_of_rows_and_the_form_of_the_file_change_no_byte(tmp_path, index, place):
    example = EXAMPLES / "innovation-index"
    with (example / "values.csv").open(encoding="utf-8", newline="") as handle:
        wide = list(csv.DictReader(handle))
    write_csv(tmp_path / "upside_down.csv", wide[::-1])
    with duckdb.connect() as connection:
        typed = "select * from read_csv($from, types = {'RDI': 'decimal(9, 3)', 'PAT': 'double', 'EXP': 'double'})"
        copied = f"copy ({typed}) to '{tmp_path / 'typed.parquet'}'"
        connection.execute(copied, {"from": str(tmp_path / "upside_down.csv")})
    out = tmp_path / "out"
    score(str(example / "ruleset"), tmp_path / "typed.parquet", out, place)

    def written(folder):
        return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "scored.json"}

    assert written(out) == written(index)


def test_hostile_ids_and_names_come_out_as_they_went_in(tmp_path, place):
    rows = [{"id": text, "name": text[::-1], "RDI": "1", "PAT": "2"} for text in HOSTILE]
    write_csv(tmp_path / "values.csv", rows)
    score(str(EXAMPLES / "innovation-index" / "ruleset"), tmp_path / "values.csv", tmp_path / "out", place)
    found = {row["id"]: row["enterprise_name"] for row in rows_of(tmp_path / "out", "rankings")}
    assert found == {text: text[::-1] for text in HOSTILE}
    # In CSV a spreadsheet must not run them: the apostrophe of every CSV file of ours.
    with (tmp_path / "out" / "rankings.csv").open(encoding="utf-8-sig", newline="") as handle:
        assert {row["id"] for row in csv.DictReader(handle)} == {
            "'=1+1" if text == "=1+1" else text for text in HOSTILE
        }


def test_a_rule_set_with_problems_is_refused_and_every_row_is_named(tmp_path, place):
    tables = random_ruleset(3, is_mean=False)
    first = next(row for row in tables["rules"] if row["function"] == "step" and row["lo"])
    first["share_at_lo"] = first["share_at_hi"] = "1.5"
    del tables["weights"][0]
    write_folder(tmp_path / "ruleset", tables)
    write_csv(tmp_path / "values.csv", random_values(3, tables, rows=3))
    with pytest.raises(RulesetProblemsError) as refused:
        score(str(tmp_path / "ruleset"), tmp_path / "values.csv", tmp_path / "out", place)
    named = {(problem.file, problem.problem_en) for problem in refused.value.problems}
    assert {file.removesuffix(".csv") for file, _ in named} >= {"rules", "weights"}
    assert any("share is between 0 and 1" in text for _, text in named)
    assert not (tmp_path / "out").exists()


def test_dates_and_status_of_a_folder_are_checked_as_they_were_given(tmp_path, place):
    tables = random_ruleset(3, is_mean=False)
    tables["ruleset"][0] |= {"valid_from": "2025-01-01", "valid_to": "2024-12-31", "status": "lost"}
    write_folder(tmp_path / "ruleset", tables)
    write_csv(tmp_path / "values.csv", random_values(3, tables, rows=3))
    with pytest.raises(RulesetProblemsError, match=r"ruleset\.csv \[ruleset\]") as refused:
        score(str(tmp_path / "ruleset"), tmp_path / "values.csv", tmp_path / "out", place)
    assert {(problem.file, problem.problem_en) for problem in refused.value.problems} == {
        ("ruleset.csv", "status must be active, draft or retired"),
        ("ruleset.csv", "valid_from is missing, or after valid_to"),
    }


def test_whatever_days_and_use_a_rule_set_is_meant_for_it_is_scored_by_when_asked_for(tmp_path, place):
    shutil.copytree(EXAMPLES / "step-table" / "ruleset", tmp_path / "ruleset")
    row = {"weights_total": "100", "valid_from": "2031-01-01", "status": "draft", "scheme": "some day"}
    write_csv(tmp_path / "ruleset" / "ruleset.csv", [row])
    values = EXAMPLES / "step-table" / "values.csv"
    found = score(str(tmp_path / "ruleset"), values, tmp_path / "out", place, as_of=date(2025, 6, 30))
    assert found.written.ranked == 4


def test_a_call_that_fails_is_its_own_next_command_and_leaves_no_values_behind(tmp_path, monkeypatch, place):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    for part in ("dbt_project", "connectors/sources"):
        shutil.copytree(PROJECT_DIR / part, tmp_path / part, ignore=shutil.ignore_patterns("target", "logs"))
    (tmp_path / "dbt_project/models/scoring/ranks.sql").write_text("select error('a fault of ours') as uscc")
    place = replace(place, project_dir=tmp_path)
    tables = {
        "indicators": [{"indicator_code": "C01"}],
        "weights": [{"indicator_code": "C01", "weight": "1"}],
        "rules": [{"indicator_code": "C01", "function": "step", "share_at_lo": "1"}],
    }
    write_folder(tmp_path / "my rules", tables)
    write_csv(tmp_path / "values.csv", [{"id": "a", "C01": "1"}])
    ruleset, values, out = tmp_path / "my rules", tmp_path / "values.csv", tmp_path / "out"
    with pytest.raises(BuildError, match="a fault of ours") as failed:
        score(str(ruleset), values, out, place, as_of=date(2025, 6, 30))
    again = f"`jifen score --ruleset '{ruleset}' --values {values} --out {out} --as-of 2025-06-30`"
    assert again in str(failed.value)
    assert "jifen run" not in str(failed.value)
    assert "Whose: the project, since the rule set my rules was found sound. Log: " in str(failed.value)
    assert "Next: report it with the log" in str(failed.value)
    (kept,) = (tmp_path / "tmp").iterdir()
    assert f"Kept for inspection, to be removed by hand: {kept}" in str(failed.value)
    assert {path.suffix for path in kept.rglob("*") if path.is_file()} <= {".txt", ".log", ".sql", ".csv"}
    assert not list(kept.rglob("values*"))
    shutil.rmtree(kept)
    write_csv(ruleset / "weights.csv", [{"indicator_code": "C01", "weight": "0"}])
    with pytest.raises(RulesetProblemsError, match="all weights are 0"):
        score(str(ruleset), values, out, place)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_an_indicator_that_no_model_measures_is_refused_by_name(place):
    own = read_ruleset("zhongkai-2024", place)
    tables = {name: [dict(row) for row in rows] for name, rows in own.tables.items()}
    for name in ("ruleset_indicators", "ruleset_weights", "ruleset_rules"):
        rows = [row for row in tables[name] if row["indicator_code"] == "C09"]
        tables[name] += [row | {"indicator_code": "C99", "best_of": "c"} for row in rows]
    found = problems_of(replace(own, tables=tables), place)
    named = {(one.file, one.row_key, one.problem_en) for one in found}
    assert named >= {
        ("ruleset_indicators.csv", "zhongkai-2024, C99", "no column of an ind_ model begins with c99_"),
        ("ruleset_inputs.csv", "zhongkai-2024, C99", "nothing says which datasets the indicator is made of"),
    }
    assert {code for _, code, text in named if "ind_ model" in text} == {"zhongkai-2024, C99"}


def test_a_check_judges_codes_as_scoring_does_and_names_each_fault_once(tmp_path, place):
    codes = ["select", "A", "A_status", "1C", "B", "b"]
    tables = {
        "indicators": [{"indicator_code": code, "class": "mean"} for code in codes],
        "weights": [{"indicator_code": code, "weight": "1"} for code in codes],
        "rules": [{"indicator_code": code, "function": "linear", "share_at_lo": "1"} for code in codes],
        "groups": [{"group_code": "mean", "weight": "0"}],
    }
    write_folder(tmp_path / "mine", tables)
    found = problems_of(read_ruleset(str(tmp_path / "mine"), place), place)
    named = [one.row_key for one in found if one.file == "indicators.csv" and "code" in one.problem_en]
    assert named == ["mine, 1C", "mine, A_status", "mine, b", "mine, select"]
    assert {one.problem_en for one in found if one.file == "groups.csv"} == {
        "the weight of a group must be above 0",
        "only a rule set whose aggregation is weighted_mean has groups",
    }
    (unknown,) = {one.problem_en for one in found if "unknown function" in one.problem_en}
    assert unknown.startswith("unknown function linear: one of step, linear_capped, ")
    write_csv(tmp_path / "values.csv", [{"id": "a", "A": "1"}])
    with pytest.raises(RulesetProblemsError) as refused:
        score(str(tmp_path / "mine"), tmp_path / "values.csv", tmp_path / "out", place)
    assert refused.value.problems == tuple(found)


def test_an_exported_rule_set_is_the_same_as_the_project_s_own(tmp_path, monkeypatch):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(tmp_path / "data"))
    done = CliRunner().invoke(app, ["ruleset", "export", "sme-tech", str(tmp_path / "sme-tech")])
    assert done.exit_code == 0, done.output
    where = Place(PROJECT_DIR, tmp_path / "data")
    exported, own = read_ruleset(str(tmp_path / "sme-tech"), where), read_ruleset("sme-tech", where)
    assert {table: list(rows) for table, rows in exported.tables.items()} == {
        table: list(rows) for table, rows in own.tables.items()
    }


def test_the_command_scores_the_example_of_a_step_table_as_its_document_says_and_tells_what_it_wrote(
    tmp_path, monkeypatch, place
):
    monkeypatch.setenv("JIFEN_DATA_DIR", str(place.data_dir))
    example = EXAMPLES / "step-table"
    words = ["score", "--ruleset", str(example / "ruleset"), "--values", str(example / "values.csv")]
    # A link to a folder that an earlier call wrote: it stays a link, and what it names is written anew.
    there, out = tmp_path / "there", tmp_path / "out"
    there.mkdir()
    (there / "scored.json").write_text("earlier")
    out.symlink_to(there)
    done = CliRunner().invoke(app, [*words, "--out", str(out), "--as-of", "2025-06-30", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["out"] == str(there)
    assert {path.name for path in tmp_path.iterdir()} == {"out", "there"}
    assert out.is_symlink()
    assert {path.name for path in there.iterdir()} == OURS
    assert json.loads((there / "scored.json").read_bytes())["rows"] == told["rows"]
    assert (told["scored"], told["ranked"], told["as_of"]) == (4, 4, date(2025, 6, 30).isoformat())
    assert told["top"][0]["uscc"] == "E3"
    found = {row["id"]: row for row in rows_of(there, "rankings")}
    assert {one: (row["stage"], row["points_total"]) for one, row in found.items()} == {
        "E1": ("small", Decimal(65)),
        "E2": ("large", Decimal(70)),
        "E3": ("small", Decimal(60)),
        "E4": ("small", Decimal(40)),
    }
    assert found["E3"]["points_available"] == Decimal(60)
    met = {(row["id"], row["condition_code"]): row["is_met"] for row in rows_of(there, "verdicts")}
    assert [met["E1", "total"], met["E2", "staff"], met["E4", "total"]] == [True, False, False]
    refused = CliRunner().invoke(app, [*words[:3], "--values", str(tmp_path / "nowhere.csv")])
    assert refused.exit_code == 2
