-- One row per eligible enterprise and indicator: its value (`indicator_values`), the segment that this is in
-- (`rulesets/segments`), and what it is `worth` there: points, or the share of a weighted mean. Next: `scores`. Nothing (null)
-- is not zero: what is worth nothing does not count, what is worth zero does.
with indicator_values as (
    select * from {{ ref('indicator_values') }}
),

peer_positions as (
    select * from {{ ref('peer_positions') }}
),

segments as (
    select * from {{ ref('segments') }}
),

-- What the segments of a rule are over: the value, or where `peer_positions` has a row its percentile. Status 5: too few peers.
positioned as (
    select
        indicator_values.enterprise_id,
        indicator_values.measure,
        indicator_values.stage,
        indicator_values.value,
        peer_positions.percentile,
        peer_positions.peers,
        coalesce(
            case when peer_positions.enterprise_id is null then indicator_values.value else peer_positions.percentile end, 0
        ) as position,
        case
            when indicator_values.status = 0 and peer_positions.enterprise_id is not null and peer_positions.percentile is null
                then 5
            else indicator_values.status
        end as status
    from indicator_values
    left join peer_positions
        on
            indicator_values.enterprise_id = peer_positions.enterprise_id
            and indicator_values.measure = peer_positions.measure
),

placed as (
    select
        positioned.enterprise_id,
        positioned.value,
        positioned.percentile,
        positioned.peers,
        positioned.position,
        segments.*
    from positioned
    inner join segments
        on
            positioned.measure = segments.measure
            and positioned.stage = segments.stage
            and positioned.status = segments.status
            and positioned.position between segments.from_value and segments.upto_value
),

-- How far along its slope a value is, from 0 to 1. The one division is of doubles. Values outside are clamped, and
-- no logarithm of a value without one is taken: an engine may compute this before it applies the join conditions. A
-- logarithm counts to eight decimals of the slope (docs/rule-sets.md): its last digits are the library's.
along as (
    select
        *,
        case
            when is_log
                then round((ln(greatest(cast(position + log_offset as double), 0.000001)) - log_at_lo) / width, 8)
            when is_slope then cast(position - lo as double) / width
        end as way
    from placed
),

exact as (
    select
        *,
        worth_at_lo + rise * least(greatest(way, 0), 1) as worth_on_slope
    from along
),

-- Rounded once, to six digits (a share to ten), by way of twelve: a double may hold what is half way between two millionths a
-- trace too low.
rounded as (
    select
        *,
        case
            when not is_counted then null
            when segment < 0 then 0
            when not is_slope then flat_worth
            when is_mean then cast(cast(worth_on_slope as decimal(18, 12)) as decimal(18, 10))
            when is_large then cast(cast(cast(worth_on_slope as decimal(38, 12)) as decimal(18, 6)) as decimal(18, 10))
            else cast(cast(cast(worth_on_slope as decimal(18, 12)) as decimal(18, 6)) as decimal(18, 10))
        end as before_deduction
    from exact
),

worth as (
    select
        enterprise_id,
        segment_id,
        best_of,
        is_mean,
        value,
        percentile,
        peers,
        points_maximum,
        before_deduction - taken_away as worth
    from rounded
)

select * from worth
