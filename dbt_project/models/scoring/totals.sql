with scores as (
    select * from {{ ref('scores') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- The worth of an indicator for an enterprise with all values: in points its maximum, in a weighted mean its share.
whole_parts as (
    select
        segments.measure,
        segments.stage,
        mean_scores.points_maximum
    from {{ ref('mean_scores') }} as mean_scores
    inner join {{ ref('segments') }} as segments on mean_scores.segment_id = segments.segment_id
    where mean_scores.enterprise_id < 0
),

segments as (
    select
        segments.segment_id,
        segments.module,
        segments.points_listed,
        segments.is_mean,
        segments.is_refused,
        segments.is_veto,
        coalesce(whole_parts.points_maximum, segments.points_maximum) as points_assessable
    from {{ ref('segments') }} as segments
    left join whole_parts on segments.measure = whole_parts.measure and segments.stage = whole_parts.stage
),

summed as (
    select
        scores.enterprise_id,
        cast(coalesce(sum(scores.points), 0) as decimal(18, 6)) as points_total,
        cast(coalesce(sum(case when segments.module = 'core' then scores.points end), 0) as decimal(18, 6)) as core_points,
        cast(coalesce(sum(case when segments.module = 'local' then scores.points end), 0) as decimal(18, 6)) as local_points,
        cast(coalesce(sum(case when scores.points is not null then scores.points_maximum end), 0) as decimal(18, 6))
            as points_available,
        sum(case when scores.points is not null then segments.points_assessable end) as points_assessable,
        -- A weighted mean is out of what counts.
        cast(
            coalesce(sum(case when segments.is_mean then scores.points_maximum else segments.points_listed end), 0)
            as decimal(18, 6)
        ) as points_maximum,
        max(case when segments.is_refused then 1 else 0 end) as is_refused,
        max(case when segments.is_veto then 1 else 0 end) as is_vetoed
    from scores
    inner join segments on scores.segment_id = segments.segment_id
    group by scores.enterprise_id
),

counted as (
    select
        *,
        -- In percent. Whole millionths of a point are exact as doubles, and so equal parts give equal quotients. Points taken
        -- away may leave less than nothing, which is a score of 0.
        case
            when points_available > 0
                then 100 * greatest(cast(cast(cast(points_total as decimal(38, 6)) * 1000000 as bigint) as double), 0)
                    / cast(cast(cast(points_available as decimal(38, 6)) * 1000000 as bigint) as double)
        end as exact_score
    from summed
),

judged as (
    select
        enterprises.uscc,
        enterprises.stage,
        in_force.ruleset_id,
        in_force.as_of,
        in_force.reporting_year,
        counted.points_total,
        counted.core_points,
        counted.local_points,
        counted.points_available,
        counted.points_maximum,
        cast(cast(counted.exact_score as decimal(18, 12)) as decimal(9, 4)) as score,
        counted.exact_score,
        counted.is_vetoed = 1 as is_vetoed,
        case
            when enterprises.stage is null then 'stage_unknown'
            when counted.is_refused = 1 then 'missing_refused'
            when counted.points_available = 0 then 'too_few_points_available'
            when counted.points_assessable < in_force.minimum_points_available then 'too_few_points_available'
            when counted.is_vetoed = 1 then 'vetoed'
        end as unranked_reason
    from counted
    inner join enterprises on counted.enterprise_id = enterprises.enterprise_id
    cross join in_force
),

scored as (
    select
        *,
        unranked_reason is null as is_ranked
    from judged
)

select * from scored
