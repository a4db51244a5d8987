-- One row per eligible enterprise and indicator: the segment that its value is in and its points, by `placed_values`, or by
-- `mean_scores` where the rule set takes weighted means. Null points do not count, which is not zero. Next: `points` names the
-- segment; `totals` adds up. A table, since it is read many times.
with placed as (
    select * from {{ ref('placed_values') }}
),

-- Of indicators that stand for each other only the best counts, the first one where they are equal.
ordered as (
    select
        *,
        row_number() over (
            partition by enterprise_id, best_of order by worth desc nulls last, segment_id asc
        ) as place
    from placed
    where best_of is not null and not is_mean
),

scored as (
    select
        enterprise_id,
        segment_id,
        value,
        percentile,
        peers,
        cast(worth as decimal(18, 6)) as points,
        points_maximum
    from placed
    where best_of is null and not is_mean
    union all
    select
        enterprise_id,
        segment_id,
        value,
        percentile,
        peers,
        cast(case when place = 1 then worth end as decimal(18, 6)) as points,
        points_maximum
    from ordered
    union all
    select
        enterprise_id,
        segment_id,
        value,
        percentile,
        peers,
        points,
        points_maximum
    from {{ ref('mean_scores') }}
    where enterprise_id > 0
)

select * from scored
