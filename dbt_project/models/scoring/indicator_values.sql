with innovation as (
    select * from {{ ref('ind_innovation') }}
),

growth as (
    select * from {{ ref('ind_growth') }}
),

auxiliary as (
    select * from {{ ref('ind_auxiliary') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

inputs as (
    select * from {{ ref('ruleset_inputs') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

records as (
    select * from {{ ref('int_supply__records') }}
),

supply as (
    select * from {{ ref('stg_pipeline__supply') }}
),

long_values as (
    {{ indicator_rows('innovation') }}
    union all
    {{ indicator_rows('growth') }}
    union all
    {{ indicator_rows('auxiliary') }}
),

long_flags as (
    {{ indicator_rows('innovation', suffix='_is_undefined') }}
    union all
    {{ indicator_rows('growth', suffix='_is_undefined') }}
),

-- Every eligible enterprise has a row for every indicator of the rule set, whether or not anything was supplied.
grid as (
    select
        enterprises.uscc,
        enterprises.reporting_year,
        indicators.ruleset_id,
        indicators.indicator_code,
        indicators.unit,
        long_values.value,
        coalesce(long_flags.value, false) as is_undefined
    from enterprises
    cross join indicators
    left join long_values
        on enterprises.uscc = long_values.uscc and indicators.indicator_code = long_values.indicator_code
    left join long_flags
        on enterprises.uscc = long_flags.uscc and indicators.indicator_code = long_flags.indicator_code
),

supplied_inputs as (
    select
        inputs.ruleset_id,
        inputs.indicator_code,
        inputs.source,
        inputs.dataset,
        inputs.years_back,
        coalesce(supply.is_supplied, false) as is_supplied,
        coalesce(supply.coverage, 'partial') as coverage
    from inputs
    left join supply on inputs.source = supply.source and inputs.dataset = supply.dataset
),

unsupplied_indicators as (
    select distinct
        ruleset_id,
        indicator_code
    from supplied_inputs
    where not is_supplied
),

-- Only a missing value needs a reason, and only a dataset that does not cover everybody can lack a record.
absent_records as (
    select distinct
        grid.uscc,
        grid.indicator_code
    from grid
    inner join supplied_inputs
        on grid.ruleset_id = supplied_inputs.ruleset_id and grid.indicator_code = supplied_inputs.indicator_code
    left join records
        on
            grid.uscc = records.uscc
            and supplied_inputs.source = records.source
            and supplied_inputs.dataset = records.dataset
            and supplied_inputs.years_back = records.years_back
    where grid.value is null and supplied_inputs.coverage = 'partial' and records.uscc is null
),

explained as (
    select
        grid.uscc,
        grid.reporting_year,
        grid.ruleset_id,
        grid.indicator_code,
        grid.unit,
        case
            when unsupplied_indicators.indicator_code is not null then 'source_not_supplied'
            when grid.value is not null then 'supplied'
            when grid.is_undefined then 'not_defined'
            when absent_records.uscc is not null then 'record_not_supplied'
            else 'value_not_supplied'
        end as supply_status,
        case when unsupplied_indicators.indicator_code is null then grid.value end as value
    from grid
    left join unsupplied_indicators
        on
            grid.ruleset_id = unsupplied_indicators.ruleset_id
            and grid.indicator_code = unsupplied_indicators.indicator_code
    left join absent_records
        on grid.uscc = absent_records.uscc and grid.indicator_code = absent_records.indicator_code
)

select * from explained
