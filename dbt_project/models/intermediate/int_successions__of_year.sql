-- One row per enterprise that took others over, or was made of others, in the reporting year: what they add to the year before.
-- From `int_successions__followed`, statements and head counts; next: `ind_growth`, `ind_innovation` and `ind_talent`.
with successions as (
    select * from {{ ref('int_successions__followed') }}
),

filings as (
    select * from {{ ref('int_filings__latest') }}
),

headcounts as (
    select * from {{ ref('int_headcounts__december') }}
),

taken_over as (
    select
        successions.uscc,
        successions.is_first_year,
        successions.is_endless,
        successions.is_in_base,
        filings.prior_operating_revenue_cny,
        filings.prior_rd_expense_cny,
        headcounts.prior_sci_tech_staff
    from successions
    left join filings on successions.predecessor_uscc = filings.uscc
    left join headcounts on successions.predecessor_uscc = headcounts.uscc
),

-- Like for like: what was merged into the enterprise in the year belongs to the year before as well. Where a predecessor's
-- figure is not known, or who all of them are, neither is the sum.
added as (
    select
        uscc,
        max(case when is_first_year then 1 else 0 end) = 1 as is_first_year,
        case
            when max(case when is_endless or (is_in_base and prior_operating_revenue_cny is null) then 1 else 0 end) = 0
                then cast(sum(case when is_in_base then prior_operating_revenue_cny end) as decimal(20, 2))
        end as prior_operating_revenue_cny,
        case
            when max(case when is_endless or (is_in_base and prior_rd_expense_cny is null) then 1 else 0 end) = 0
                then cast(sum(case when is_in_base then prior_rd_expense_cny end) as decimal(20, 2))
        end as prior_rd_expense_cny,
        case
            when max(case when is_endless or (is_in_base and prior_sci_tech_staff is null) then 1 else 0 end) = 0
                then cast(sum(case when is_in_base then prior_sci_tech_staff end) as bigint)
        end as prior_sci_tech_staff
    from taken_over
    group by uscc
)

select * from added
