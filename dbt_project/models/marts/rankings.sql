with totals as (
    select * from {{ ref('totals') }}
),

ranks as (
    select * from {{ ref('ranks') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

credit as (
    select * from {{ ref('credit_standing') }}
),

costliest as (
    select
        uscc,
        {{ joined_text('indicator_code', ', ', 'loss_rank') }} as costliest
    from {{ ref('top_reasons') }}
    group by uscc
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
        totals.core_points,
        totals.local_points,
        totals.points_available,
        totals.points_maximum,
        totals.score,
        totals.is_ranked,
        totals.unranked_reason,
        ranks.rank_overall,
        ranks.peers_overall,
        ranks.tied_overall,
        ranks.percentile,
        ranks.rank_in_stage,
        ranks.peers_in_stage,
        ranks.percentile_in_stage,
        ranks.rank_in_industry,
        ranks.peers_in_industry,
        totals.is_vetoed,
        ranks.is_passed,
        ranks.passed_by,
        costliest.costliest,
        credit.credit_grade,
        credit.active_credit_events
    from totals
    inner join enterprises on totals.uscc = enterprises.uscc
    inner join ranks on totals.uscc = ranks.uscc
    left join costliest on totals.uscc = costliest.uscc
    left join credit on totals.uscc = credit.uscc
)

select * from standing
