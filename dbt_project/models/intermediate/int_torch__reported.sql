{%- set carried_columns = ['high_tech_product_revenue_cny', 'staff_total', 'hnte_rd_expense_cny', 'record_ref'] -%}
with torch_reports as (
    {{ landed('science', 'torch_reports') }}
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
        coalesce(redirected.uscc, torch_reports.uscc) as uscc,
        {{ record_ref('torch_reports', ['uscc', 'fiscal_year']) }} as record_ref,
        torch_reports.high_tech_product_revenue_cny,
        torch_reports.staff_total,
        torch_reports.hnte_rd_expense_cny,
        -- There is one report of an enterprise and year; a predecessor's stands only where there is none of its own.
        case when redirected.uscc is null then 1 else 0 end as preference
    from torch_reports
    inner join in_force on torch_reports.fiscal_year = in_force.reporting_year
    left join redirected on torch_reports.uscc = redirected.code
    where torch_reports.reported_on is null or torch_reports.reported_on <= in_force.as_of
),

reported as (
    select
        {% for column in carried_columns %}
            {{ latest_value(column, 'preference', 'true') }} as {{ column }},
        {% endfor %}
        uscc
    from known
    group by uscc
)

select * from reported
