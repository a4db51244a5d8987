{{ config(materialized='table') }}

{%- set amounts = [
    'operating_revenue_cny',
    'rd_expense_cny',
    'net_profit_cny',
    'current_assets_cny',
    'noncurrent_assets_cny',
    'current_liabilities_cny',
    'noncurrent_liabilities_cny',
] -%}
{#- What growth is measured from. -#}
{%- set base_amounts = ['operating_revenue_cny', 'rd_expense_cny'] -%}
with statements as (
    select * from {{ ref('stg_tax__statements') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

known as (
    select
        statements.*,
        in_force.reporting_year,
        in_force.reporting_year - 1 as prior_year
    from statements
    cross join in_force
    -- What was filed after the business date was not known on it.
    where statements.filed_on <= in_force.as_of
),

latest as (
    select
        uscc,
        {% for amount in amounts %}
            {{ latest_value(amount, 'filed_on', 'fiscal_year = reporting_year') }} as {{ amount }},
        {% endfor %}
        {% for amount in base_amounts %}
            {{ latest_value(amount, 'filed_on', 'fiscal_year = prior_year') }} as prior_{{ amount }},
        {% endfor %}
        max(case when fiscal_year = reporting_year then 1 else 0 end) = 1 as has_filing,
        max(case when fiscal_year = prior_year then 1 else 0 end) = 1 as has_prior_filing
    from known
    where fiscal_year in (reporting_year, prior_year)
    group by uscc
)

select * from latest
