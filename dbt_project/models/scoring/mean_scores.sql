-- One row per enterprise and indicator where the rule set takes weighted means, else none. From `placed_values`; next:
-- `scores`. Means of groups within groups: indicator, class, ..., total. What is missing is left out of its group, and a group
-- of which all is missing out of the one above; so what an indicator is out of is its part of the scale in what is left.
-- Beside the enterprises one made-up one for each stage (numbers below 0) with all values: its parts show how much of what can
-- be assessed was assessed.
with recursive placed as (
    select * from {{ ref('placed_values') }}
    where is_mean
),

segments as (
    select * from {{ ref('segments') }}
    where is_mean
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

-- '' is the total, above all groups.
groups as (
    select
        ruleset_groups.group_code,
        coalesce(ruleset_groups.parent_code, '') as parent_code,
        ruleset_groups.weight
    from {{ ref('ruleset_groups') }} as ruleset_groups
    inner join in_force on ruleset_groups.ruleset_id = in_force.ruleset_id
),

shares as (
    select
        enterprise_id,
        segment_id,
        value,
        percentile,
        peers,
        cast(worth as decimal(12, 10)) as share
    from placed
    union all
    select
        cast(-dense_rank() over (order by stage) as integer) as enterprise_id,
        segment_id,
        null as value,
        null as percentile,
        null as peers,
        1 as share
    from segments
    where segment = 1
),

grouped as (
    select
        shares.*,
        segments.weight,
        coalesce(groups.group_code, '') as group_code
    from shares
    inner join segments on shares.segment_id = segments.segment_id
    left join groups on segments.class = groups.group_code
),

-- The groups of an enterprise in which there is anything that weighs, from the leaves up.
there as (
    select
        enterprise_id,
        group_code
    from grouped
    where share is not null and weight > 0
    union
    select
        there.enterprise_id,
        groups.parent_code as group_code
    from there
    inner join groups on there.group_code = groups.group_code
),

members as (
    select
        enterprise_id,
        group_code,
        weight
    from grouped
    where share is not null
    union all
    select
        there.enterprise_id,
        groups.parent_code as group_code,
        groups.weight
    from there
    inner join groups on there.group_code = groups.group_code
),

weights as (
    select
        enterprise_id,
        group_code,
        cast(sum(weight) as double) as weight
    from members
    group by enterprise_id, group_code
    having sum(weight) > 0
),

-- What each group is out of, from the total down.
parts as (
    select
        weights.enterprise_id,
        weights.group_code,
        cast(in_force.points_scale as double) as part
    from weights
    cross join in_force
    where weights.group_code = ''
    union all
    select
        there.enterprise_id,
        there.group_code,
        parts.part * cast(groups.weight as double) / weights.weight as part
    from parts
    inner join groups on parts.group_code = groups.parent_code
    inner join there on parts.enterprise_id = there.enterprise_id and groups.group_code = there.group_code
    inner join weights on parts.enterprise_id = weights.enterprise_id and parts.group_code = weights.group_code
),

parted as (
    select
        grouped.enterprise_id,
        grouped.segment_id,
        grouped.value,
        grouped.percentile,
        grouped.peers,
        grouped.share,
        cast(
            cast(
                case
                    when grouped.share is not null
                        then coalesce(parts.part * cast(grouped.weight as double) / weights.weight, 0)
                end as decimal(38, 12)
            ) as decimal(18, 6)
        ) as part
    from grouped
    left join parts on grouped.enterprise_id = parts.enterprise_id and grouped.group_code = parts.group_code
    left join weights on grouped.enterprise_id = weights.enterprise_id and grouped.group_code = weights.group_code
),

-- What rounding leaves over goes to the first indicator that is worth anything.
summed as (
    select
        enterprise_id,
        sum(part) as part,
        min(case when part > 0 then segment_id end) as first_segment_id
    from parted
    group by enterprise_id
),

weighed as (
    select
        parted.*,
        cast(
            parted.part
            + case when parted.segment_id = summed.first_segment_id then in_force.points_scale - summed.part else 0 end
            as decimal(18, 6)
        ) as points_maximum
    from parted
    inner join summed on parted.enterprise_id = summed.enterprise_id
    cross join in_force
),

scored as (
    select
        enterprise_id,
        segment_id,
        value,
        percentile,
        peers,
        cast(cast(share as decimal(38, 10)) * points_maximum as decimal(18, 6)) as points,
        points_maximum
    from weighed
)

select * from scored
