-- One row per eligible enterprise and a column for each indicator, which begins with its code: `c01_rd_expense_wan_cny` is C01.
-- From statements, head counts and the records of `int_counted__innovation`; next: `scoring/measures`.
with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

filings as (
    select * from {{ ref('int_filings__latest') }}
),

successions as (
    select * from {{ ref('int_successions__of_year') }}
),

headcounts as (
    select * from {{ ref('int_headcounts__december') }}
),

scopes as (
    select * from {{ ref('int_scopes__declared') }}
),

records as (
    select * from {{ ref('int_counted__innovation') }}
),

supply as (
    select * from {{ ref('supply') }}
),

declared as (
    select distinct uscc from scopes
),

counted as (
    select
        uscc,
        {{ counted_sum('C05') }} as inventions,
        {{ counted_sum('C06') }} as pct_applications,
        {{ counted_sum('C07') }} as turnover_wan_cny
    from records
    group by uscc
),

joined as (
    select
        enterprises.enterprise_id,
        enterprises.uscc,
        enterprises.reporting_year,
        enterprises.is_young or coalesce(successions.is_first_year, false) as is_young,
        filings.rd_expense_cny,
        -- Like for like: what was merged into the enterprise in the year is in the year before as well.
        case
            when successions.uscc is null then filings.prior_rd_expense_cny
            else filings.prior_rd_expense_cny + successions.prior_rd_expense_cny
        end as base_rd_expense_cny,
        filings.operating_revenue_cny,
        headcounts.sci_tech_staff,
        headcounts.staff_total,
        declared.uscc is not null as has_science_business_scopes_0,
        coalesce(counted.inventions, {{ absent_means('patent', 'applications') }}) as inventions,
        coalesce(counted.pct_applications, {{ absent_means('patent', 'pct_applications') }}) as pct_applications,
        coalesce(counted.turnover_wan_cny, {{ absent_means('science', 'technology_contracts') }}) as turnover_wan_cny
    from enterprises
    left join filings on enterprises.uscc = filings.uscc
    left join successions on enterprises.uscc = successions.uscc
    left join headcounts on enterprises.uscc = headcounts.uscc
    left join declared on enterprises.uscc = declared.uscc
    left join counted on enterprises.uscc = counted.uscc
),

-- `is_undefined` needs figures that are there: where one is missing, that is the reason.
judged as (
    select
        *,
        is_young or coalesce(rd_expense_cny is not null and base_rd_expense_cny <= 0, false) as c02_is_undefined,
        coalesce(rd_expense_cny is not null and operating_revenue_cny <= 0, false) as c03_is_undefined,
        coalesce(sci_tech_staff is not null and staff_total <= 0, false) as c04_is_undefined
    from joined
),

measured as (
    select
        enterprise_id,
        uscc,
        reporting_year,
        {{ to_wan_cny('rd_expense_cny') }} as c01_rd_expense_wan_cny,
        {{ ratio(
            'rd_expense_cny - base_rd_expense_cny', 'base_rd_expense_cny', unless='c02_is_undefined', times=100
        ) }} as c02_rd_growth_pct,
        c02_is_undefined,
        {{ ratio(
            'rd_expense_cny', 'operating_revenue_cny', unless='c03_is_undefined', times=100
        ) }} as c03_rd_intensity_pct,
        c03_is_undefined,
        {{ ratio(
            'sci_tech_staff', 'staff_total', unless='c04_is_undefined', times=100
        ) }} as c04_sci_tech_staff_share_pct,
        c04_is_undefined,
        -- Without a declared main business it is not known which applications are related to it.
        case when has_science_business_scopes_0 then cast(inventions as decimal(20, 6)) end as c05_related_inventions_count,
        case when has_science_business_scopes_0 then cast(pct_applications as decimal(20, 6)) end as c06_related_pct_count,
        cast(turnover_wan_cny as decimal(20, 6)) as c07_contract_turnover_wan_cny,
        has_science_business_scopes_0
    from judged
)

select * from measured
