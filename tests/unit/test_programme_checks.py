"""Each check of the programme's parameters finds the fault that it is for; the project's own have none."""

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from editions import working_days
from editions.programme import SEEDS, column_types, load_programme, programme_problems, read_programme
from editions.ruleset_problems import found_by_checks
from editions.score.errors import ScoreError
from editions.score.ruleset import Ruleset, csv_rows, load, load_tables, read_seeds
from ledger.settings import PROJECT_DIR

PROJECT = PROJECT_DIR / "dbt_project"
CHECKS = {path.stem for path in (PROJECT / "checks" / "programme").glob("*.sql")} - {"_shared"}
LOAN = {"item_id": "high-enterprise-loan"}
E_LOAN = {"product_id": "points-e-guarantee"}
SCORE = {**LOAN, "fact": "score"}

# The check, the file, which rows are changed (none: one is added, made of the first), and what they then hold.
PLANTED = [
    ("credit_bands__cover", "credit_bands", {"label": "3%-5%"}, {"lo": "4"}),
    ("facts__unknown", "credit_bands", {"fact": "C03"}, {"fact": "C00"}),
    ("items__twice", "products", None, {}),
    ("items__same_days", "products", None, {"version": "2025.2"}),
    ("items__days", "policies", {"policy_id": "hnte-reward"}, {"valid_to": "2024-12-31"}),
    ("items__gap", "products", None, {"version": "2026.1", "valid_from": "2026-01-02", "valid_to": "2026-12-31"}),
    ("items__words", "rewards", {"reward_id": "talent-flats"}, {"name_en": ""}),
    ("items__id", "rewards", None, {"reward_id": "Talent Flats"}),
    ("items__no_condition", "rewards", None, {"reward_id": "new-reward"}),
    ("items__no_case", "programme_cases", {**LOAN, "expected": "near_miss"}, {"expected": "no"}),
    ("conditions__item", "programme_conditions", SCORE, {"version": "2024.9"}),
    ("conditions__twice", "programme_conditions", SCORE, {"condition_no": "1"}),
    ("facts__unknown", "programme_conditions", SCORE, {"fact": "scores"}),
    ("facts__unknown", "reward_orders", {"reward_id": "talent-flats", "place": "1"}, {"fact": "C99"}),
    ("facts__not_a_number", "product_prices", E_LOAN, {"fact": "stage"}),
    ("facts__twice", "programme_facts", None, {"fact": "C05"}),
    ("facts__words", "programme_facts", {"fact": "score"}, {"kind": "integer"}),
    ("facts__no_column", "programme_facts", None, {"fact": "employees"}),
    ("conditions__what", "programme_conditions", SCORE, {"one_of": "50"}),
    ("conditions__what", "programme_conditions", {**LOAN, "fact": "tax_grade"}, {"none_of": ""}),
    ("conditions__edges", "programme_conditions", SCORE, {"hi": "40", "inclusive_hi": "true"}),
    ("conditions__edges", "programme_conditions", SCORE, {"inclusive_lo": ""}),
    ("conditions__edges", "programme_conditions", SCORE, {"near": "-1"}),
    (
        "conditions__contradict",
        "programme_conditions",
        {**LOAN, "fact": "revenue_cny"},
        {"fact": "score", "lo": "", "inclusive_lo": "", "hi": "50", "inclusive_hi": "false"},
    ),
    ("conditions__words", "programme_conditions", SCORE, {"text_zh": ""}),
    ("conditions__texts", "programme_conditions", {**LOAN, "fact": "tax_grade"}, {"none_of": "D; E"}),
    ("cases__item", "programme_cases", LOAN, {"version": "2024.9"}),
    ("cases__twice", "programme_cases", None, {}),
    ("cases__expected", "programme_cases", {**LOAN, "case_no": "3"}, {"expected": "maybe"}),
    ("cases__limit", "programme_cases", {**LOAN, "case_no": "1"}, {"limit_cny": ""}),
    ("cases__facts", "programme_cases", {**LOAN, "case_no": "1"}, {"facts": "score=5e1"}),
    ("cases__facts", "programme_cases", {**LOAN, "case_no": "1"}, {"facts": "scores=50"}),
    ("cases__facts_twice", "programme_cases", {**LOAN, "case_no": "1"}, {"facts": "score=50; score=60"}),
    ("bands__overlap", "product_limits", {"lo_cny": "20000000"}, {"lo_cny": "19999999.99"}),
    ("bands__gap", "product_prices", {"product_id": "high-enterprise-loan", "lo": "60"}, {"lo": "61"}),
    ("bands__gap", "product_limits", {"hi_cny": ""}, {"hi_cny": "300000000"}),
    ("bands__no_product", "product_uplifts", {"product_id": "green-channel-loan"}, {"version": "2024.9"}),
    ("bands__none", "product_prices", E_LOAN, {"product_id": "green-channel-loan"}),
    ("limits__shares", "product_limits", E_LOAN, {"share_pct": "10"}),
    ("limits__no_basis", "product_limits", E_LOAN, {"hi_cny": "1000"}),
    ("uplifts__range", "product_uplifts", {"lo": "95"}, {"uplift_pct": "-1"}),
    ("prices__base", "product_prices", E_LOAN, {"base": "lpr_5y"}),
    ("rates__days", "reference_rates", {"valid_from": "2025-05-20"}, {"valid_to": ""}),
    ("rates__cover", "reference_rates", {"valid_from": "2025-05-20"}, {"valid_from": "2025-05-21"}),
    ("products__what", "products", E_LOAN, {"pattern": "threshold"}),
    ("products__what", "products", E_LOAN, {"min_limit_cny": "10000000.01"}),
    ("products__marketing", "products", E_LOAN, {"marketing_from": "2024-12-31"}),
    ("policies__what", "policies", {"policy_id": "hnte-reward"}, {"confirm_days": "0"}),
    ("policies__claims", "policies", {"policy_id": "hnte-reward"}, {"claim_to": "2026-01-01"}),
    ("relations__unknown", "policy_relations", {"relation": "requires"}, {"other_policy_id": "rd-growth-award"}),
    (
        "relations__chain",
        "policy_relations",
        {"policy_id": "hnte-reward"},
        {"relation": "requires", "other_policy_id": "rd-growth-award"},
    ),
    ("relations__contradict", "policy_relations", None, {"relation": "requires"}),
    ("rewards__what", "rewards", {"reward_id": "model-enterprise"}, {"top_pct": "5"}),
    ("rewards__order", "reward_orders", {"reward_id": "model-enterprise", "place": "1"}, {"place": "4"}),
    ("orders__what", "reward_orders", {"reward_id": "model-enterprise", "place": "1"}, {"direction": "up"}),
    ("measures__basis", "restriction_measures", {"event_type": "serious_dishonesty"}, {"legal_basis": ""}),
    ("measures__policy", "restriction_measures", {"measure_id": "policy-incentives"}, {"measure_id": "incentives"}),
    ("lists__days", "public_lists", {"list_id": "innovation-points"}, {"publicity_days": "0"}),
    ("lists__days", "public_lists", {"list_id": "innovation-points"}, {"decide_days": "0"}),
    ("lists__days", "public_lists", {"list_id": "innovation-points"}, {"objections_to": ""}),
    ("list_bands__turn", "public_list_bands", {"band_no": "2"}, {"top_pct": "4"}),
    ("list_bands__turn", "public_list_bands", {"band_no": "3"}, {"band_no": "4"}),
    ("list_bands__list", "public_list_bands", None, {"version": "2024.9"}),
    ("items__same_days", "public_lists", None, {"version": "2025.2"}),
    ("measures__same_days", "restriction_measures", None, {"version": "2025.2"}),
    ("alternatives__alone", "programme_conditions", {"fact": "title_champion", "any_of": "title"}, {"any_of": "titel"}),
    ("conditions__reach", "programme_conditions", SCORE, {"lo": "-1"}),
    ("conditions__reach", "programme_conditions", SCORE, {"lo": "500"}),
    ("conditions__reach", "programme_conditions", SCORE, {"fact": "core_score", "lo": "101"}),
    ("conditions__reach", "programme_conditions", SCORE, {"near": "60"}),
    ("conditions__reach", "programme_conditions", {"fact": "title_hnte"}, {"near": "1"}),
    ("conditions__reach", "product_prices", {"product_id": "high-enterprise-loan", "lo": "80"}, {"lo": "800"}),
    ("conditions__known_texts", "programme_conditions", {**LOAN, "fact": "tax_grade"}, {"none_of": "d"}),
    ("conditions__known_texts", "programme_cases", {**LOAN, "case_no": "1"}, {"facts": "tax_grade=E"}),
    ("conditions__texts", "programme_conditions", {**LOAN, "fact": "tax_grade"}, {"none_of": "C；D"}),
    ("keys__alike", "reference_rates", {"valid_from": "2024-10-21"}, {"rate": "LPR_1Y"}),
    ("keys__alike", "subsidy_programmes", {"programme_id": "lease-2024"}, {"firm_cap_group": "loan_and_leas"}),
    ("keys__alike", "pool_uplifts", {"uplift": "key_firm", "agreement_id": "zone-bank_a-g1"}, {"uplift_group": "fir"}),
    ("amounts__unit", "products", E_LOAN, {"max_limit_cny": "300", "min_limit_cny": "20"}),
    ("amounts__unit", "product_limits", {"lo_cny": "20000000"}, {"lo_cny": "2000"}),
    ("rates__days", "reference_rates", {"valid_from": "2025-05-20"}, {"rate_pct": "0.03"}),
    ("rates__days", "reference_rates", {"valid_from": "2025-05-20"}, {"rate_pct": "300"}),
    ("prices__base", "product_prices", {"base": "fixed"}, {"rate_pct": "0.0435"}),
    ("products__what", "products", E_LOAN, {"term_months": "500000"}),
    ("policies__what", "policies", {"policy_id": "hnte-reward"}, {"confirm_days": "300000"}),
    ("rewards__order", "rewards", {"reward_id": "model-enterprise"}, {"places": ""}),
    ("rewards__order", "reward_orders", {"reward_id": "model-enterprise", "place": "1"}, {"place": "0"}),
    ("relations__unknown", "policy_relations", {"relation": "requires"}, {"other_policy_id": ""}),
    ("measures__basis", "restriction_measures", {"event_type": "serious_dishonesty"}, {"version": ""}),
    ("figures__what", "figure_definitions", None, {}),
    ("figures__what", "figure_definitions", {"figure": "needs_posted"}, {"datasets": ""}),
    ("figures__what", "figure_definitions", {"figure": "needs_posted"}, {"datasets": "finance.need"}),
    ("titles__unknown", "subsidy_programmes", {"programme_id": "loan-2025"}, {"title_required": "tech-sme"}),
]


