with torch_reports as (
    select * from {{ ref('stg_science__torch_reports') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

reported as (
    select
        torch_reports.uscc,
        torch_reports.high_tech_product_revenue_cny
    from torch_reports
    inner join in_force on torch_reports.fiscal_year = in_force.reporting_year
    where torch_reports.reported_on is null or torch_reports.reported_on <= in_force.as_of
)

select * from reported
