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
    'own_contract': ['is_own_contract', 'null', 'null'],
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
with facts as (
    select * from {{ ref('subsidy_facts') }}
),

asked as (
    select * from {{ ref('subsidy_conditions') }}
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
