-- Competition ranks among the ranked, by the score before it is rounded: equal scores share a rank and the next is skipped.
-- And whether the pass rule is met, where the rule set has one.
with totals as (
    select * from {{ ref('totals') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

verdicts as (
    select * from {{ ref('verdicts') }}
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
    where totals.is_ranked
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

by_route as (
    select
        uscc,
        route,
        min(case when is_met then 1 else 0 end) as is_met
    from verdicts
    group by uscc, route
),

-- Conditions without a route hold for all enterprises; of routes, where there are any, one is enough.
judged as (
    select
        uscc,
        min(case when route is null then is_met else 1 end) = 1
        and (count(route) = 0 or max(case when route is not null then is_met else 0 end) = 1) as is_passed,
        {{ joined_text("case when is_met = 1 then route end", ', ', 'route') }} as routes_met
    from by_route
    group by uscc
),

standing as (
    select
        totals.uscc,
        compared.rank_overall,
        compared.peers_overall,
        compared.tied_overall,
        compared.rank_in_stage,
        compared.peers_in_stage,
        compared.rank_in_industry,
        compared.peers_in_industry,
        cast(cast(compared.percentile as decimal(18, 12)) as decimal(9, 2)) as percentile,
        cast(cast(compared.percentile_in_stage as decimal(18, 12)) as decimal(9, 2)) as percentile_in_stage,
        judged.is_passed,
        case when judged.is_passed then judged.routes_met end as passed_by
    from totals
    left join compared on totals.uscc = compared.uscc
    left join judged on totals.uscc = judged.uscc
)

select * from standing
