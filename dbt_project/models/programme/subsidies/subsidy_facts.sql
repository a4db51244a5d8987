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

register as (
    select * from {{ ref('int_enterprises__eligibility') }}
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
    {% for bank in ['bank_a', 'bank_b'] %}
        select
            loan_receipt_no,
            uscc,
            '{{ bank }}' as bank
        from ({{ landed(bank, 'loans') }}) as {{ bank }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
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

-- What is restricted rests on an entry that says its legal basis and who made it; a low score never restricts. An entry whose
-- repair could not be read may be none.
entered as (
    select
        uscc,
        count(case when not may_be_repaired then 1 end) as entry_count,
        count(case when may_be_repaired then 1 end) as doubtful_count
    from active_events
    where
        event_type in ('serious_dishonesty', 'judgment_defaulter')
        and legal_basis is not null
        and issuing_body is not null
    group by uscc
),

listed as (
    select
        enterprises.uscc,
        case
            when entered.entry_count > 0 then entered.entry_count
            when coalesce(entered.doubtful_count, 0) = 0 then {{ absent_means('credit', 'events') }}
        end as listed_count
    from enterprises
    left join entered on enterprises.uscc = entered.uscc
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

-- Whose a contract is, as its lender says; two names are nobody's.
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

-- Of claims that exclude each other the one that was filed first stands. Two joins: with one that says `or` every claim would
-- be compared with every other.
rivals as (
    select
        claims.claim_no,
        other_claims.claim_no as earlier_claim_no,
        cast(null as varchar) as earlier_asset_claim_no
    from claims
    inner join claims as other_claims
        on
            claims.kind = other_claims.kind
            and claims.lender = other_claims.lender
            and claims.contract_no = other_claims.contract_no
            and claims.period_from <= other_claims.period_to
            and claims.period_to >= other_claims.period_from
            and (
                claims.claimed_on > other_claims.claimed_on
                or (claims.claimed_on = other_claims.claimed_on and claims.claim_no > other_claims.claim_no)
            )
    union all
    select
        claims.claim_no,
        cast(null as varchar) as earlier_claim_no,
        other_claims.claim_no as earlier_asset_claim_no
    from claims
    inner join claims as other_claims
        on
            claims.asset_no = other_claims.asset_no
            and claims.kind <> other_claims.kind
            and (
                claims.claimed_on > other_claims.claimed_on
                or (claims.claimed_on = other_claims.claimed_on and claims.claim_no > other_claims.claim_no)
            )
),

earlier as (
    select
        claim_no,
        min(earlier_claim_no) as earlier_claim_no,
        min(earlier_asset_claim_no) as earlier_asset_claim_no
    from rivals
    group by claim_no
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
        register.zone_member_from,
        coalesce(
            register.status = 'active'
            and coalesce(register.parent_uscc, register.uscc) = register.uscc
            and register.zone_member_from <= claims.claimed_on
            and (register.zone_member_to is null or register.zone_member_to >= claims.claimed_on),
            false
        ) as is_member,
        case
            when entries.revenue_cny > highest.revenue_high_cny then entries.revenue_cny - highest.revenue_high_cny
        end as revenue_gap_cny,
        listed.listed_count,
        tax_grades.grade as tax_grade,
        evaluations.grade as credit_grade,
        coalesce(banks.bank_count, 0) as bank_count,
        owners.first_uscc = claims.uscc and owners.last_uscc = claims.uscc as is_own_contract,
        earlier.earlier_claim_no,
        earlier.earlier_asset_claim_no,
        refused.claim_no is not null as is_refused,
        supplied.is_tax_grade_supplied,
        supplied.is_credit_grade_supplied,
        supplied.is_title_supplied
    from entries
    inner join claims on entries.claim_no = claims.claim_no
    cross join supplied
    left join register on entries.uscc = register.uscc
    left join listed on entries.uscc = listed.uscc
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
    left join earlier on entries.claim_no = earlier.claim_no
    left join refused on entries.claim_no = refused.claim_no
    left join highest on entries.programme_id = highest.programme_id
)

select * from facts
