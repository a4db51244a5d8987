with points as (
    select * from {{ ref('points') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

summed as (
    select
        uscc,
        stage,
        ruleset_id,
        cast(coalesce(sum(case when is_counted then points end), 0) as decimal(9, 4)) as points_total,
        cast(coalesce(sum(case when is_counted then points_maximum end), 0) as decimal(9, 4)) as points_available,
        cast(coalesce(sum(points_maximum), 0) as decimal(9, 4)) as points_maximum,
        sum(case when treatment = 'refuse' then 1 else 0 end) as refused_count
    from points
    group by uscc, stage, ruleset_id
),

judged as (
    select
        summed.*,
        in_force.as_of,
        in_force.reporting_year,
        case
            when summed.stage is null then 'stage_unknown'
            when summed.refused_count > 0 then 'missing_refused'
            when summed.points_available < in_force.minimum_points_available then 'too_few_points_available'
        end as unranked_reason
    from summed
    inner join in_force on summed.ruleset_id = in_force.ruleset_id
),

scored as (
    select
        uscc,
        stage,
        ruleset_id,
        as_of,
        reporting_year,
        points_total,
        points_available,
        points_maximum,
        cast({{ exact_ratio('points_total', 'points_available', scale=4, times=100) }} as decimal(9, 4)) as score,
        unranked_reason is null as is_ranked,
        unranked_reason
    from judged
)

select * from scored
