"""A rule set's folder: what may be left out, and what is refused before anything is scored."""

import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from editions.ruleset_problems import problems_in
from editions.score.errors import ScoreError
from editions.score.export import export_ruleset
from editions.score.ruleset import known_rulesets, load, read_folder, read_seeds, table_schemas
from editions.score.run import Place, RulesetProblemsError, problems_of, read_ruleset, score
from ledger.settings import PROJECT_DIR

PROJECT = PROJECT_DIR / "dbt_project"
SEEDS = PROJECT / "seeds" / "rulesets"
CHINESE = re.compile("[\u3000-\u9fff\uff00-\uffef]")
FILES = {
    "indicators.csv": "indicator_code,name_zh\nC01,甲\n",
    "weights.csv": "indicator_code,weight\nC01,100\n",
    "rules.csv": "indicator_code,function,lo,hi,share_at_lo\nC01,step,,5,0\nC01,step,5,,1\n",
}


@pytest.fixture
def folder(tmp_path: Path):
    def write(**changes) -> Path:
        found = tmp_path / "mine"
        found.mkdir(exist_ok=True)
        for name, text in (FILES | {f"{name}.csv": text for name, text in changes.items()}).items():
            if text is not None:
                (found / name).write_text(text, encoding="utf-8")
        return found

    return write


def tables_of(folder: Path) -> dict[str, list[dict]]:
    with duckdb.connect() as connection:
        load(connection, read_folder(folder))
        return {table: connection.execute(f'from "{table}"').to_arrow_table().to_pylist() for table in table_schemas()}


def test_the_schema_names_the_seeds_files_and_the_documentation_every_column():
    told = (PROJECT_DIR / "docs" / "rule-sets.md").read_text(encoding="utf-8")
    for table, schema in table_schemas().items():
        assert list(schema.types) == (SEEDS / f"{table}.csv").read_text("utf-8-sig").splitlines()[0].split(",")
        assert {*schema.needed, *schema.defaults} <= set(schema.columns)
        columns = () if table in ("ruleset_levels", "ruleset_inputs") else schema.columns
        assert [name for name in (schema.file, *columns) if f"`{name}`" not in told] == []


def test_what_is_left_out_is_as_documented(folder):
    tables = tables_of(folder())
    (ruleset,) = tables["rulesets"]
    assert (ruleset["ruleset_id"], ruleset["title_en"], ruleset["aggregation"]) == ("mine", "mine", "points")
    assert ruleset["weights_total"] is None
    (indicator,) = tables["ruleset_indicators"]
    assert (indicator["name_zh"], indicator["name_en"], indicator["class"]) == ("甲", "C01", "all")
    assert [row["stage"] for row in tables["ruleset_stages"]] == ["all"]
    assert {row["stage"] for row in tables["ruleset_weights"] + tables["ruleset_rules"]} == {"*"}
    assert {row["treatment"] for row in tables["ruleset_missing"]} == {"rebase"}
    assert len(tables["ruleset_missing"]) == 5


@pytest.mark.parametrize("name", ["Stages.CSV", "stages.csv.txt", "stages.xlsx", "stages.tsv"])
def test_a_file_under_another_name_is_not_passed_over(folder, name):
    (folder() / name).write_text("stage\nsmall\n", encoding="utf-8")
    with pytest.raises(ScoreError) as refused:
        read_folder(folder())
    assert f"a rule set has no file {name}" in str(refused.value)


def test_what_only_lies_beside_the_files_is_nothing(folder):
    for name in ("README.md", ".DS_Store", "weights.csv.bak", "weights.xlsx"):
        (folder() / name).write_text("x", encoding="utf-8")
    assert read_folder(folder()).name == "mine"


