with rules as (
    select * from {{ ref('rules') }}
),

weights as (
    select * from {{ ref('weights') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

stages as (
    select * from {{ ref('stages') }}
),

ordered as (
    select
        *,
        row_number() over (order by indicator_code) as position
    from indicators
),

numbered_stages as (
    select
        stage,
        row_number() over (order by position, stage) as stage_no
    from stages
),

lines as (
    select
        ordered.position,
        rules.indicator_code,
        ordered.best_of,
        ordered.module,
        ordered.class,
        rules.stage,
        numbered_stages.stage_no,
        rules.segment,
        rules.function,
        rules.lo,
        rules.hi,
        rules.below_value,
        rules.share_at_lo,
        rules.share_at_hi,
        rules.log_offset,
        rules.peer_by,
        rules.minimum_peers,
        weights.weight,
        weights.deduction,
        weights.points_maximum
    from rules
    inner join weights on rules.indicator_code = weights.indicator_code and rules.stage = weights.stage
    inner join numbered_stages on rules.stage = numbered_stages.stage
    inner join ordered on rules.indicator_code = ordered.indicator_code
)

select * from lines
