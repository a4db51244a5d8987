-- One row per eligible enterprise and a column for each indicator, which begins with its code: `c10_revenue_growth_pct` is C10.
-- From statements, Torch reports and head counts of the reporting year and the one before; next: `scoring/measures`.
with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

filings as (
    select * from {{ ref('int_filings__latest') }}
),

successions as (
    select * from {{ ref('int_successions__of_year') }}
),

deductions as (
    select * from {{ ref('int_deductions__latest') }}
),

headcounts as (
    select * from {{ ref('int_headcounts__december') }}
),

torch_reports as (
    select * from {{ ref('int_torch__reported') }}
),

supply as (
    select * from {{ ref('supply') }}
),

joined as (
    select
        enterprises.enterprise_id,
        enterprises.uscc,
        enterprises.reporting_year,
        enterprises.is_young or coalesce(successions.is_first_year, false) as is_young,
        filings.operating_revenue_cny,
        -- Like for like: what was merged into the enterprise in the year is in the year before as well.
        case
            when successions.uscc is null then filings.prior_operating_revenue_cny
            else filings.prior_operating_revenue_cny + successions.prior_operating_revenue_cny
        end as base_revenue_cny,
        filings.net_profit_cny,
        filings.current_assets_cny
        + filings.noncurrent_assets_cny
        - filings.current_liabilities_cny
        - filings.noncurrent_liabilities_cny as net_assets_cny,
        headcounts.master_or_above,
        headcounts.staff_total,
        torch_reports.high_tech_product_revenue_cny,
        coalesce(filings.has_filing, false) as has_tax_statements_0,
        coalesce(filings.has_prior_filing, false) as has_tax_statements_1,
        coalesce(headcounts.has_record, false) as has_talent_headcounts_0,
        coalesce(headcounts.has_prior_record, false) as has_talent_headcounts_1,
        torch_reports.uscc is not null as has_science_torch_reports_0,
        coalesce(
            deductions.additional_deduction_cny * deductions.income_tax_rate_pct,
            case when deductions.uscc is null then {{ absent_means('tax', 'rd_deductions') }} end
        ) as relief_cny_pct
    from enterprises
    left join filings on enterprises.uscc = filings.uscc
    left join successions on enterprises.uscc = successions.uscc
    left join deductions on enterprises.uscc = deductions.uscc
    left join headcounts on enterprises.uscc = headcounts.uscc
    left join torch_reports on enterprises.uscc = torch_reports.uscc
),

-- `is_undefined` needs figures that are there: where one is missing, that is the reason.
judged as (
    select
        *,
        is_young
        or coalesce(operating_revenue_cny is not null and base_revenue_cny <= 0, false) as c10_is_undefined,
        coalesce(master_or_above is not null and staff_total <= 0, false) as c11_is_undefined,
        coalesce(net_profit_cny is not null and net_assets_cny <= 0, false) as c13_is_undefined
    from joined
),

measured as (
    select
        enterprise_id,
        uscc,
        reporting_year,
        {{ to_wan_cny('high_tech_product_revenue_cny') }} as c08_high_tech_revenue_wan_cny,
        {{ to_wan_cny('operating_revenue_cny') }} as c09_revenue_wan_cny,
        {{ ratio(
            'operating_revenue_cny - base_revenue_cny', 'base_revenue_cny', unless='c10_is_undefined', times=100
        ) }} as c10_revenue_growth_pct,
        c10_is_undefined,
        {{ ratio(
            'master_or_above', 'staff_total', unless='c11_is_undefined', times=100
        ) }} as c11_postgraduate_share_pct,
        c11_is_undefined,
        -- The rate is in percent and the result in 万元: one division by 100, one by 10,000, rounded once.
        cast(relief_cny_pct * 0.000001 as decimal(20, 6)) as c12_rd_tax_relief_wan_cny,
        {{ ratio(
            'net_profit_cny', 'net_assets_cny', unless='c13_is_undefined', times=100
        ) }} as c13_return_on_net_assets_pct,
        c13_is_undefined,
        has_tax_statements_0,
        has_tax_statements_1,
        has_talent_headcounts_0,
        has_talent_headcounts_1,
        has_science_torch_reports_0
    from judged
)

select * from measured
