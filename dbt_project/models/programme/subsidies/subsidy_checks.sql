{{ config(materialized='table') }}

{#- Of each condition: whether it is met (null: not known), the fact, and by how much it is missed in the fact's own unit. -#}
{%- set conditions = {
    'programme_in_force': ["programme_id <> 'none'", 'null', 'null'],
    'period_over': [
        'period_from <= period_to and period_to <= claimed_on',
        'period_to',
        "case when period_to > claimed_on then " ~ days_between('claimed_on', 'period_to') ~ " end",
    ],
    'zone_member': [
        'is_member',
        'zone_member_from',
        "case when zone_member_from > claimed_on then " ~ days_between('claimed_on', 'zone_member_from') ~ " end",
    ],
    'consented': [
        'consented_on <= claimed_on',
        'consented_on',
        "case when consented_on > claimed_on then " ~ days_between('claimed_on', 'consented_on') ~ " end",
    ],
    'revenue_in_tier': ['case when revenue_cny is not null then tier is not null end', 'revenue_cny', 'revenue_gap_cny'],
    'title_held': ['case when is_title_supplied then titled_days > 0 end', 'titled_days', 'days - titled_days'],
    'not_listed': ['listed_count = 0', 'listed_count', 'listed_count'],
    'tax_grade_not_d': ["coalesce(tax_grade <> 'D', case when is_tax_grade_supplied then true end)", 'tax_grade', 'null'],
    'credit_grade_not_d': [
        "coalesce(credit_grade <> 'D', case when is_credit_grade_supplied then true end)",
        'credit_grade',
        'null',
    ],
    'not_refinancing': ["used_for <> 'refinancing'", 'used_for', 'null'],
    'not_claimed_elsewhere': ['other_programme is null', 'other_programme', 'null'],
    'receipt_in_one_bank': ['bank_count <= 1', 'bank_count', 'case when bank_count > 1 then bank_count - 1 end'],
    'claimed_once': ['earlier_claim_no is null', 'earlier_claim_no', 'null'],
    'asset_once': ['earlier_asset_claim_no is null', 'earlier_asset_claim_no', 'null'],
    'rd_deduction_declared': [
        "case when coalesce(used_for, '') <> 'rd' then true else research_left_fen > 0 end",
        "case when used_for = 'rd' then " ~ fen_text('research_left_fen') ~ " end",
        'null',
    ],
    'balance_known': [
        'case when unknown_segments = 0 and not is_refused then true end',
        'unknown_segments',
        'unknown_segments',
    ],
    'interest_reported': ['interest_fen > 0', fen_text('interest_fen'), 'null'],
    'budget_known': ['case when budget_fen is not null then true end', fen_text('budget_fen'), 'null'],
    'no_objection_upheld': ['not coalesce(is_objection_upheld, false)', 'objected_on', 'null'],
} -%}
with entries as (
    select * from {{ ref('subsidy_entries') }}
),

claims as (
    select * from {{ ref('subsidy_claims_known') }}
),

asked as (
    select * from {{ ref('subsidy_conditions') }}
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

receipts as (
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

banks as (
    select
        loan_receipt_no,
        uscc,
        count(*) as bank_count
    from receipts
    group by loan_receipt_no, uscc
),

-- Of claims that exclude each other the one that was filed first stands.
earlier as (
    select
        claims.claim_no,
        min(other_claims.claim_no) filter (
            where claims.kind = other_claims.kind
            and claims.lender = other_claims.lender
            and claims.contract_no = other_claims.contract_no
            and claims.period_from <= other_claims.period_to
            and other_claims.period_from <= claims.period_to
        ) as earlier_claim_no,
        min(other_claims.claim_no) filter (
            where claims.kind <> other_claims.kind and claims.asset_no = other_claims.asset_no
        ) as earlier_asset_claim_no
    from claims
    inner join claims as other_claims
        on
            (claims.contract_no = other_claims.contract_no or claims.asset_no = other_claims.asset_no)
            and (
                claims.claimed_on > other_claims.claimed_on
                or (claims.claimed_on = other_claims.claimed_on and claims.claim_no > other_claims.claim_no)
            )
    group by claims.claim_no
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
    left join banks on claims.kind = 'loan' and claims.contract_no = banks.loan_receipt_no and claims.uscc = banks.uscc
    left join earlier on entries.claim_no = earlier.claim_no
    left join refused on entries.claim_no = refused.claim_no
    left join highest on entries.programme_id = highest.programme_id
),

looked_at as (
    {% for condition, (is_met, fact, gap) in conditions.items() %}
        select
            claim_no,
            programme_id,
            policy_year,
            '{{ condition }}' as condition,
            {{ is_met }} as is_met,
            cast({{ fact }} as varchar) as fact,
            cast({{ gap }} as decimal(20, 2)) as gap
        from facts
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

chosen as (
    select looked_at.*
    from looked_at
    left join asked on looked_at.programme_id = asked.programme_id and looked_at.condition = asked.condition
    where
        asked.condition is not null
        or (looked_at.programme_id = 'none' and looked_at.condition in ('programme_in_force', 'period_over'))
),

named as (
    select
        claim_no,
        programme_id,
        policy_year,
        condition,
        cast(is_met as boolean) as is_met,
        fact,
        case when coalesce(is_met, false) then cast(null as decimal(20, 2)) else gap end as gap
    from chosen
)

select * from named
