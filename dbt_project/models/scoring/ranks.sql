-- Competition ranks among the ranked, by the score before it is rounded: equal scores share a rank and the next is skipped.
with totals as (
    select * from {{ ref('totals') }}
    where is_ranked
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

ranked as (
    select
        totals.uscc,
        enterprises.industry_code,
        rank() over (order by totals.exact_score desc) as rank_overall,
        count(*) over () as peers_overall,
        count(*) over (partition by totals.exact_score) as tied_overall,
        rank() over (partition by totals.stage order by totals.exact_score desc) as rank_in_stage,
        count(*) over (partition by totals.stage) as peers_in_stage,
        count(*) over (partition by totals.stage, totals.exact_score) as tied_in_stage,
        rank() over (partition by enterprises.industry_code order by totals.exact_score desc) as rank_in_industry,
        count(*) over (partition by enterprises.industry_code) as peers_in_industry
    from totals
    inner join enterprises on totals.uscc = enterprises.uscc
),

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
        -- How many of the other ranked peers, in percent, have a lower score; null for one that has no peer.
        100.0e0 * (peers_overall - rank_overall - tied_overall + 1) / nullif(peers_overall - 1, 0) as percentile,
        100.0e0 * (peers_in_stage - rank_in_stage - tied_in_stage + 1) / nullif(peers_in_stage - 1, 0) as percentile_in_stage
    from ranked
),

rounded as (
    select
        uscc,
        rank_overall,
        peers_overall,
        tied_overall,
        rank_in_stage,
        peers_in_stage,
        rank_in_industry,
        peers_in_industry,
        cast(cast(percentile as decimal(18, 12)) as decimal(9, 2)) as percentile,
        cast(cast(percentile_in_stage as decimal(18, 12)) as decimal(9, 2)) as percentile_in_stage
    from compared
)

select * from rounded