@pytest.mark.parametrize(
    ("columns", "cells", "labels"),
    [
        ("label", "好", ("好", "好")),
        ("label_en", "good", ("good", "good")),
        ("label,label_en", "好,good", ("好", "good")),
        ("label_en,label", "good,", ("good", "good")),
        ("label,label_en", ",", (None, None)),
    ],
)
def test_a_label_of_one_language_stands_for_the_other(folder, columns, cells, labels):
    rules = f"indicator_code,function,share_at_lo,{columns}\nC01,step,1,{cells}\n"
    (rule,) = tables_of(folder(rules=rules))["ruleset_rules"]
    assert (rule["label"], rule["label_en"]) == labels


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rules": None}, "has no rules.csv"),
        ({"weights": "indicator_code,weigth\nC01,1\n"}, "a column 'weigth' that no rule set has"),
        ({"weights": "indicator_code\nC01\n"}, "lacks weight"),
        ({"weights": "indicator_code,weight\nC01,\n"}, "weight is empty"),
        ({"weights": "indicator_code,weight\nC01,1,2\n"}, "a row of 3 cells under 2 columns"),
        ({"weights": "indicator_code,weight\nC01,0.1234567\n"}, "'0.1234567' is not a decimal"),
        ({"weights": "indicator_code,weight\nC01,1e2\n"}, "'1e2' is not a decimal"),
        ({"rules": "indicator_code,function,share_at_lo,inclusive_lo\nC01,step,1,maybe\n"}, "'maybe' is not a boolean"),
        ({"ruleset": "valid_from\n01.02.2020\n"}, "'01.02.2020' is not a date"),
        ({"ruleset": "valid_from\n20250101\n"}, "'20250101' is not a date"),
        ({"ruleset": "valid_from\n2025-W01-1\n"}, "'2025-W01-1' is not a date"),
        ({"ruleset": "valid_from\n0225-01-01\n"}, "'0225-01-01' is not a date"),
        ({"indicators": "indicator_code,name_zh\nC01,甲 \n"}, "'甲 ' has a blank or a line end around it"),
        ({"indicators": "indicator_code,name_zh\nC01\u200b,甲\n"}, "holds a character that cannot be seen"),
        ({"indicators": "indicator_code,best_of\nC01,#N/A\n"}, "'#N/A' is what a sheet shows in place of a value"),
        ({"indicators": "indicator_code,best_of\nC01,NULL\n"}, "'NULL' is a word for nothing"),
        ({"indicators": "indicator_code,unit\nC01,1.23E+17\n"}, "'1.23E+17' is what a sheet makes of a number"),
        ({"indicators": "indicator_code,class\nC01,3月1日\n"}, "'3月1日' is what a sheet makes of a number or a code"),
        ({"indicators": "indicator_code,class\nC01,'012\n"}, "stands within the signs of a sheet"),
        ({"indicators": "indicator_code,class\nC01,'rd'\n"}, "stands within the signs of a sheet"),
        ({"indicators": "indicator_code,class\nC01,Ｃ＿１\n"}, "'Ｃ＿１' is written in full-width letters"),
        ({"weights": "indicator_code,weight\nC01,5\u00a0\n"}, "row 1, column weight"),
        ({"ruleset": "note\na\nb\n"}, "ruleset.csv has 2 rows, not 1"),
        ({"rulez": "indicator_code\nC01\n"}, "a rule set has no file rulez.csv"),
        ({"weights": "indicator_code,weight \nC01,1\n"}, "a column 'weight ' that no rule set has"),
        ({"weights": "indicator_code,weight\nC01,100\n,\n"}, "weights.csv has a row in which nothing stands"),
    ],
)
def test_a_folder_that_is_not_a_rule_set_is_refused(folder, changes, told):
    with pytest.raises(ScoreError) as refused:
        tables_of(folder(**changes))
    assert told in str(refused.value)
    assert "Whose: config" in str(refused.value)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ('C01"; drop table points; --', "letters, digits and _ only"),
        ("1C", "letters, digits and _ only"),
        ("a b", "letters, digits and _ only"),
        ("C" * 31, "30 at most"),
        ("select", "a reserved word of SQL cannot be an indicator's code"),
        ("stage", "a column of ours cannot be an indicator's code: uscc, stage, enterprise_id"),
    ],
)
def test_no_sql_is_made_of_a_code_that_is_more_than_a_name(folder, tmp_path, code, told):
    quoted = '"' + code.replace('"', '""') + '"'
    files = {name.removesuffix(".csv"): text.replace("C01", quoted) for name, text in FILES.items()}
    (tmp_path / "values.csv").write_text("id,C01\na,1\n")
    with pytest.raises(RulesetProblemsError, match=told) as refused:
        score(str(folder(**files)), tmp_path / "values.csv", tmp_path / "out", Place(PROJECT_DIR, tmp_path))
    assert {(one.file, one.row_key) for one in refused.value.problems} == {("indicators.csv", f"mine, {code}")}
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {
                "rules": "indicator_code,function,lo,hi,inclusive_lo,inclusive_hi,share_at_lo,share_at_hi\n"
                "C01,count_weighted,,1,,false,0,\nC01,count_weighted,1,1,true,true,0.2,0.6\n"
                "C01,count_weighted,1,,false,,1,\n"
            },
            "a segment of a single value is flat",
        ),
        (
            {
                "rules": "indicator_code,function,lo,hi,inclusive_lo,share_at_lo\n"
                "C01,step,,99999999999999.999999,,0\nC01,step,99999999999999.999999,,true,1\n"
            },
            "an edge lies beyond 99,999,999,999,999.99 on either side",
        ),
        ({"stages": "stage,max_age_months\nyoung,3000000\nold,\n"}, "an age limit is between 1 and 1,200 months"),
        ({"indicators": "indicator_code,class,class_zh\nC01,rd,研发\nC02,r,研发\n"}, "one class has two names, or two"),
        (
            {"indicators": "indicator_code,class,class_zh\nC01,rd,研发\nC02,rd,增长\n"},
            "one class has two names, or two",
        ),
        ({"inputs": "indicator_code,source,dataset,years_back\nC01,a,b,999\n"}, "years_back is between 0 and 10"),
        (
            {"weights": "indicator_code,weight,deduction\nC01,100,20\n"},
            "belongs to an indicator of function deduct or veto",
        ),
        (
            {
                "weights": "indicator_code,weight,deduction\nC01,100,2000\n",
                "rules": FILES["rules.csv"].replace("step", "deduct"),
            },
            "takes away no more points than there are in all",
        ),
        (
            {"conditions": "condition_code,measure,lo,inclusive_lo,hi,inclusive_hi\nk,score,60,true,60,false\n"},
            "no value lies within its bounds",
        ),
        (
            {"conditions": "condition_code,measure,lo,inclusive_lo,hi,inclusive_hi\nk,score,600,,,\n"},
            "the lower bound is above 100.0",
        ),
        (
            {"conditions": "condition_code,measure,lo,inclusive_lo,hi,inclusive_hi\nk,points:C01,1000,,,\n"},
            "the lower bound is above 100.0",
        ),
        (
            {"conditions": "condition_code,measure,lo,route\nk,score,60,points\nl,points:C01,0,POINTS\n"},
            "differs from POINTS in letter case",
        ),
        (
            {"conditions": "condition_code,measure,lo,route\nk,score,60,points\nl,points:C01,0,point\n"},
            "differs from point in letter case",
        ),
        ({"indicators": "indicator_code,best_of\nC01,rights\n"}, "is the only indicator of its best_of"),
        ({"ruleset": "minimum_points_available\n8000\n"}, "above all points that there are: no enterprise"),
        ({"ruleset": "young_firm_months\n99999999\n"}, "young_firm_months between 0 and 1,200"),
    ],
)
def test_what_the_models_could_not_hold_is_refused_before_anything_is_scored(folder, changes, told):
    with duckdb.connect() as connection:
        load(connection, read_folder(folder(**changes)))
        problems = problems_in(connection, PROJECT, is_asked=True)
    assert [one for one in problems if told in one.problem_en], problems


