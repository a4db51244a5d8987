-- depends_on: {{ ref('scorecard_lines') }}, {{ ref('gaps') }}, {{ ref('measures') }}, {{ ref('scores') }}, {{ ref('ruleset_in_force') }}
with long_scores as (
    {{ long_scores(scorecard(), scored_as_mean()) }}
),

score_lines as (
    select * from {{ ref('score_lines') }}
),

scored as (
    select
        long_scores.uscc,
        score_lines.indicator_code,
        score_lines.ruleset_id,
        long_scores.stage,
        long_scores.value,
        score_lines.unit,
        score_lines.supply_status,
        score_lines.gap,
        score_lines.treatment,
        score_lines.function,
        score_lines.segment,
        score_lines.bin,
        coalesce(long_scores.percentile, long_scores.value) as position,
        long_scores.peers,
        {{ share_in_segment('coalesce(long_scores.percentile, long_scores.value)', 'score_lines') }} as share,
        {{ millionths('long_scores.points') }} as points,
        coalesce({{ millionths('long_scores.maximum') }}, score_lines.points_maximum) as points_maximum,
        -score_lines.deduction as points_minimum,
        score_lines.weight,
        score_lines.deduction,
        score_lines.best_of,
        long_scores.points is not null as is_counted,
        score_lines.is_veto
    from long_scores
    inner join score_lines on long_scores.line = score_lines.line
)

select * from scored
