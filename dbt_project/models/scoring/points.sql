with indicator_values as (
    select * from {{ ref('indicator_values') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

weights as (
    select * from {{ ref('weights') }}
),

rules as (
    select * from {{ ref('rules') }}
),

missing as (
    select * from {{ ref('ruleset_missing') }}
),

weighted as (
    select
        indicator_values.*,
        enterprises.stage,
        weights.weight,
        missing.treatment
    from indicator_values
    inner join enterprises on indicator_values.uscc = enterprises.uscc
    left join weights
        on
            indicator_values.ruleset_id = weights.ruleset_id
            and indicator_values.indicator_code = weights.indicator_code
            and enterprises.stage = weights.stage
    left join missing
        on
            indicator_values.ruleset_id = missing.ruleset_id
            and indicator_values.supply_status = missing.supply_status
),

hit as (
    select
        weighted.*,
        rules.function,
        rules.bin,
        -- A segment that is open below is flat: there is nothing to measure the slope from.
        cast(
            rules.share_at_lo + case
                when rules.lo is null then 0
                else cast((weighted.value - rules.lo) * rules.slope as decimal(38, 18))
            end as decimal(12, 10)
        ) as share
    from weighted
    left join rules
        on
            weighted.ruleset_id = rules.ruleset_id
            and weighted.indicator_code = rules.indicator_code
            and weighted.stage = rules.stage
            and (rules.lo is null or weighted.value >= rules.lo)
            and (rules.hi is null or weighted.value < rules.hi)
            and weighted.value is not null
),

scored as (
    select
        uscc,
        indicator_code,
        ruleset_id,
        stage,
        value,
        unit,
        supply_status,
        treatment,
        function,
        bin,
        share,
        -- Where the rule set leaves a missing indicator out of the maximum, it has no points, which is not zero points.
        case
            when supply_status = 'supplied' then cast(weight * share as decimal(9, 4))
            when treatment = 'zero' then cast(weight * 0 as decimal(9, 4))
        end as points,
        weight as points_maximum,
        weight,
        weight is not null and (supply_status = 'supplied' or treatment = 'zero') as is_counted
    from hit
)

select * from scored
