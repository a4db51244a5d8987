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
    'tax_grade_not_d': [
        "case when tax_grade <> 'D' then true when tax_grade = 'D' "
        ~ "then case when not is_tax_grade_later then false end when is_tax_grade_supplied then true end",
        'tax_grade',
        'null',
    ],
    'credit_grade_not_d': [
        "case when credit_grade <> 'D' then true when credit_grade = 'D' "
        ~ "then case when not is_credit_grade_later then false end when is_credit_grade_supplied then true end",
        'credit_grade',
        'null',
    ],
    'own_contract': ['is_own_contract', 'null', 'null'],
    'not_refinancing': ["used_for <> 'refinancing'", 'used_for', 'null'],
    'not_claimed_elsewhere': ['other_programme is null', 'other_programme', 'null'],
    'receipt_in_one_bank': ['bank_count <= 1', 'bank_count', 'case when bank_count > 1 then bank_count - 1 end'],
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
{%- set once = {'claimed_once': 'earlier_claim_no', 'asset_once': 'earlier_asset_claim_no'} -%}
with facts as (
    select * from {{ ref('subsidy_facts') }}
),

claims as (
    select * from {{ ref('subsidy_claims_known') }}
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

of_lines as (
    select
        claim_no,
        programme_id,
        policy_year,
        count(case when not cast(is_met as boolean) then 1 end) as failed_count
    from chosen
    group by claim_no, programme_id, policy_year
),

standing_claims as (
    select * from claims
    where claim_no in (select of_lines.claim_no from of_lines where of_lines.failed_count = 0)
),

-- Of claims that exclude each other the one that was filed first counts. A claim that is refused for another reason excludes no
-- other. Two joins: with an `or` in one join every claim would be compared with every other.
rivals as (
    select
        claims.claim_no,
        other_claims.claim_no as earlier_claim_no,
        cast(null as varchar) as earlier_asset_claim_no
    from claims
    inner join standing_claims as other_claims
        on
            claims.kind = other_claims.kind
            and claims.lender = other_claims.lender
            and claims.contract_no = other_claims.contract_no
            and claims.period_from <= other_claims.period_to
            and claims.period_to >= other_claims.period_from
            and claims.filed_place > other_claims.filed_place
    union all
    select
        claims.claim_no,
        cast(null as varchar) as earlier_claim_no,
        other_claims.claim_no as earlier_asset_claim_no
    from claims
    inner join standing_claims as other_claims
        on
            claims.asset_no = other_claims.asset_no
            and claims.kind <> other_claims.kind
            and claims.filed_place > other_claims.filed_place
),

earlier as (
    select
        claim_no,
        min(earlier_claim_no) as earlier_claim_no,
        min(earlier_asset_claim_no) as earlier_asset_claim_no
    from rivals
    group by claim_no
),

of_rivals as (
    {% for condition, fact in once.items() %}
        select
            facts.claim_no,
            facts.programme_id,
            facts.policy_year,
            '{{ condition }}' as condition,
            earlier.{{ fact }} is null as is_met,
            earlier.{{ fact }} as fact,
            cast(null as decimal(20, 2)) as gap
        from facts
        inner join asked on facts.programme_id = asked.programme_id and asked.condition = '{{ condition }}'
        left join earlier on facts.claim_no = earlier.claim_no
        {{ 'union all' if not loop.last }}
    {% endfor %}
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
    from (
        select * from chosen
        union all
        select * from of_rivals
    ) as judged
)

select * from named
