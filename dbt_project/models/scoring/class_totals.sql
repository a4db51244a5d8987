-- Points by class, and where classes are in groups by each group above; those without a `parent_class` add up to the total.
with recursive scores as (
    select * from {{ ref('scores') }}
),

segments as (
    select * from {{ ref('segments') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

groups as (
    select ruleset_groups.*
    from {{ ref('ruleset_groups') }} as ruleset_groups
    inner join {{ ref('ruleset_in_force') }} as in_force on ruleset_groups.ruleset_id = in_force.ruleset_id
),

classes as (
    select
        class,
        min(class_zh) as class_zh,
        min(class_en) as class_en
    from {{ ref('indicators') }}
    group by class
),

-- A class is within itself, and within all that is above it.
within as (
    select
        class,
        class as total_of
    from classes
    union all
    select
        within.class,
        groups.parent_code as total_of
    from within
    inner join groups on within.total_of = groups.group_code
    where groups.parent_code is not null
),

summed as (
    select
        scores.enterprise_id,
        segments.module,
        within.total_of,
        coalesce(sum(scores.points), 0) as points,
        coalesce(sum(case when scores.points is not null then scores.points_maximum end), 0) as points_available,
        -- Of a weighted mean a class is out of its part of the scale, which hangs on what else there is.
        coalesce(sum(case when segments.is_mean then scores.points_maximum else segments.points_listed end), 0)
            as points_maximum,
        count(scores.points) as indicators_counted,
        count(*) as indicators_listed
    from scores
    inner join segments on scores.segment_id = segments.segment_id
    inner join within on segments.class = within.class
    group by scores.enterprise_id, segments.module, within.total_of
),

named as (
    select
        enterprises.uscc,
        summed.module,
        summed.total_of as class,
        coalesce(classes.class_zh, groups.name_zh, summed.total_of) as class_zh,
        coalesce(classes.class_en, groups.name_en, summed.total_of) as class_en,
        cast(summed.points as decimal(18, 6)) as points,
        cast(summed.points_available as decimal(18, 6)) as points_available,
        cast(summed.points_maximum as decimal(18, 6)) as points_maximum,
        summed.indicators_counted,
        summed.indicators_listed,
        groups.parent_code as parent_class
    from summed
    inner join enterprises on summed.enterprise_id = enterprises.enterprise_id
    left join classes on summed.total_of = classes.class
    left join groups on summed.total_of = groups.group_code
)

select * from named
