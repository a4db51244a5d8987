{{ config(materialized='table') }}

with entries as (
    select * from {{ ref('subsidy_entries') }}
),

claims as (
    select * from {{ ref('subsidy_claims_known') }}
),

tiers as (
    select * from {{ ref('subsidy_tiers') }}
),

members as (
    select * from {{ ref('subsidy_members') }}
),

active_events as (
    select * from {{ ref('credit_events') }}
),

tax_grades as (
    select * from {{ ref('int_grades__latest') }}
),

evaluations as (
    select * from {{ ref('int_evaluations__latest') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

movements as (
    select * from {{ ref('subsidy_movements') }}
),

reported_loans as (
    select * from {{ ref('int_loans__reported') }}
),

loan_movements as (
    {{ landed('finance', 'loan_movements') }}
),

refusals as (
    select * from {{ ref('int_refusals__resolved') }}
),

refused_records as (
    select * from {{ source('pipeline', 'refusals') }}
),

supply as (
    select * from {{ ref('supply') }}
),

enterprises as (
    select distinct uscc from claims
),

paid as (
    select * from {{ ref('subsidy_payments_known') }}
    where paid_fen > 0
),

-- Only an entry with its legal basis, document and issuing body restricts; a low score never does. An entry whose repair could
-- not be read may not count. One that was made after the first payment does not undo it.
entered as (
    select
        entries.claim_no,
        entries.programme_id,
        entries.policy_year,
        count(
            case
                when
                    not active_events.may_be_repaired
                    and coalesce(active_events.decided_on <= paid.first_paid_on, true)
                    then 1
            end
        ) as entry_count,
        count(*) as all_count
    from entries
    inner join active_events on entries.uscc = active_events.uscc
    left join paid
        on
            entries.claim_no = paid.claim_no
            and entries.programme_id = paid.programme_id
            and entries.policy_year = paid.policy_year
    where
        active_events.event_type in ('serious_dishonesty', 'judgment_defaulter')
        and active_events.has_basis
    group by entries.claim_no, entries.programme_id, entries.policy_year
),

unlisted as (
    select
        enterprises.uscc,
        {{ absent_means('credit', 'events') }} as entry_count
    from enterprises
),

supplied as (
    select
        max(case when source = 'tax' and dataset = 'credit_grades' and is_supplied then 1 else 0 end) = 1
            as is_tax_grade_supplied,
        max(case when source = 'credit' and dataset = 'evaluations' and is_supplied then 1 else 0 end) = 1
            as is_credit_grade_supplied,
        max(case when source = 'science' and dataset = 'titles' and is_supplied then 1 else 0 end) = 1 as is_title_supplied
    from supply
),

told_receipts as (
    select
        loan_receipt_no,
        uscc,
        bank
    from reported_loans
    union distinct
    select
        loan_receipt_no,
        uscc,
        bank
    from loan_movements
),

-- One bank may know the enterprise by its former code.
receipts as (
    select distinct
        told_receipts.loan_receipt_no,
        coalesce(redirected.uscc, told_receipts.uscc) as uscc,
        told_receipts.bank
    from told_receipts
    left join redirected on told_receipts.uscc = redirected.code
),

-- The enterprise of a contract, as its lender reports it; a contract under two enterprises belongs to none.
owners as (
    select
        kind,
        lender,
        contract_no,
        min(uscc) as first_uscc,
        max(uscc) as last_uscc
    from movements
    group by kind, lender, contract_no
),

-- The kind stands on this side: a condition on the left side alone makes DuckDB compare every row with every other.
banks as (
    select
        'loan' as kind,
        loan_receipt_no,
        uscc,
        count(*) as bank_count
    from receipts
    group by loan_receipt_no, uscc
),

-- A movement that landing refused may be a repayment: what is left of the principal is not known.
refused as (
    select distinct claims.claim_no
    from claims
    inner join refusals on claims.uscc = refusals.uscc
    where refusals.source = 'finance' and refusals.dataset in ('loan_movements', 'leases')
    union distinct
    select distinct claims.claim_no
    from claims
    inner join refused_records on claims.contract_no = refused_records.name
    where claims.kind = 'lease' and refused_records.source = 'finance' and refused_records.dataset = 'lease_payments'
),

highest as (
    select
        programme_id,
        max(revenue_high_cny) as revenue_high_cny
    from tiers
    group by programme_id
),

facts as (
    select
        entries.*,
        claims.period_from,
        claims.period_to,
        claims.used_for,
        claims.other_programme,
        claims.consented_on,
        claims.objected_on,
        claims.is_objection_upheld,
        members.zone_member_from,
        members.is_member,
        case
            when entries.revenue_cny > highest.revenue_high_cny then entries.revenue_cny - highest.revenue_high_cny
        end as revenue_gap_cny,
        case
            when entered.entry_count > 0 then entered.entry_count
            when entered.all_count is null then unlisted.entry_count
        end as listed_count,
        tax_grades.grade as tax_grade,
        coalesce(tax_grades.published_on > paid.first_paid_on, false) as is_tax_grade_later,
        evaluations.grade as credit_grade,
        coalesce(evaluations.batch_month > paid.first_paid_on, false) as is_credit_grade_later,
        coalesce(banks.bank_count, 0) as bank_count,
        owners.first_uscc = claims.uscc and owners.last_uscc = claims.uscc as is_own_contract,
        refused.claim_no is not null as is_refused,
        supplied.is_tax_grade_supplied,
        supplied.is_credit_grade_supplied,
        supplied.is_title_supplied
    from entries
    inner join claims on entries.claim_no = claims.claim_no
    cross join supplied
    inner join members
        on
            entries.claim_no = members.claim_no
            and entries.programme_id = members.programme_id
            and entries.policy_year = members.policy_year
    left join paid
        on
            entries.claim_no = paid.claim_no
            and entries.programme_id = paid.programme_id
            and entries.policy_year = paid.policy_year
    left join entered
        on
            entries.claim_no = entered.claim_no
            and entries.programme_id = entered.programme_id
            and entries.policy_year = entered.policy_year
    left join unlisted on entries.uscc = unlisted.uscc
    left join tax_grades on entries.uscc = tax_grades.uscc
    left join evaluations on entries.uscc = evaluations.uscc
    left join banks
        on
            claims.kind = banks.kind
            and claims.contract_no = banks.loan_receipt_no
            and claims.uscc = banks.uscc
    left join owners
        on
            claims.kind = owners.kind
            and claims.lender = owners.lender
            and claims.contract_no = owners.contract_no
    left join refused on entries.claim_no = refused.claim_no
    left join highest on entries.programme_id = highest.programme_id
)

select * from facts
