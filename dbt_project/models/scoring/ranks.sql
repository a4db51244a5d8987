with totals as (
    select * from {{ ref('totals') }}
    where is_ranked
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

placed as (
    select
        totals.uscc,
        totals.score,
        totals.stage,
        enterprises.industry_code
    from totals
    inner join enterprises on totals.uscc = enterprises.uscc
),

-- Competition rank: equal scores share a rank and the next one is skipped. Only ranked enterprises are peers.
ranked as (
    select
        uscc,
        score,
        industry_code,
        rank() over (order by score desc) as rank_overall,
        count(*) over () as peers_overall,
        count(*) over (partition by score) as tied_overall,
        rank() over (partition by stage order by score desc) as rank_in_stage,
        count(*) over (partition by stage) as peers_in_stage,
        rank() over (partition by industry_code order by score desc) as rank_in_industry,
        count(*) over (partition by industry_code) as peers_in_industry,
        count(*) over (partition by stage, score) as tied_in_stage
    from placed
),

-- The percentile is how many of the other ranked peers, in percent, have a lower score.
compared as (
    select
        uscc,
        rank_overall,
        peers_overall,
        tied_overall,
        rank_in_stage,
        peers_in_stage,
        -- An industry that is not known has no peers.
        case when industry_code is not null then rank_in_industry end as rank_in_industry,
        case when industry_code is not null then peers_in_industry end as peers_in_industry,
        {{ percent_below('rank_overall', 'tied_overall', 'peers_overall') }} as percentile,
        {{ percent_below('rank_in_stage', 'tied_in_stage', 'peers_in_stage') }} as percentile_in_stage
    from ranked
)

select * from compared
