{{ config(materialized='table') }}

{%- set figures = [
    'record_ref',
    'operating_revenue_cny',
    'rd_expense_cny',
    'net_profit_cny',
    'current_assets_cny',
    'noncurrent_assets_cny',
    'current_liabilities_cny',
    'noncurrent_liabilities_cny',
] -%}
{#- What growth is measured from. -#}
{%- set base_figures = ['record_ref', 'operating_revenue_cny', 'rd_expense_cny'] -%}
-- One row per enterprise: the figures of its latest statement of the reporting year, and as `prior_...` of the year before, as
-- known on the business date. From the landed records of `tax.statements`; next: `indicators/ind_growth` and other models.
with statements as (
    {{ landed('tax', 'statements') }}
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
        coalesce(redirected.uscc, statements.uscc) as uscc,
        in_force.reporting_year - statements.fiscal_year as years_back,
        {{ record_ref('statements', ['uscc', 'fiscal_year', 'filed_on']) }} as record_ref,
        -- An enterprise's own filings take precedence over its predecessor's: those are dated a thousand years back.
        case
            when redirected.uscc is null then statements.filed_on
            else {{ months_before('statements.filed_on', '12000') }}
        end as preferred_on,
        statements.operating_revenue_cny,
        statements.rd_expense_cny,
        statements.net_profit_cny,
        statements.current_assets_cny,
        statements.noncurrent_assets_cny,
        statements.current_liabilities_cny,
        statements.noncurrent_liabilities_cny
    from statements
    cross join in_force
    left join redirected on statements.uscc = redirected.code
    where
        statements.fiscal_year between in_force.reporting_year - 1 and in_force.reporting_year
        -- What was filed after the business date was not known on it.
        and statements.filed_on <= in_force.as_of
),

latest as (
    select
        uscc,
        {% for figure in figures %}
            {{ latest_value(figure, 'preferred_on', 'years_back = 0') }} as {{ figure }},
        {% endfor %}
        {% for figure in base_figures %}
            {{ latest_value(figure, 'preferred_on', 'years_back = 1') }} as prior_{{ figure }},
        {% endfor %}
        max(case when years_back = 0 then 1 else 0 end) = 1 as has_filing,
        max(case when years_back = 1 then 1 else 0 end) = 1 as has_prior_filing
    from known
    group by uscc
)

select * from latest
