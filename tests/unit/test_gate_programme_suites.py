"""The gate's questions about the programme's tables: each passes where it should, and a planted fault blocks."""

import shutil

import duckdb
import pytest

from expectations.gate import audit
from expectations.suites import SUITES, load_suites
from tests.unit.small_programme import CONSENTS, PROGRAMME

FAULTS = {
    "subsidy_lines": {
        "one_line_per_claim_programme_and_year": [
            "insert into subsidy_lines from subsidy_lines where claim_no = '4'",
            "delete from subsidy_lines",
        ],
        "nobody_is_granted_without_meeting_every_condition": [
            "update subsidy_checks set is_met = false where claim_no = '2'",
            "update subsidy_checks set is_met = null where claim_no = '2'",
            "delete from subsidy_checks where claim_no = '2'",
            "update subsidy_lines set is_eligible = null where claim_no = '2'",
        ],
        "no_grant_is_above_the_interest_paid": [
            "update subsidy_lines set interest_fen = 899 where claim_no = '1'",
            "update subsidy_lines set interest_fen = null where claim_no = '1'",
        ],
        "no_grant_is_below_zero": [
            "update subsidy_lines set granted_fen = -1 where claim_no = '4'",
        ],
        "no_contract_is_granted_more_than_its_cap": [
            "update subsidy_programmes set contract_cap_cny = 8.99",
        ],
        "no_enterprise_is_granted_more_than_its_cap": [
            "update subsidy_programmes set firm_cap_cny = 14.99",
        ],
        "no_year_is_granted_more_than_its_budget": [
            "update subsidy_budgets set budget_cny = 14.99",
            "delete from subsidy_budgets",
        ],
        "no_receipt_is_granted_at_two_banks": [
            "update subsidy_lines set contract_no = 'r1' where claim_no = '2'",
        ],
    },
    "subsidy_pay_list": {
        "one_row_per_line_and_part": [
            "insert into subsidy_pay_list from subsidy_pay_list where claim_no = '4'",
        ],
        "parts_are_known_and_of_their_sign": [
            "update subsidy_pay_list set amount_fen = 1 where claim_no = '4'",
            "update subsidy_pay_list set part = 'gift' where claim_no = '1'",
        ],
        "nobody_ends_with_more_than_is_granted": [
            "update subsidy_pay_list set amount_fen = 121 where claim_no = '2'",
            "update subsidy_pay_list set claim_no = '9' where claim_no = '1'",
        ],
        "nothing_is_paid_before_publicity_has_passed": [
            "update subsidy_claims_known set published_on = '2025-06-24'",
            "update subsidy_claims_known set published_on = null",
            "update subsidy_claims_known set objected_on = '2025-06-05'",
        ],
        "what_is_paid_is_of_the_enterprise_of_the_line": [
            "update subsidy_pay_list set uscc = 'b' where claim_no = '1'",
        ],
        "every_payment_belongs_to_a_line": [
            "update subsidy_payments_known set policy_year = 2023",
            "update subsidy_payments_known set claim_no = '9'",
        ],
    },
    "restrictions": {
        "one_row_per_enterprise_measure_and_entry": [
            "insert into restrictions from restrictions",
            "delete from restrictions",
        ],
        "nobody_is_restricted_without_a_basis": [
            "update restrictions set entry_basis = ' '",
            "update restrictions set measure_basis = null",
            "update restrictions set document_no = ''",
            "update restrictions set issuing_body = null",
            "update restrictions set starts_on = null",
        ],
        "every_restriction_follows_from_an_entry": [
            "update restrictions set uscc = 'b'",
            "update credit_events set may_be_repaired = true",
        ],
    },
    "product_offers": {
        "one_row_per_enterprise_product_and_version": [
            "insert into product_offers from product_offers",
            "delete from product_offers",
        ],
        "only_the_eligible_are_offered_anything": [
            "update product_offers set limit_fen = 50000 where uscc = 'b'",
            "update product_offers set decision = 'eligible' where uscc = 'c'",
            "update product_offers set decision = 'perhaps' where uscc = 'c'",
            "update product_offers set conditions = 0, conditions_met = 0",
        ],
        "whoever_is_not_let_in_is_shown_a_reason": [
            "update product_offers set failing_zh = null where uscc = 'c'",
        ],
        "limits_are_within_the_product": [
            "update product_offers set limit_fen = 100001 where uscc = 'a'",
            "update product_offers set limit_fen = 9999 where uscc = 'a'",
        ],
    },
    "policy_decisions": {
        "one_row_per_enterprise_policy_and_version": [
            "insert into policy_decisions from policy_decisions",
        ],
        "only_the_eligible_are_listed": [
            "update policy_decisions set is_listed = true",
            "update policy_decisions set claim_state = 'closed'",
            "update policy_decisions set confirm_by = null",
            "update policy_decisions set conditions = 3",
        ],
    },
    "reward_places": {
        "one_row_per_enterprise_reward_and_version": [
            "insert into reward_places from reward_places",
        ],
        "no_more_are_given_than_there_are_places": [
            "update reward_places set state = 'given'",
        ],
        "nobody_is_given_a_place_before_another_who_stands_higher": [
            "update reward_places set place = 3 where uscc = 'a'",
        ],
        "only_the_eligible_are_given_one": [
            "update decisions set decision = 'no' where subject_id = 1",
        ],
    },
    "pool_claims": {
        "one_row_per_event": [
            "insert into pool_claims from pool_claims where event_no = '4'",
        ],
        "parts_add_up_to_the_amount": [
            "update pool_claims set guarantor_fen = 399 where event_no = '1'",
        ],
        "the_pool_pays_and_gets_its_own_share_alone": [
            "update pool_claims set pool_change_fen = 40 where event_no = '4'",
            "update pool_claims set pool_change_fen = -401 where event_no = '2'",
        ],
        "no_loss_is_compensated_or_recovered_beyond_itself": [
            "update pool_claims set loss_fen = 100",
        ],
    },
    "pool_positions": {
        "one_row_per_pool_scope_and_party": [
            "insert into pool_positions from pool_positions where scope = 'bank'",
        ],
        "no_pool_is_below_zero": [
            "update pool_positions set pool_fen = -1 where scope = 'pool'",
        ],
    },
    "credit_reports": {
        "one_row_per_enterprise": [
            "insert into credit_reports from credit_reports",
            "delete from credit_reports",
        ],
        "restrictions_are_those_of_the_lists": [
            "update credit_reports set restrictions = 1 where uscc = 'b'",
            "update credit_reports set restrictions = 0",
        ],
        "no_mobile_numbers": [
            "update credit_reports set tax_grade = '电话13812345678'",
        ],
        "no_identity_numbers": [
            "update credit_reports set tax_grade = '441300199001011234'",
        ],
    },
    "need_states": {
        "one_row_per_need": [
            "insert into need_states from need_states where need_no = '1'",
            "delete from need_states",
        ],
        "every_need_posted_is_there": [
            "delete from need_states where need_no = '3'",
        ],
        "a_state_was_reported_or_follows_from_the_days": [
            "update need_states set state = 'drawn' where need_no = '2'",
            "update need_states set bank = 'bank_b' where need_no = '2'",
            "update need_states set last_day = as_of where need_no = '3'",
        ],
        "only_what_still_seeks_a_bank_is_open": [
            "update need_states set is_open = true where need_no = '2'",
            "update need_states set last_day = '2025-06-29' where need_no = '1'",
        ],
    },
    "need_offers": {
        "one_row_per_need_product_and_version": [
            "insert into need_offers from need_offers",
            "delete from need_offers",
        ],
        "offers_are_of_open_needs_of_the_same_enterprise": [
            "update need_offers set uscc = 'b'",
            "update need_states set is_open = false",
        ],
        "a_match_stands_on_an_offer_to_the_enterprise": [
            "update product_offers set decision = 'near_miss'",
            "update need_offers set limit_fen = 50001",
        ],
        "a_match_has_no_gap_and_everything_else_says_what_fails": [
            "update need_offers set term_gap_months = 1",
            "update need_offers set collateral_missing = 'property'",
            "update need_offers set fit = 'no'",
            "update need_offers set amount_gap_fen = -1, fit = 'near', failing = 'amount', place = null",
        ],
    },
    "bank_prospects": {
        "one_row_per_need_product_and_version": [
            "insert into bank_prospects from bank_prospects",
        ],
        "every_prospect_is_a_match_of_the_banks_own_product": [
            "update bank_prospects set bank = 'bank_b'",
            "update need_offers set fit = 'near'",
        ],
        "every_prospect_is_named_and_consented_by_the_enterprise": [
            "update need_states set consented_banks = 'bank_b'",
            "update int_consents__given set data_classes = 'rank'",
            "update int_consents__given set valid_to = '2025-06-29'",
            "update int_consents__given set withdrawn_on = '2025-06-30'",
            "update bank_prospects set consent_id = 'D'",
        ],
    },
    "bank_answers": {
        "one_row_per_need_and_bank": [
            "insert into bank_answers from bank_answers",
            "delete from bank_answers",
        ],
        "late_is_who_took_more_working_days_than_it_has": [
            "update bank_answers set working_days = 5 where need_no = '6'",
            "update bank_answers set state = 'waiting' where need_no = '6'",
            "update bank_answers set answered_on = null where need_no = '2'",
        ],
    },
    "need_feedback": {
        "one_row_per_report": [
            "insert into need_feedback from need_feedback where feedback_no = '2'",
        ],
        "an_application_stands_as_its_newest_report_says": [
            "update need_feedback set is_newest = false",
        ],
        "a_report_that_may_not_be_used_has_no_figure": [
            "update need_feedback set balance_fen = 1 where feedback_no = '2'",
        ],
        "every_report_used_rests_on_a_consent_of_its_day": [
            "update int_consents__given set withdrawn_on = '2025-06-30'",
            "update int_consents__given set data_classes = 'score'",
            "update need_feedback set reported_on = '2025-07-01'",
        ],
        "whatever_may_not_be_used_is_listed": [
            "delete from market_problems where record_no = '3'",
        ],
    },
    "programme_figures": {
        "one_row_per_figure_and_quarter": [
            "insert into programme_figures from programme_figures where figure = 'needs_posted'",
            "delete from programme_figures",
        ],
        "every_figure_is_told_of_every_quarter": [
            "delete from programme_figures where figure = 'needs_drawn' and quarter = '2025Q1'",
        ],
        "no_step_is_reached_by_more_needs_than_the_step_before": [
            "update programme_figures set value = 9 where figure = 'needs_drawn'",
        ],
    },
}
"""By table and question the changes that it is there to find."""
WARNINGS = {"every_payment_belongs_to_a_line", "no_pool_is_below_zero"}
"""What a person must look at, and keeps no edition back."""


