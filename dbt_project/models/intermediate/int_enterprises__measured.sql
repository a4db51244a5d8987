-- One row per eligible enterprise: what its stage and its peers depend on. From `int_enterprises__eligibility` and statements;
-- next: `int_enterprises__staged`. `jifen score` makes this table and `measures` itself, of the file of values.
with enterprises as (
    select * from {{ ref('int_enterprises__eligibility') }}
    where is_eligible
),

filings as (
    select * from {{ ref('int_filings__latest') }}
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
        filings.operating_revenue_cny,
        cast(null as varchar) as stated_stage
    from enterprises
    cross join in_force
    left join filings on enterprises.uscc = filings.uscc
)

select * from measured
