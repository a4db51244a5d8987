with totals as (
    select * from {{ ref('totals') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

credit as (
    select * from {{ ref('credit_standing') }}
),

-- Competition rank: equal scores share a rank and the next one is skipped. Only ranked enterprises are peers.
ranked as (
    select
        totals.uscc,
        rank() over (order by totals.score desc) as rank_overall,
        count(*) over () as peers_overall,
        count(*) over (partition by totals.score) as tied_overall,
        rank() over (partition by totals.stage order by totals.score desc) as rank_in_stage,
        count(*) over (partition by totals.stage) as peers_in_stage,
        rank() over (partition by enterprises.industry_code order by totals.score desc) as rank_in_industry,
        count(*) over (partition by enterprises.industry_code) as peers_in_industry
    from totals
    inner join enterprises on totals.uscc = enterprises.uscc
    where totals.is_ranked
),

standing as (
    select
        totals.uscc,
        enterprises.enterprise_name,
        totals.stage,
        enterprises.stage_basis,
        enterprises.industry_code,
        enterprises.industry_name,
        totals.ruleset_id,
        totals.as_of,
        totals.reporting_year,
        totals.points_total,
        totals.points_available,
        totals.points_maximum,
        totals.score,
        totals.is_ranked,
        totals.unranked_reason,
        ranked.rank_overall,
        ranked.peers_overall,
        ranked.tied_overall,
        ranked.rank_in_stage,
        ranked.peers_in_stage,
        -- An industry that is not known has no peers.
        case when enterprises.industry_code is not null then ranked.rank_in_industry end as rank_in_industry,
        case when enterprises.industry_code is not null then ranked.peers_in_industry end as peers_in_industry,
        credit.credit_grade,
        credit.active_credit_events
    from totals
    inner join enterprises on totals.uscc = enterprises.uscc
    left join ranked on totals.uscc = ranked.uscc
    left join credit on totals.uscc = credit.uscc
)

select * from standing
