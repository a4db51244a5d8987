-- One row per indicator and stage of the rule set in force: its weight, which is the maximum of its points. From
-- `ruleset_weights.csv`; next: `segments`.
with all_weights as (
    select * from {{ ref('ruleset_weights') }}
),

stages as (
    select * from {{ ref('stages') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

by_stage as (
    select
        all_weights.ruleset_id,
        all_weights.indicator_code,
        indicators.best_of,
        indicators.module,
        stages.stage,
        all_weights.weight,
        coalesce(all_weights.deduction, 0) as deduction
    from all_weights
    inner join stages
        on
            all_weights.ruleset_id = stages.ruleset_id
            and (all_weights.stage = stages.stage or all_weights.stage = '*')
    inner join indicators
        on all_weights.ruleset_id = indicators.ruleset_id and all_weights.indicator_code = indicators.indicator_code
),

-- Of indicators that stand for each other only the best counts, out of the most that any of them can give.
best_of as (
    select
        *,
        case
            when best_of is null then weight
            else max(weight) over (partition by stage, best_of)
        end as points_maximum
    from by_stage
)

select * from best_of
