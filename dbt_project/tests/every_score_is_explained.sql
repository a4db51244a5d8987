-- Guards: a supplied value in a known stage has hit exactly one bin, its points are weight x share to four decimals and lie
-- between 0 and the maximum; a value that is not supplied has neither bin nor, unless the rule set says 0, points.
-- Why: a score that cannot be recomputed from the row it stands in may not be published.
with points as (
    select * from {{ ref('points') }}
)

select * from points
where
    (supply_status = 'supplied') <> (value is not null)
    or (
        supply_status = 'supplied'
        and stage is not null
        and (
            bin is null
            or points is null
            or points <> cast(weight * share as decimal(9, 4))
            or points < 0
            or points > points_maximum
        )
    )
    or (supply_status <> 'supplied' and (bin is not null or coalesce(points, 0) <> 0))
