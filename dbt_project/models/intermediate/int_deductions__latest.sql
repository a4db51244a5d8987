with deductions as (
    select * from {{ ref('stg_tax__rd_deductions') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

known as (
    select deductions.*
    from deductions
    inner join in_force on deductions.fiscal_year = in_force.reporting_year
    where deductions.filed_on <= in_force.as_of
),

latest as (
    select
        uscc,
        {{ latest_value('additional_deduction_cny', 'filed_on', 'true') }} as additional_deduction_cny,
        {{ latest_value('income_tax_rate_pct', 'filed_on', 'true') }} as income_tax_rate_pct
    from known
    group by uscc
)

select * from latest
