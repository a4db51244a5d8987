-- depends_on: {{ ref('scorecard_lines') }}, {{ ref('gaps') }}, {{ ref('measures') }}, {{ ref('scores') }}, {{ ref('ruleset_in_force') }}
{%- set is_mean = scored_as_mean() %}
with costliest as (
    {{ costliest_scores(scorecard(), is_mean) }}
),

numbered as (
    select
        indicator_code,
        row_number() over (order by indicator_code) as position
    from {{ ref('indicators') }}
),

stage_weights as (
    select * from {{ ref('weights') }}
),

maxima as (
    select
        costliest.*,
        numbered.indicator_code,
        coalesce({{ millionths('costliest.maximum') }}, stage_weights.points_maximum) as points_maximum
    from costliest
    inner join numbered on costliest.position = numbered.position
    left join stage_weights on numbered.indicator_code = stage_weights.indicator_code and costliest.stage = stage_weights.stage
),

scored as (
    select
        uscc,
        stage,
        cast(loss_rank as integer) as loss_rank,
        indicator_code,
        value,
        segment,
        percentile,
        peers,
        cast(points_maximum - {{ millionths('loss') }} as decimal(18, 6)) as points,
        points_maximum,
        true as is_counted
    from maxima
),

{{ explained_scores('scored', is_mean, more=['loss_rank']) }},

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
