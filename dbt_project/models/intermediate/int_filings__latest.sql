{{ config(materialized='table') }}

{%- set amounts = [
    'operating_revenue_cny',
    'operating_cost_cny',
    'rd_expense_cny',
    'net_profit_cny',
    'current_assets_cny',
    'noncurrent_assets_cny',
    'current_liabilities_cny',
    'noncurrent_liabilities_cny',
] -%}
{#- What growth is measured from. -#}
{%- set base_amounts = ['operating_revenue_cny', 'rd_expense_cny'] -%}
with known as (
    select * from {{ ref('int_filings__known') }}
),

latest as (
    select
        uscc,
        {% for amount in amounts %}
            {{ latest_value(amount, 'preferred_on', 'years_back = 0') }} as {{ amount }},
        {% endfor %}
        {% for amount in base_amounts %}
            {{ latest_value(amount, 'preferred_on', 'years_back = 1') }} as prior_{{ amount }},
        {% endfor %}
        max(case when years_back = 0 then 1 else 0 end) = 1 as has_filing,
        max(case when years_back = 1 then 1 else 0 end) = 1 as has_prior_filing
    from known
    group by uscc
)

select * from latest
