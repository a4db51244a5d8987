-- Guards: each indicator of the rule set in force names the datasets that it is made from, and no input names an indicator that
-- the rule set does not list.
-- Why: whether a value is missing because its source was not supplied is read from there; a row forgotten would turn "not
-- supplied" into "the record lacks a value" for everybody.
with indicators as (
    select * from {{ ref('indicators') }}
),

inputs as (
    select * from {{ ref('ruleset_inputs') }}
    where ruleset_id in (select in_force.ruleset_id from {{ ref('ruleset_in_force') }} as in_force)
),

problems as (
    select
        coalesce(indicators.indicator_code, inputs.indicator_code) as indicator_code,
        inputs.indicator_code is null as names_no_input
    from indicators
    full outer join inputs on indicators.indicator_code = inputs.indicator_code
    where indicators.indicator_code is null or inputs.indicator_code is null
)

select * from problems
