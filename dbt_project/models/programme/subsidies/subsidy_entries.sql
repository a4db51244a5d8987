{{ config(materialized='table') }}

with segments as (
    select * from {{ ref('subsidy_segments') }}
),

claims as (
    select * from {{ ref('subsidy_claims_known') }}
),

movements as (
    select * from {{ ref('subsidy_movements') }}
),

programmes as (
    select * from {{ ref('subsidy_programmes') }}
),

budgets as (
    select * from {{ ref('subsidy_budgets') }}
),

-- Interest belongs to the programme and the year of the day on which it was paid.
paid as (
    select
        claims.claim_no,
        programmes.programme_id,
        cast(extract(year from movements.moved_on) as integer) as policy_year,
        case when count(*) = count(movements.interest_fen) then cast(sum(movements.interest_fen) as bigint) end as interest_fen
    from claims
    inner join movements
        on
            claims.kind = movements.kind
            and claims.lender = movements.lender
            and claims.contract_no = movements.contract_no
            and claims.period_from <= movements.moved_on
            and claims.period_to >= movements.moved_on
            and movements.is_of_interest
    inner join programmes
        on
            claims.kind = programmes.kind
            and movements.moved_on >= programmes.valid_from
            and (programmes.valid_to is null or movements.moved_on <= programmes.valid_to)
    group by claims.claim_no, programmes.programme_id, extract(year from movements.moved_on)
),

summed as (
    select
        claim_no,
        programme_id,
        policy_year,
        min(segment_from) as first_on,
        max(until_on) as until_on,
        cast(sum(days) as bigint) as days,
        cast(sum(case when has_title then days else 0 end) as bigint) as titled_days,
        cast(sum(case when is_overdue then days else 0 end) as bigint) as overdue_days,
        cast(sum(case when counted_as = 'counted' then days else 0 end) as bigint) as counted_days,
        -- A line that lacks a figure has no amount, not the sum of the other days.
        count(case when counted_as not in ('no_title', 'overdue', 'no_programme') and principal_fen is null then 1 end)
        + count(case when counted_as = 'not_known' and annual_rate_ppm is null then 1 end) as unknown_segments,
        max(revenue_year) as revenue_year,
        max(revenue_cny) as revenue_cny,
        max(tier) as tier,
        max(research_left_fen) as research_left_fen
    from segments
    group by claim_no, programme_id, policy_year
),

-- A claim of which no day can be judged is a line too, with the reason.
whole as (
    select * from summed
    union all
    select
        claims.claim_no,
        'none' as programme_id,
        cast(extract(year from claims.period_from) as integer) as policy_year,
        claims.period_from as first_on,
        claims.period_from as until_on,
        0 as days,
        0 as titled_days,
        0 as overdue_days,
        0 as counted_days,
        0 as unknown_segments,
        cast(null as integer) as revenue_year,
        cast(null as decimal(20, 2)) as revenue_cny,
        cast(null as varchar) as tier,
        cast(null as bigint) as research_left_fen
    from claims
    left join summed on claims.claim_no = summed.claim_no
    where summed.claim_no is null
),

entries as (
    select
        whole.*,
        claims.kind,
        claims.lender,
        claims.contract_no,
        claims.uscc,
        claims.claimed_on,
        claims.filed_place,
        paid.interest_fen,
        {{ to_fen('budgets.budget_cny') }} as budget_fen,
        budgets.budget_mode
    from whole
    inner join claims on whole.claim_no = claims.claim_no
    left join paid
        on
            whole.claim_no = paid.claim_no
            and whole.programme_id = paid.programme_id
            and whole.policy_year = paid.policy_year
    left join budgets on whole.programme_id = budgets.programme_id and whole.policy_year = budgets.policy_year
)

select * from entries
