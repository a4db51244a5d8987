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

filed as (
    select
        coalesce(redirected.uscc, statements.uscc) as uscc,
        statements.fiscal_year,
        statements.filed_on,
        -- An enterprise's own filings take precedence over its predecessor's.
        redirected.uscc is null as is_own,
        statements.operating_revenue_cny
    from statements
    inner join in_force on statements.filed_on <= in_force.as_of
    left join redirected on statements.uscc = redirected.code
),

-- Of a year that was restated the last filing counts; a blank in it is not the figure before.
latest as (
    select
        uscc,
        fiscal_year,
        {{ latest_value('operating_revenue_cny', ['is_own', 'filed_on'], 'true') }} as revenue_cny
    from filed
    group by uscc, fiscal_year
)

select * from latest
