with points as (
    select * from {{ ref('points') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

-- Of indicators that stand for each other the class holds one: what the best of them can give.
held as (
    select
        uscc,
        indicator_code,
        is_counted,
        points,
        points_maximum,
        case
            when best_of is null then weight
            when row_number() over (partition by uscc, best_of order by weight desc, indicator_code asc) = 1 then weight
            else 0
        end as weight
    from points
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

summed as (
    select
        held.uscc,
        indicators.module,
        indicators.class,
        indicators.class_zh,
        indicators.class_en,
        cast(coalesce(sum(case when held.is_counted then held.points end), 0) as decimal(18, 6)) as points,
        cast(coalesce(sum(case when held.is_counted then held.points_maximum end), 0) as decimal(18, 6)) as points_available,
        -- What a class is out of; of a weighted mean that is its part of the scale, which hangs on what else there is.
        cast(
            coalesce(
                sum(
                    case when in_force.aggregation = 'points' then held.weight when held.is_counted then held.points_maximum end
                ),
                0
            ) as decimal(18, 6)
        ) as points_maximum,
        sum(case when held.is_counted then 1 else 0 end) as indicators_counted,
        count(*) as indicators_listed
    from held
    cross join in_force
    inner join indicators on held.indicator_code = indicators.indicator_code
    group by held.uscc, indicators.module, indicators.class, indicators.class_zh, indicators.class_en
)

select * from summed
