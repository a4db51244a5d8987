with inputs as (
    select * from {{ ref('ruleset_inputs') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

supply as (
    select * from {{ ref('supply') }}
),

supplied as (
    select
        inputs.indicator_code,
        inputs.source,
        inputs.dataset,
        inputs.years_back,
        -- A dataset that nobody speaks of was not supplied, and covers nobody for sure.
        coalesce(supply.is_supplied, false) as is_supplied,
        coalesce(supply.coverage, 'partial') as coverage
    from inputs
    inner join in_force on inputs.ruleset_id = in_force.ruleset_id
    left join supply on inputs.source = supply.source and inputs.dataset = supply.dataset
)

select * from supplied
