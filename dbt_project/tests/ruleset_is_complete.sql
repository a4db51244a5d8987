-- Guards: in the rule set in force every indicator has a weight and rules for every stage and names its inputs, nothing is
-- said of an indicator or a stage that it does not list, and each way of being missing has its one treatment.
-- Why: each of these is a join in the scoring; a row forgotten by whoever edits the seeds would silently take an indicator
-- out of a stage.
with in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

stages as (
    select * from {{ ref('stages') }}
),

weights as (
    select * from {{ ref('weights') }}
),

rules as (
    select * from {{ ref('rules') }}
),

written_rules as (
    select * from {{ ref('ruleset_rules') }}
    where ruleset_id in (select in_force.ruleset_id from in_force)
),

inputs as (
    select * from {{ ref('ruleset_inputs') }}
    where ruleset_id in (select in_force.ruleset_id from in_force)
),

treatments as (
    select * from {{ ref('ruleset_missing') }}
    where ruleset_id in (select in_force.ruleset_id from in_force)
),

wanted as (
    select
        indicators.indicator_code,
        stages.stage
    from indicators
    cross join stages
),

without_weight as (
    select
        'no weight' as problem,
        wanted.indicator_code,
        wanted.stage
    from wanted
    left join weights on wanted.indicator_code = weights.indicator_code and wanted.stage = weights.stage
    where weights.weight is null
),

without_rule as (
    select
        'no rule' as problem,
        wanted.indicator_code,
        wanted.stage
    from wanted
    left join rules on wanted.indicator_code = rules.indicator_code and wanted.stage = rules.stage
    where rules.indicator_code is null
),

without_input as (
    select
        'no input' as problem,
        indicators.indicator_code,
        null as stage
    from indicators
    left join inputs on indicators.indicator_code = inputs.indicator_code
    where inputs.indicator_code is null
),

stray_weight as (
    select
        'weight of an indicator or a stage that is not listed' as problem,
        weights.indicator_code,
        weights.stage
    from weights
    left join wanted on weights.indicator_code = wanted.indicator_code and weights.stage = wanted.stage
    where wanted.stage is null
),

stray_rule as (
    select
        'rule of an indicator or a stage that is not listed' as problem,
        written_rules.indicator_code,
        written_rules.stage
    from written_rules
    left join wanted
        on
            written_rules.indicator_code = wanted.indicator_code
            and (written_rules.stage = wanted.stage or written_rules.stage = '*')
    where wanted.stage is null
),

treatment_wrong as (
    select
        'each of the four missing statuses needs one treatment: rebase, zero or refuse' as problem,
        null as indicator_code,
        null as stage
    from treatments
    where
        supply_status in ('source_not_supplied', 'record_not_supplied', 'value_not_supplied', 'not_defined')
        and treatment in ('rebase', 'zero', 'refuse')
    having count(distinct supply_status) <> 4 or count(*) <> 4
),

problems as (
    select * from without_weight
    union all
    select * from without_rule
    union all
    select * from without_input
    union all
    select * from stray_weight
    union all
    select * from stray_rule
    union all
    select * from treatment_wrong
)

select * from problems