@pytest.mark.parametrize(("route", "other"), [("I", "II"), ("1.1", "11"), ("route-VII", "route-VIII"), ("a", "b")])
def test_words_that_are_numbered_are_not_alike(folder, route, other):
    conditions = f"condition_code,measure,lo,route\nk,score,60,{route}\nl,points:C01,0,{other}\n"
    with duckdb.connect() as connection:
        load(connection, read_folder(folder(conditions=conditions)))
        problems = problems_in(connection, PROJECT, is_asked=True)
    assert not [one for one in problems if "differs from" in one.problem_en], problems


def test_a_code_is_judged_within_its_own_rule_set_and_each_fault_is_named_once(folder):
    own = read_folder(folder(indicators="indicator_code\nA\na_Status\nB\nb\n"))
    other = [{"ruleset_id": "other", "indicator_code": code} for code in ("A", "B_status", "Order")]
    both = replace(own, tables=own.tables | {"ruleset_indicators": [*own.tables["ruleset_indicators"], *other]})
    with duckdb.connect() as connection:
        load(connection, both)
        problems = problems_in(connection, PROJECT, is_asked=True)
    found = [(one.row_key, one.problem_en.split(":")[0]) for one in problems if " code " in f" {one.problem_en} "]
    assert found == [
        ("mine, a_Status", "a code cannot be another one with an ending of ours"),
        ("mine, b", "duplicate code in the rule set (case is ignored)"),
        ("other, Order", "a reserved word of SQL cannot be an indicator's code"),
    ]


