{%- set carried_columns = [
    'additional_deduction_cny',
    'deductible_rd_cny',
    'income_tax_rate_pct',
    'record_ref',
] -%}
with deductions as (
    {{ landed('tax', 'rd_deductions') }}
),

redirected as (
    select * from {{ ref('int_codes__redirected') }}
    where not is_of_branch
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

known as (
    select
        coalesce(redirected.uscc, deductions.uscc) as uscc,
        {{ record_ref('deductions', ['uscc', 'fiscal_year', 'filed_on']) }} as record_ref,
        deductions.additional_deduction_cny,
        deductions.deductible_rd_cny,
        deductions.income_tax_rate_pct,
        -- As for statements: what a predecessor claimed stands only where the enterprise claimed nothing itself.
        case
            when redirected.uscc is null then deductions.filed_on
            else {{ months_before('deductions.filed_on', '12000') }}
        end as preferred_on
    from deductions
    inner join in_force on deductions.fiscal_year = in_force.reporting_year
    left join redirected on deductions.uscc = redirected.code
    where deductions.filed_on <= in_force.as_of
),

latest as (
    select
        {% for column in carried_columns %}
            {{ latest_value(column, 'preferred_on', 'true') }} as {{ column }},
        {% endfor %}
        uscc
    from known
    group by uscc
)

select * from latest
