-- One row per eligible enterprise and indicator, published: how its value became points. From `scores`, beside the segment of
-- `rulesets/segments` that the value is in (`bin` is its range as text). Next: `reasons` says it in sentences. See README.md.
with scores as (
    select * from {{ ref('scores') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

segments as (
    select * from {{ ref('segments') }}
),

placed as (
    select
        scores.enterprise_id,
        scores.value,
        scores.peers,
        scores.points,
        scores.points_maximum as own_maximum,
        coalesce(scores.percentile, scores.value) as position,
        segments.*
    from scores
    inner join segments on scores.segment_id = segments.segment_id
),

-- The share is for people to read: rounded to ten digits, points are not made of it.
along as (
    select
        *,
        case
            when is_log then cast((ln(cast(position + log_offset as double)) - log_at_lo) / width as decimal(9, 8))
        end as log_way,
        cast(share_at_hi - share_at_lo as double) * cast(position - lo as double) / width as rise_so_far
    from placed
),

shared as (
    select
        *,
        case
            when not is_slope then share_at_lo
            when is_log then cast(share_at_lo + (share_at_hi - share_at_lo) * log_way as decimal(12, 10))
            else cast(share_at_lo + cast(rise_so_far as decimal(12, 10)) as decimal(12, 10))
        end as share
    from along
),

scored as (
    select
        enterprises.uscc,
        shared.indicator_code,
        shared.ruleset_id,
        enterprises.stage,
        shared.value,
        shared.unit,
        shared.supply_status,
        shared.gap,
        shared.treatment,
        shared.function,
        shared.segment,
        shared.bin,
        shared.position,
        shared.peers,
        shared.share,
        shared.points,
        coalesce(shared.own_maximum, shared.points_maximum) as points_maximum,
        -shared.deduction as points_minimum,
        shared.weight,
        shared.deduction,
        shared.best_of,
        shared.points is not null as is_counted,
        shared.is_veto
    from shared
    inner join enterprises on shared.enterprise_id = enterprises.enterprise_id
)

select * from scored
