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
        statements.uscc as filed_under,
        statements.fiscal_year,
        in_force.reporting_year - statements.fiscal_year as years_back,
        statements.filed_on,
        -- What the enterprise filed itself goes before what it was before it filed: that is put a thousand years back.
        case
            when redirected.uscc is null then statements.filed_on
            else {{ months_before('statements.filed_on', '12000') }}
        end as preferred_on,
        statements.operating_revenue_cny,
        statements.operating_cost_cny,
        statements.rd_expense_cny,
        statements.net_profit_cny,
        statements.current_assets_cny,
        statements.noncurrent_assets_cny,
        statements.current_liabilities_cny,
        statements.noncurrent_liabilities_cny,
        statements.learned_on,
        statements.raw_sha256,
        statements.raw_position
    from statements
    cross join in_force
    left join redirected on statements.uscc = redirected.code
    where
        statements.fiscal_year between in_force.reporting_year - 1 and in_force.reporting_year
        -- What was filed after the business date was not known on it.
        and statements.filed_on <= in_force.as_of
)

select * from known
