-- depends_on: {{ ref('scorecard_lines') }}, {{ ref('gaps') }}, {{ ref('measures') }}, {{ ref('scores') }}, {{ ref('ruleset_in_force') }}
with long_scores as (
    {{ long_scores(scorecard(), scored_as_mean()) }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

weights as (
    select * from {{ ref('weights') }}
),

rules as (
    select * from {{ ref('rules') }}
),

gaps as (
    select * from {{ ref('gaps') }}
),

named as (
    select
        long_scores.*,
        indicators.ruleset_id,
        indicators.unit,
        -- A value that has nobody to be compared with is supplied, and missing in its own way.
        case
            when long_scores.segment >= 0 or long_scores.value is not null then 'supplied'
            else {{ supply_status_name('-long_scores.segment') }}
        end as supply_status,
        {{ supply_status_name('-long_scores.segment') }} as gap
    from long_scores
    inner join indicators on long_scores.indicator_code = indicators.indicator_code
),

scored as (
    select
        named.uscc,
        named.indicator_code,
        named.ruleset_id,
        named.stage,
        named.value,
        named.unit,
        named.supply_status,
        named.gap,
        gaps.treatment,
        rules.function,
        named.segment,
        rules.bin,
        coalesce(named.percentile, named.value) as position,
        named.peers,
        {{ share_in_segment('coalesce(named.percentile, named.value)', 'rules') }} as share,
        {{ millionths('named.points') }} as points,
        coalesce({{ millionths('named.maximum') }}, weights.points_maximum) as points_maximum,
        -weights.deduction as points_minimum,
        weights.weight,
        weights.deduction,
        weights.best_of,
        named.points is not null as is_counted,
        coalesce(rules.function = 'veto' and rules.share_at_lo < 1, false) as is_veto
    from named
    left join weights on named.indicator_code = weights.indicator_code and named.stage = weights.stage
    left join rules
        on
            named.indicator_code = rules.indicator_code
            and named.stage = rules.stage
            and named.segment = rules.segment
    left join gaps on named.indicator_code = gaps.indicator_code and named.gap = gaps.supply_status
)

select * from scored
