"""The programme's tables of three enterprises, as dbt would leave them: sound, each with a row for every question."""

PROGRAMME = """
create table item_versions as select unnest(['product', 'policy', 'reward']) as kind, true as is_in_force;
create table enterprise_facts as select * from (values ('a', 1), ('b', 2), ('c', 3)) t(uscc, subject);
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
create table credit_events as
select 'a' as uscc, 'e1' as event_no, 'serious_dishonesty' as event_type, false as may_be_repaired;
create table restriction_measures as select 'serious_dishonesty' as event_type;
create table restrictions as
select 'a' as uscc, 'm' as measure_id, 'e1' as event_no, true as is_restricting, 'law' as entry_basis,
    'list' as measure_basis, 'D1' as document_no, 'court' as issuing_body, date '2025-01-01' as starts_on;
create table products as
select 'x' as product_id, 'v' as version, 100.00 as min_limit_cny, 1000.00 as max_limit_cny;
create table product_offers as
select 'x' as product_id, 'v' as version, t.*, 2 as conditions, '理由' as failing_zh, 'reason' as failing_en,
    null::date as stands_until, null::decimal(9, 4) as rate_pct
from (values ('a', 'eligible', 2, 50000), ('b', 'near_miss', 1, null), ('c', 'no', 0, null))
    t(uscc, decision, conditions_met, limit_fen);
create table policy_decisions as
select 'y' as policy_id, 'v' as version, t.*, 2 as conditions, 'open' as claim_state, date '2025-07-10' as confirm_by
from (values ('a', 'eligible', 2, true), ('b', 'no', 1, false)) t(uscc, decision, conditions_met, is_listed);
create table decisions as
select 'reward' as kind, 'z' as item_id, 'v' as version, subject, 'eligible' as decision from enterprise_facts;
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
create table credit_reports as
select uscc, 'A' as tax_grade, (uscc = 'a')::integer as restrictions from enterprise_facts;
"""
