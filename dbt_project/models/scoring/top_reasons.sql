-- depends_on: {{ ref('ruleset_in_force') }}
{%- set is_mean = scored_as_mean() %}
with costliest as (
    select * from {{ ref('costliest') }}
),

scored as (
    select
        uscc,
        cast(loss_rank as integer) as loss_rank,
        value,
        line,
        percentile,
        peers,
        {{ millionths('maximum') }} as own_maximum,
        {{ millionths('loss') }} as points_lost,
        true as is_counted
    from costliest
),

{{ explained_scores('scored', is_mean, more=['loss_rank'], knows_loss=true) }},

chosen as (
    select
        uscc,
        loss_rank,
        indicator_code,
        points_lost,
        reason_zh,
        reason_en,
        change_zh,
        change_en
    from explained
)

select * from chosen