def changed_rows(file: str, rows: dict[str, str] | None, values: dict[str, str]) -> list[dict[str, str]]:
    """The rows of a file of the project, some of them changed, or one added."""
    held = list(csv_rows(PROJECT / SEEDS / f"{file}.csv"))
    values = {name: text or None for name, text in values.items()}
    if rows is None:
        return [*held, {**held[0], **values}]
    rows = {name: text or None for name, text in rows.items()}
    assert any(rows.items() <= row.items() for row in held)
    return [{**row, **values} if rows.items() <= row.items() else row for row in held]


@pytest.fixture
def changed(tmp_path: Path):
    def change(file: str, rows: dict[str, str] | None, values: dict[str, str]) -> Path:
        seeds, held = tmp_path / "seeds", changed_rows(file, rows, values)
        shutil.copytree(PROJECT / SEEDS, seeds)
        with (seeds / f"{file}.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(held[0]))
            writer.writeheader()
            writer.writerows(held)
        return seeds

    return change


@pytest.fixture(scope="module")
def loaded() -> Iterator[tuple[duckdb.DuckDBPyConnection, Ruleset, dict[str, dict[str, str]]]]:
    """The project's rule sets and programme as `programme_problems` loads them, once for all faults."""
    with duckdb.connect() as connection:
        load(connection, read_seeds(PROJECT))
        programme = read_programme(PROJECT)
        load_programme(connection, programme, PROJECT)
        yield connection, programme, column_types(PROJECT)


def test_the_project_s_own_programme_has_no_problem():
    assert programme_problems(PROJECT) == []


@pytest.mark.parametrize(
    ("check", "file", "rows", "values"), PLANTED, ids=lambda part: part if isinstance(part, str) else ""
)
def test_a_planted_fault_is_found_by_the_check_that_is_for_it(loaded, tmp_path, check, file, rows, values):
    connection, programme, types = loaded
    # This check alone: all of them take twenty times as long.
    project = tmp_path / "dbt_project"
    (project / "checks" / "programme").mkdir(parents=True)
    for part in (
        "../connectors",
        "models",
        "checks/_shared.sql",
        *(f"checks/programme/{one}.sql" for one in ("_shared", check)),
    ):
        (project / part).symlink_to(PROJECT / part)
    about, zh, en = (
        line.removeprefix("-- ")
        for line in (PROJECT / "checks" / "programme" / f"{check}.sql").read_text(encoding="utf-8").splitlines()[:3]
    )
    tables = {**programme.tables, file: changed_rows(file, rows, values)}
    connection.execute(f"begin; drop table {file}")
    try:
        load_tables(connection, replace(programme, tables=tables), {file: types[file]})
        problems = found_by_checks(connection, project, "programme")
    finally:
        connection.execute("rollback")
    assert {one.file for one in problems} == {about.partition(":")[0].format(file=file)}
    assert all(one.problem_en.startswith(en.partition("{")[0]) for one in problems)
    assert all(one.problem_zh.startswith(zh.partition("{")[0]) for one in problems)


def test_a_proposed_file_is_checked_in_place_of_the_project_s_own(changed):
    (found,) = programme_problems(PROJECT, changed("rewards", {"reward_id": "talent-flats"}, {"name_en": ""}))
    assert found.row_key == "reward, talent-flats, 2025.1"


def test_every_check_has_a_planted_fault():
    assert {check for check, *_ in PLANTED} == CHECKS


@pytest.mark.parametrize(
    ("file", "values", "said"),
    [
        ("product_limits", {"share_pct": "0.12345"}, "'0.12345' is not a decimal"),
        ("products", {"valid_from": "2025/1/1"}, "'2025/1/1' is not a date"),
        ("products", {"is_addition": "false "}, "'false ' has a blank or a line end around it"),
        ("programme_conditions", {"any_of": "title "}, "'title ' has a blank or a line end around it"),
    ],
)
def test_a_cell_that_its_column_cannot_hold_exactly_is_refused_with_its_place(changed, file, values, said):
    with pytest.raises(ScoreError, match=said):
        programme_problems(PROJECT, changed(file, {}, values))


@pytest.mark.parametrize("word", ["true", "TRUE", "True", "1"])
def test_a_day_is_worked_however_a_sheet_writes_true(changed, monkeypatch, word):
    seeds = changed("working_day_exceptions", {"day": "2025-01-26"}, {"is_working": word})
    monkeypatch.setattr(working_days, "SEEDS", seeds)
    # From Friday on; the Sunday is a working day.
    assert working_days.add_working_days(date(2025, 1, 24), 1) == date(2025, 1, 26)


def test_a_file_with_another_column_is_refused(changed):
    with pytest.raises(ScoreError, match=r"products\.csv has other columns .* has 'colour' too many"):
        programme_problems(PROJECT, changed("products", {}, {"colour": "red"}))


@pytest.mark.parametrize("name", ["Products.CSV", "products.csv.txt", "products.xlsx"])
def test_a_proposed_file_under_another_name_is_not_passed_over(tmp_path, name):
    (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(ScoreError, match=rf"the programme has no {name}"):
        programme_problems(PROJECT, tmp_path)


@pytest.mark.parametrize(
    ("text", "said", "what_next"),
    [
        (
            "product_id,version\n",
            r"products\.csv has other columns .*: it lacks valid_from, .*provenance, and",
            "product_id,",
        ),
        ("product_id,version\na,b\n", r"products\.csv has other columns .* it lacks valid", "write the header"),
        ("", r"products\.csv has other columns .*: it lacks product_id", "write the header"),
        ("{header}\n", r"products\.csv has a header and no row", "leave the file out"),
        ("{header},version\n", r"products\.csv has other columns .* has 'version' too many", "write the header"),
    ],
)
def test_a_proposed_file_of_a_header_alone_or_of_other_columns_is_refused(tmp_path, text, said, what_next):
    header = (PROJECT / SEEDS / "products.csv").read_text(encoding="utf-8").partition("\n")[0]
    (tmp_path / "products.csv").write_text(text.format(header=header), encoding="utf-8")
    with pytest.raises(ScoreError, match=said) as refused:
        programme_problems(PROJECT, tmp_path)
    assert what_next in str(refused.value)
