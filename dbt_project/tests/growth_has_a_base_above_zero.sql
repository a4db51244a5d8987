-- Guards: Q10: growth has a value only for a firm that is two years old and has a base above zero.
-- Why: growth from nothing is neither 0 nor infinite; either would give or cost points without a reason.
with innovation as (
    select * from {{ ref('ind_innovation') }}
),

growth as (
    select * from {{ ref('ind_growth') }}
),

talent as (
    select * from {{ ref('ind_talent') }}
),

enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

filings as (
    select * from {{ ref('int_filings__latest') }}
),

headcounts as (
    select * from {{ ref('int_headcounts__december') }}
),

successions as (
    select * from {{ ref('int_successions__of_year') }}
),

bases as (
    select
        enterprises.uscc,
        enterprises.is_young or coalesce(successions.is_first_year, false) as is_young,
        filings.prior_rd_expense_cny + coalesce(successions.prior_rd_expense_cny, 0) as rd_expense_cny,
        filings.prior_operating_revenue_cny + coalesce(successions.prior_operating_revenue_cny, 0) as revenue_cny,
        headcounts.prior_sci_tech_staff + coalesce(successions.prior_sci_tech_staff, 0) as sci_tech_staff
    from enterprises
    left join filings on enterprises.uscc = filings.uscc
    left join headcounts on enterprises.uscc = headcounts.uscc
    left join successions on enterprises.uscc = successions.uscc
),

said_of_nothing as (
    select bases.uscc
    from bases
    inner join innovation on bases.uscc = innovation.uscc
    inner join growth on bases.uscc = growth.uscc
    inner join talent on bases.uscc = talent.uscc
    where
        (innovation.c02_rd_growth_pct is not null and (bases.is_young or coalesce(bases.rd_expense_cny, 0) <= 0))
        or (growth.c10_revenue_growth_pct is not null and (bases.is_young or coalesce(bases.revenue_cny, 0) <= 0))
        or (talent.l05_rd_staff_growth_pct is not null and (bases.is_young or coalesce(bases.sci_tech_staff, 0) <= 0))
)

select * from said_of_nothing
