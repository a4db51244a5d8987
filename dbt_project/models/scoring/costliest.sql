{#- In numbers only: the sentences of top_reasons are made of these when somebody reads them. -#}
-- depends_on: {{ ref('scorecard_lines') }}, {{ ref('gaps') }}, {{ ref('measures') }}, {{ ref('scores') }}, {{ ref('ruleset_in_force') }}
with costliest as (
    {{ costliest_scores(scorecard(), scored_as_mean()) }}
),

kept as (
    select
        uscc,
        cast(loss_rank as tinyint) as loss_rank,
        value,
        line,
        percentile,
        peers,
        loss,
        maximum
    from costliest
)

select * from kept
