"""The programme's tables of three enterprises, as dbt would leave them: sound, each with a row for every question."""

PROGRAMME = """
create table item_versions as
select *, true as is_in_force
from (values (1, 'product', 'x', 'v'), (2, 'policy', 'y', 'v'), (3, 'reward', 'z', 'v'))
    t(item_no, kind, item_id, version);
create table enterprise_facts as select * from (values ('a', 1), ('b', 2), ('c', 3)) t(uscc, enterprise_id);
create table subsidy_programmes as
select 'p' as programme_id, 10.00 as contract_cap_cny, 15.00 as firm_cap_cny, 'g' as firm_cap_group,
    6 as publicity_days;
create table subsidy_budgets as select 'p' as programme_id, 2024 as policy_year, 30.00 as budget_cny;
create table subsidy_lines as
select 'p' as programme_id, 2024 as policy_year, 'loan' as kind, t.*
from (values
    ('1', 'a', 'bank_a', 'r1', 1000, 900, true),
    ('2', 'a', 'bank_b', 'r2', 600, 600, true),
    ('3', 'b', 'bank_a', 'r3', null, null, null),
    ('4', 'c', 'bank_a', 'r4', 700, 0, false)
) t(claim_no, uscc, lender, contract_no, interest_fen, granted_fen, is_eligible);
create table subsidy_entries as select claim_no from subsidy_lines;
create table subsidy_checks as
select claim_no, programme_id, policy_year, 'title' as condition, is_eligible as is_met from subsidy_lines;
create table subsidy_claims_known as
select claim_no, date '2025-06-01' as published_on, null::date as objected_on, null::boolean as is_objection_upheld,
    date '2025-06-30' as as_of
from subsidy_lines;
create table subsidy_payments_known as
select claim_no, programme_id, policy_year, 50 as paid_fen from subsidy_lines where claim_no in ('2', '4');
create table subsidy_pay_list as
select 'p' as programme_id, 2024 as policy_year, t.*
from (values ('1', 'a', 'advance', 720, 0), ('2', 'a', 'settlement', 120, 480), ('4', 'c', 'clawback', -50, 50))
    t(claim_no, uscc, part, amount_fen, paid_fen);
create table if not exists ruleset_in_force as select date '2025-06-30' as as_of;
create table credit_events as
select 'a' as uscc, 'e1' as event_no, 'serious_dishonesty' as event_type, false as may_be_repaired;
create table restriction_measures as
select 'serious_dishonesty' as event_type, date '2025-01-01' as valid_from, cast(null as date) as valid_to;
create table restrictions as
select 'a' as uscc, 'm' as measure_id, 'e1' as event_no, true as is_restricting, 'law' as entry_basis,
    'list' as measure_basis, 'D1' as document_no, 'court' as issuing_body, date '2025-01-01' as starts_on;
create table products as
select 'x' as product_id, 'v' as version, 100.00 as min_limit_cny, 1000.00 as max_limit_cny;
create table product_offers as
select 'x' as product_id, 'v' as version, t.*, 2 as conditions, '理由' as failing_zh, 'reason' as failing_en,
    null::date as stands_until, if(t.uscc = 'a', 3.5, null)::decimal(9, 4) as rate_pct, 'bank_a' as bank,
    true as is_marketed, null::varchar as unpriced_reason
from (values ('a', 'eligible', 2, 50000), ('b', 'near_miss', 1, null), ('c', 'no', 0, null))
    t(uscc, decision, conditions_met, limit_fen);
create table policy_decisions as
select 'y' as policy_id, 'v' as version, t.*, 2 as conditions, 'open' as claim_state, date '2025-07-10' as confirm_by
from (values ('a', 'eligible', 2, true), ('b', 'no', 1, false)) t(uscc, decision, conditions_met, is_listed);
create table decisions as
select 3 as item_no, enterprise_id as subject_id, 'eligible' as decision from enterprise_facts;
create table reward_places as
select 'z' as reward_id, 'v' as version, 'growth' as stage, 1 as places, t.*
from (values ('a', 1, 'given'), ('b', 2, 'beyond_the_last_place')) t(uscc, place, state);
create table pool_claims as
select 'n' as guarantee_no, 1000 as loss_fen, t.*
from (values
    ('1', 'claimed', true, 1000, 400, 400, 200, 0),
    ('2', 'compensated', true, 400, null, null, null, -400),
    ('3', 'recovered', true, 101, 40, 41, 20, 40),
    ('4', 'recovered', false, 9999, null, null, null, 0)
) t(event_no, reported_state, is_applied, amount_fen, government_fen, guarantor_fen, bank_fen, pool_change_fen);
create table pool_positions as
select 'z' as pool_id, t.* from (values ('pool', 'z', 600), ('bank', 'bank_a', null)) t(scope, party, pool_fen);
create table credit_reports as
select uscc, 'A' as tax_grade, (uscc = 'a')::integer as restrictions from enterprise_facts;
create table need_states as
select t.*, date '2025-06-30' as as_of, 'bank_a; bank_b' as consented_banks
from (values
    ('1', 'a', 'posted', null, date '2025-07-31', null::date, true),
    ('2', 'a', 'approved', 'bank_a', date '2025-07-31', null, false),
    ('3', 'b', 'expired', null, date '2025-06-29', null, false),
    ('4', 'b', 'closed', 'bank_a', date '2025-07-31', date '2025-06-02', false)
) t(need_no, uscc, state, bank, last_day, closed_on, is_open);
create table market_needs as select need_no from need_states;
create table market_events as
select t.*, 'bank_a' as bank
from (values
    ('1', '2', 'matched', 'matched', true, null),
    ('2', '2', 'approved', 'approved', true, null),
    ('3', '2', 'drawn', 'approved', false, 'not_allowed')
) t(event_no, need_no, reported_state, state, is_applied, problem);
create table need_offers as
select '1' as need_no, 'a' as uscc, 'x' as product_id, 'v' as version, 'bank_a' as bank, 'match' as fit,
    null::varchar as failing, 1 as place, 50000 as limit_fen, 3.5 as rate_pct, 0 as amount_gap_fen,
    0 as term_gap_months, 0 as rate_gap_pct, null::varchar as collateral_missing;
create table bank_prospects as select *, 'C' as consent_id from need_offers;
create table bank_answers as
select *, 'bank_a' as bank
from (values
    ('2', 'answered', 3, 5, date '2025-06-05'), ('5', 'late', null, 5, null), ('6', 'late', 6, 5, null),
    ('7', 'waiting', 5, 5, null)
) t(need_no, state, working_days, answer_days, answered_on);
create table need_feedback as
select *, 'bank_a' as bank, null::varchar as reject_reason, null::varchar as five_class, null::varchar as product_id,
    null::bigint as balance_fen, null::integer as overdue_days, null::decimal(9, 4) as annual_rate_pct,
    null::date as drawn_on
from (values
    ('1', 'A', 'a', date '2025-06-30', null, true, 'approved', 50000, 'C'),
    ('2', 'B', 'b', date '2025-06-30', 'consent_not_in_force', false, null, null, null)
) t(feedback_no, application_no, uscc, reported_on, problem, is_newest, decision, limit_fen, consent_id);
create table market_problems as
select * from (values ('bank_feedback', '2'), ('need_events', '3')) t(dataset, record_no);
create table figure_definitions as
select unnest(['needs_posted', 'needs_matched', 'needs_approved', 'needs_drawn']) as figure, 'count' as unit;
create table programme_figures as
select figure, unit, quarter, 4 - place as value
from (select *, row_number() over () as place from figure_definitions)
cross join (values ('2025Q1'), ('2025Q2')) t(quarter);
"""
CONSENTS = """
create table int_consents__given as
select * from (values
    ('C', 'a', 'bank_a', 'score, loan_feedback', date '2025-01-01', date '2025-06-30', null::date),
    ('D', 'b', 'bank_a', 'score, loan_feedback', date '2025-01-01', null, date '2025-06-30')
) t(consent_id, uscc, recipient, data_classes, valid_from, valid_to, withdrawn_on);
"""
"""What banks are shown, and may report, rests on."""
