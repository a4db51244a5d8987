-- Guards: a supplied value in a known stage has hit one bin, and its points are what value, weight and bin give when they are
-- worked out again, row by row; they lie between minimum and maximum. A value that is not supplied has neither bin nor, unless
-- the rule set says 0, points. Only the best of several that stand for each other has points.
-- Why: points are compiled from the rules into one wide pass; a score that cannot be recomputed from the row it stands in may
-- not be published.
-- The tolerance is two of the last decimal of points, and what the share's own rounding comes to: it is held to ten decimals,
-- so it is off by up to half of the last, times all that it is a share of.
with points as (
    select * from {{ ref('points') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

spans as (
    select
        points.*,
        case in_force.aggregation
            when 'weighted_mean' then points.points_maximum
            else points.weight + points.deduction
        end as span,
        case in_force.aggregation when 'weighted_mean' then 0 else points.deduction end as taken_away
    from points
    cross join in_force
),

recomputed as (
    select
        spans.*,
        spans.span * cast(spans.share as decimal(38, 10)) - spans.taken_away as expected,
        0.000002 + spans.span * 0.00000000005 as tolerance
    from spans
)

select * from recomputed
where
    (supply_status = 'supplied') <> (value is not null)
    or (
        supply_status = 'supplied'
        and stage is not null
        and treatment is null
        and (
            bin is null
            or (points is null and best_of is null)
            or abs(points - expected) > tolerance
            or points < points_minimum
            or points > points_maximum
        )
    )
    or (supply_status <> 'supplied' and (bin is not null or coalesce(points, 0) <> 0))
