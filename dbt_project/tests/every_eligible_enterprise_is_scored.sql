-- Guards: rankings has exactly the eligible enterprises, and points and reasons have every one of them times every indicator.
-- Why: an enterprise lost in a join has no score at all, and the missing row would go unnoticed.
with eligible as (
    select count(*) as enterprises from {{ ref('enterprises') }}
    where is_eligible
),

indicators as (
    select count(*) as indicators from {{ ref('indicators') }}
),

found as (
    select
        eligible.enterprises,
        indicators.indicators,
        (select count(*) from {{ ref('rankings') }}) as ranking_rows,
        (select count(*) from {{ ref('points') }}) as points_rows,
        (select count(*) from {{ ref('reasons') }}) as reason_rows
    from eligible
    cross join indicators
)

select * from found
where
    ranking_rows <> enterprises
    or points_rows <> enterprises * indicators
    or reason_rows <> enterprises * indicators
