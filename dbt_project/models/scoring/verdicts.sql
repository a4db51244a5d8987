with conditions as (
    select ruleset_conditions.*
    from {{ ref('ruleset_conditions') }} as ruleset_conditions
    inner join {{ ref('ruleset_in_force') }} as in_force on ruleset_conditions.ruleset_id = in_force.ruleset_id
),

totals as (
    select * from {{ ref('totals') }}
),

points as (
    select * from {{ ref('points') }}
    where indicator_code in (select substring(conditions.measure, 8) from conditions)
        or indicator_code in (select substring(conditions.measure, 7) from conditions)
),

measured as (
    select
        totals.uscc,
        conditions.condition_code,
        case conditions.measure when 'score' then totals.score when 'points_total' then totals.points_total end as measured
    from totals
    inner join conditions on conditions.measure in ('score', 'points_total')
    union all
    select
        points.uscc,
        conditions.condition_code,
        case when conditions.measure like 'points:%' then points.points else points.value end as measured
    from points
    inner join conditions on conditions.measure in ('points:' || points.indicator_code, 'value:' || points.indicator_code)
),

judged as (
    select
        measured.uscc,
        conditions.ruleset_id,
        conditions.condition_code,
        conditions.name_zh,
        conditions.name_en,
        conditions.route,
        cast(measured.measured as decimal(20, 6)) as measured,
        -- What is not known meets no condition.
        coalesce(
            (
                conditions.lo is null or measured.measured > conditions.lo
                or (coalesce(conditions.inclusive_lo, true) and measured.measured = conditions.lo)
            )
            and (
                conditions.hi is null or measured.measured < conditions.hi
                or (coalesce(conditions.inclusive_hi, false) and measured.measured = conditions.hi)
            ), false
        ) and measured.measured is not null as is_met
    from measured
    inner join conditions on measured.condition_code = conditions.condition_code
)

select * from judged
