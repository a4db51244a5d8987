-- depends_on: {{ ref('scorecard_lines') }}, {{ ref('gaps') }}, {{ ref('measures') }}, {{ ref('scores') }}, {{ ref('ruleset_in_force') }}
{%- set is_mean = scored_as_mean() %}
with long_scores as (
    {{ long_scores(scorecard(), is_mean) }}
),

scored as (
    select
        uscc,
        value,
        line,
        percentile,
        peers,
        {{ millionths('maximum') }} as own_maximum,
        {{ millionths('points') }} as own_points,
        points is not null as is_counted
    from long_scores
),

top_reasons as (
    select * from {{ ref('top_reasons') }}
),

{{ explained_scores('scored', is_mean, more=['points', 'points_maximum', 'is_counted']) }},

ranked as (
    select
        explained.uscc,
        explained.indicator_code,
        explained.points,
        explained.points_lost,
        explained.points_maximum,
        explained.is_counted,
        top_reasons.loss_rank,
        explained.next_at,
        explained.next_points,
        explained.reason_zh,
        explained.reason_en,
        explained.change_zh,
        explained.change_en
    from explained
    left join top_reasons on explained.uscc = top_reasons.uscc and explained.indicator_code = top_reasons.indicator_code
)

select * from ranked
