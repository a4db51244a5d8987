{{ config(materialized='table') }}

{#- Of one day 9 comes before 10. -#}
{%- set by_day = ['movements.moved_on', 'length(movements.movement_no)', 'movements.movement_no'] -%}
with claims as (
    select * from {{ ref('subsidy_claims_known') }}
),

movements as (
    select * from {{ ref('subsidy_movements') }}
),

programmes as (
    select * from {{ ref('subsidy_programmes') }}
),

tiers as (
    select * from {{ ref('subsidy_tiers') }}
),

budgets as (
    select * from {{ ref('subsidy_budgets') }}
),

revenues as (
    select * from {{ ref('subsidy_revenues') }}
),

all_titles as (
    {{ landed('science', 'titles') }}
),

all_deductions as (
    {{ landed('tax', 'rd_deductions') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- A title that is revoked ends the day before; the first day without it is `lapses_on`.
titles as (
    select
        coalesce(redirected.uscc, all_titles.uscc) as uscc,
        all_titles.title,
        all_titles.issued_on,
        case
            when all_titles.revoked_on <= coalesce(all_titles.valid_to, all_titles.revoked_on) then all_titles.revoked_on
            when all_titles.valid_to is not null then {{ day_after('all_titles.valid_to') }}
        end as lapses_on
    from all_titles
    left join redirected on all_titles.uscc = redirected.code
),

declared as (
    select
        coalesce(redirected.uscc, all_deductions.uscc) as uscc,
        all_deductions.fiscal_year,
        all_deductions.filed_on,
        redirected.uscc is null as is_own,
        all_deductions.additional_deduction_cny
    from all_deductions
    inner join in_force on all_deductions.filed_on <= in_force.as_of
    left join redirected on all_deductions.uscc = redirected.code and not redirected.is_of_branch
),

deductions as (
    select
        uscc,
        fiscal_year,
        {{ latest_value('additional_deduction_cny', ['is_own', 'filed_on'], 'true') }} as deduction_cny
    from declared
    group by uscc, fiscal_year
),

years as (
    select policy_year from budgets
    union distinct
    select cast(extract(year from period_from) as integer) as policy_year from claims
    union distinct
    select cast(extract(year from period_to) as integer) as policy_year from claims
),

-- Each day of a period on which something may change.
turns as (
    select
        claim_no,
        period_from as turns_on
    from claims
    union distinct
    select
        claims.claim_no,
        movements.moved_on as turns_on
    from claims
    inner join movements
        on
            claims.kind = movements.kind
            and claims.lender = movements.lender
            and claims.contract_no = movements.contract_no
            and claims.period_from < movements.moved_on
            and claims.period_to >= movements.moved_on
    union distinct
    select
        claims.claim_no,
        {{ new_year('years.policy_year') }} as turns_on
    from claims
    inner join years
        on
            claims.period_from < {{ new_year('years.policy_year') }}
            and claims.period_to >= {{ new_year('years.policy_year') }}
    union distinct
    select
        claims.claim_no,
        programmes.valid_from as turns_on
    from claims
    inner join programmes
        on
            claims.kind = programmes.kind
            and claims.period_from < programmes.valid_from
            and claims.period_to >= programmes.valid_from
    union distinct
    select
        claims.claim_no,
        {{ day_after('programmes.valid_to') }} as turns_on
    from claims
    inner join programmes
        on
            claims.kind = programmes.kind
            and claims.period_from <= programmes.valid_to
            and claims.period_to > programmes.valid_to
    union distinct
    select
        claims.claim_no,
        titles.issued_on as turns_on
    from claims
    inner join titles
        on
            claims.uscc = titles.uscc
            and claims.period_from < titles.issued_on
            and claims.period_to >= titles.issued_on
    union distinct
    select
        claims.claim_no,
        titles.lapses_on as turns_on
    from claims
    inner join titles
        on
            claims.uscc = titles.uscc
            and claims.period_from < titles.lapses_on
            and claims.period_to >= titles.lapses_on
),

spans as (
    select
        claims.*,
        turns.turns_on as segment_from,
        coalesce(
            lead(turns.turns_on) over (partition by turns.claim_no order by turns.turns_on),
            {{ day_after('claims.period_to') }}
        ) as until_on,
        cast(extract(year from turns.turns_on) as integer) as policy_year
    from turns
    inner join claims on turns.claim_no = claims.claim_no
    -- Of a period that ends before it begins there is no day.
    where claims.period_from <= claims.period_to
),

drawn as (
    select distinct
        kind,
        lender,
        contract_no
    from movements
    where is_drawdown
),

-- The state at the end of a day holds for that day: the day of a drawdown counts, the day of a repayment does not. The
-- principal of a contract without a reported drawdown is not known; before its first drawdown it is nothing.
states as (
    select
        spans.claim_no,
        spans.segment_from,
        case
            when
                max(drawn.contract_no) is not null
                and count(case when movements.is_of_principal and movements.principal_fen is null then 1 end) = 0
                and coalesce(sum(movements.principal_fen), 0) >= 0
                then cast(coalesce(sum(movements.principal_fen), 0) as bigint)
        end as principal_fen,
        {{ latest_value('movements.annual_rate_ppm', by_day, 'movements.is_of_rate') }} as annual_rate_ppm,
        coalesce(
            {{ latest_value('movements.begins_overdue', by_day, 'movements.begins_overdue is not null') }},
            false
        ) as is_overdue
    from spans
    left join drawn
        on
            spans.kind = drawn.kind
            and spans.lender = drawn.lender
            and spans.contract_no = drawn.contract_no
    left join movements
        on
            spans.kind = movements.kind
            and spans.lender = movements.lender
            and spans.contract_no = movements.contract_no
            and spans.segment_from >= movements.moved_on
    group by spans.claim_no, spans.segment_from
),

held as (
    select distinct
        spans.claim_no,
        spans.segment_from,
        titles.title
    from spans
    inner join titles
        on
            spans.uscc = titles.uscc
            and spans.segment_from >= titles.issued_on
            and (titles.lapses_on is null or spans.segment_from < titles.lapses_on)
),

-- R&D loans of one enterprise share what it declared, the loan claimed first before the others; a loan that is claimed in parts
-- takes its share once. What is left is not known after a loan whose principal is not.
research as (
    select
        spans.uscc,
        spans.policy_year,
        spans.kind,
        spans.lender,
        spans.contract_no,
        min(spans.filed_place) as filed_place,
        max(states.principal_fen) as peak_fen,
        count(case when states.principal_fen is null then 1 end) as unknown_count
    from spans
    inner join states on spans.claim_no = states.claim_no and spans.segment_from = states.segment_from
    where spans.used_for = 'rd'
    group by spans.uscc, spans.policy_year, spans.kind, spans.lender, spans.contract_no
),

before as (
    select
        *,
        coalesce(
            sum(peak_fen) over (
                partition by uscc, policy_year order by filed_place
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as taken_fen,
        coalesce(
            sum(unknown_count) over (
                partition by uscc, policy_year order by filed_place
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as unknown_before
    from research
),

research_left as (
    select
        before.uscc,
        before.policy_year,
        before.kind,
        before.lender,
        before.contract_no,
        cast(greatest({{ to_fen('deductions.deduction_cny') }} - before.taken_fen, 0) as bigint) as left_fen
    from before
    left join deductions on before.uscc = deductions.uscc and before.policy_year = deductions.fiscal_year
    where deductions.deduction_cny is not null and before.unknown_before = 0
),

described as (
    select
        spans.claim_no,
        spans.uscc,
        coalesce(programmes.programme_id, 'none') as programme_id,
        spans.policy_year,
        spans.segment_from,
        spans.until_on,
        spans.used_for,
        cast(case
            when programmes.balance_mode = 'segments' and programmes.day_count = '30/360'
                then {{ days_of_thirty('spans.segment_from', 'spans.until_on') }}
            else {{ days_between('spans.segment_from', 'spans.until_on') }}
        end as bigint) as days,
        cast(case
            when programmes.balance_mode = 'yearly_average'
                then {{ days_between(new_year('spans.policy_year'), new_year('spans.policy_year + 1')) }}
            when programmes.day_count = 'act/365' then 365
            else 360
        end as bigint) as days_of_year,
        states.principal_fen,
        case when spans.used_for = 'rd' then research_left.left_fen end as research_left_fen,
        states.annual_rate_ppm,
        states.is_overdue,
        held.claim_no is not null as has_title,
        revenues.fiscal_year as revenue_year,
        revenues.revenue_cny,
        tiers.tier,
        {{ to_ppm('tiers.rate_cap_pct') }} as cap_ppm,
        {{ to_ppm('programmes.interest_share_pct') }} as share_ppm
    from spans
    inner join states on spans.claim_no = states.claim_no and spans.segment_from = states.segment_from
    left join programmes
        on
            spans.kind = programmes.kind
            and spans.segment_from >= programmes.valid_from
            and (programmes.valid_to is null or spans.segment_from <= programmes.valid_to)
    left join held
        on
            spans.claim_no = held.claim_no
            and spans.segment_from = held.segment_from
            and programmes.title_required = held.title
    left join research_left
        on
            spans.uscc = research_left.uscc
            and spans.policy_year = research_left.policy_year
            and spans.kind = research_left.kind
            and spans.lender = research_left.lender
            and spans.contract_no = research_left.contract_no
    left join revenues
        on
            spans.uscc = revenues.uscc
            and spans.policy_year + programmes.revenue_year_offset = revenues.fiscal_year
    left join tiers
        on
            programmes.programme_id = tiers.programme_id
            and (
                tiers.revenue_low_cny is null
                or revenues.revenue_cny > tiers.revenue_low_cny
                or (revenues.revenue_cny = tiers.revenue_low_cny and tiers.inclusive_low)
            )
            and (
                tiers.revenue_high_cny is null
                or revenues.revenue_cny < tiers.revenue_high_cny
                or (revenues.revenue_cny = tiers.revenue_high_cny and tiers.inclusive_high)
            )
            and revenues.revenue_cny is not null
),

-- Rates in parts of a million million, so that a share of a rate is whole.
counted as (
    select
        *,
        case
            when programme_id = 'none' then 'no_programme'
            when not has_title then 'no_title'
            when is_overdue then 'overdue'
            when principal_fen = 0 then 'no_principal'
            when
                principal_fen is null
                or annual_rate_ppm is null
                or cap_ppm is null
                or (used_for = 'rd' and research_left_fen is null)
                then 'not_known'
            else 'counted'
        end as counted_as,
        case when used_for = 'rd' then least(principal_fen, research_left_fen) else principal_fen end as counted_fen,
        least(cap_ppm * 1000000, share_ppm * annual_rate_ppm) as subsidy_rate_e12
    from described
)

select * from counted
