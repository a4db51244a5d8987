-- depends_on: {{ ref('ruleset_in_force') }}
{%- set is_mean = scored_as_mean() %}
with points as (
    select
        uscc,
        stage,
        indicator_code,
        value,
        segment,
        position as percentile,
        peers,
        points,
        points_maximum,
        is_counted
    from {{ ref('points') }}
),

top_reasons as (
    select * from {{ ref('top_reasons') }}
),

{{ explained_scores('points', is_mean, more=['points', 'points_maximum', 'is_counted']) }},

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