@pytest.mark.parametrize(
    ("ruleset_id", "changes", "told"),
    [
        ("national-2024", {"valid_to": "2022-12-31"}, "365 days without a rule set before zhongkai-2024"),
        ("national-2024", {"scheme": "POINTS"}, "in letter case, signs or one letter alone: it would not be used"),
        ("zhongkai-2024", {"scheme": "point"}, "in letter case, signs or one letter alone: it would not be used"),
        ("sme-tech", {"scheme": None}, "no scheme"),
    ],
)
def test_a_rule_set_that_would_not_be_in_force_is_named(ruleset_id, changes, told):
    own = read_seeds(PROJECT)
    rows = [{**row, **changes} if row["ruleset_id"] == ruleset_id else row for row in own.tables["rulesets"]]
    found = problems_of(replace(own, tables={**own.tables, "rulesets": rows}), Place(PROJECT_DIR, PROJECT_DIR))
    assert [one for one in found if one.file == "rulesets.csv" and told in one.problem_en], found


def test_a_folder_says_whether_it_states_its_first_day(folder):
    assert not read_folder(folder()).is_dated
    assert not read_folder(folder(ruleset="valid_from,note\n,a\n")).is_dated
    assert read_folder(folder(ruleset="valid_from\n2000-01-01\n")).is_dated


def test_a_file_of_a_rule_set_that_is_not_utf8_says_how_to_save_it(folder):
    written = folder()
    (written / "indicators.csv").write_bytes("indicator_code,name_zh\nC01,研发\n".encode("gbk"))
    with pytest.raises(ScoreError, match=r"indicators\.csv cannot be read: it is not UTF-8.*另存为 → CSV UTF-8"):
        read_folder(written)


def test_every_rule_set_of_the_project_is_a_folder_too(tmp_path):
    for row in known_rulesets(PROJECT):
        own = read_seeds(PROJECT, str(row["ruleset_id"]))
        export_ruleset(own, tmp_path / own.name)
        assert {table: list(rows) for table, rows in read_folder(tmp_path / own.name).tables.items() if rows} == {
            table: list(rows) for table, rows in own.tables.items() if rows
        }
    with pytest.raises(ScoreError, match="is there already"):
        export_ruleset(own, tmp_path / own.name)


def test_what_the_seeds_say_in_english_is_english_and_in_chinese_chinese():
    both = [("name_zh", "name_en"), ("label", "label_en"), ("reason_zh", "reason_en"), ("class_zh", "class_en")]
    said = {
        (table, zh): [(row[zh], row[en]) for row in rows if row[zh] or row[en]]
        for table, rows in read_seeds(PROJECT).tables.items()
        for zh, en in both
        if rows and zh in rows[0]
    }
    assert {("ruleset_levels", "name_zh"), ("ruleset_rules", "label")} <= set(said)
    for place, pairs in said.items():
        unsaid = [pair for pair in pairs if not (pair[0] and pair[1])]
        mixed = [pair for pair in pairs if pair[1] and CHINESE.search(pair[1])]
        untranslated = [pair for pair in pairs if pair[0] == pair[1]]
        assert (place, unsaid, mixed, untranslated) == (place, [], [], [])
    units = {(row["unit"], row["unit_en"]) for row in read_seeds(PROJECT).tables["ruleset_indicators"]}
    assert [pair for pair in units if CHINESE.search(pair[1] or "?")] == []


def test_an_unknown_rule_set_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(ScoreError, match="one of: national-2024"):
        read_ruleset("national-2042", Place(PROJECT_DIR, tmp_path))
