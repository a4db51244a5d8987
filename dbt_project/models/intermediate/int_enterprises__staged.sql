{{ config(materialized='table') }}

with enterprises as (
    select * from {{ ref('int_enterprises__eligibility') }}
    where is_eligible
),

filings as (
    select * from {{ ref('int_filings__latest') }}
),

stages as (
    select * from {{ ref('stages') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

measured as (
    select
        enterprises.uscc,
        enterprises.enterprise_name,
        enterprises.founded_on,
        enterprises.industry_code,
        enterprises.industry_name,
        in_force.ruleset_id,
        in_force.as_of,
        in_force.reporting_year,
        enterprises.founded_on > in_force.young_if_founded_after_on as is_young,
        filings.operating_revenue_cny
    from enterprises
    cross join in_force
    left join filings on enterprises.uscc = filings.uscc
),

by_age as (
    select
        measured.uscc,
        stages.stage,
        'age' as stage_basis,
        0 as preference
    from measured
    inner join stages on measured.founded_on > stages.young_if_founded_after_on
),

by_revenue as (
    select
        measured.uscc,
        stages.stage,
        'revenue' as stage_basis,
        1 as preference
    from measured
    inner join stages
        on
            (
                stages.revenue_low_cny is null
                or measured.operating_revenue_cny > stages.revenue_low_cny
                or (stages.inclusive_low and measured.operating_revenue_cny = stages.revenue_low_cny)
            )
            and (
                stages.revenue_high_cny is null
                or measured.operating_revenue_cny < stages.revenue_high_cny
                or (stages.inclusive_high and measured.operating_revenue_cny = stages.revenue_high_cny)
            )
    -- A revenue that is not known is in no stage, not in the open-ended one.
    where measured.operating_revenue_cny is not null
),

candidates as (
    select * from by_age
    union all
    select * from by_revenue
),

preferred as (
    select
        uscc,
        stage,
        stage_basis,
        row_number() over (partition by uscc order by preference, stage) as choice
    from candidates
),

staged as (
    select
        measured.*,
        preferred.stage,
        preferred.stage_basis
    from measured
    left join preferred on measured.uscc = preferred.uscc and preferred.choice = 1
)

select * from staged