def verdict(tmp_path, changes, tables=tuple(FAULTS)):
    suites, warehouse = tmp_path / "suites", tmp_path / "candidate.duckdb"
    suites.mkdir()
    for table in tables:
        shutil.copy(SUITES / f"{table}.yml", suites)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(PROGRAMME + CONSENTS)
        connection.execute(changes or "select 1")
    return audit(warehouse, None, suites, ())


def test_sound_tables_pass_every_question(tmp_path):
    found = verdict(tmp_path, "")
    assert [check for check in found.checks if check.outcome != "passed"] == []


@pytest.mark.parametrize(
    ("table", "question", "fault"),
    [(table, question, fault) for table in FAULTS for question in FAULTS[table] for fault in FAULTS[table][question]],
)
def test_a_planted_fault_blocks(tmp_path, table, question, fault):
    found = verdict(tmp_path, fault, (table,))
    assert found.state == ("passed" if question in WARNINGS else "blocked")
    assert question in {check.name for check in found.checks if check.outcome in ("failed", "not_evaluated")}


def test_every_question_has_a_planted_fault():
    suites, problems = load_suites(SUITES)
    asked = {(suite.table, check.name) for suite in suites if suite.table in FAULTS for check in suite.checks}
    assert problems == []
    assert asked == {(table, question) for table in FAULTS for question in FAULTS[table]}


def test_measures_that_are_not_in_force_yet_restrict_nobody_and_that_is_no_fault(tmp_path):
    found = verdict(tmp_path, "delete from restrictions; update restriction_measures set valid_from = '2099-01-01'")
    assert {check.outcome for check in found.checks if check.table == "restrictions"} == {"not_applicable"}


def test_nobody_who_claimed_is_no_fault(tmp_path):
    nothing = "truncate subsidy_lines; truncate subsidy_entries; truncate subsidy_pay_list"
    assert verdict(tmp_path, nothing).state == "passed"
