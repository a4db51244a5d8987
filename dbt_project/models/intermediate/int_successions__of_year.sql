with successions as (
    select * from {{ ref('int_enterprises__successions') }}
),

filings as (
    select * from {{ ref('int_filings__latest') }}
),

headcounts as (
    select * from {{ ref('int_headcounts__december') }}
),

in_force as (
    select * from {{ ref('ruleset_in_force') }}
),

of_year as (
    select
        successions.uscc,
        successions.predecessor_uscc,
        -- Who came out of a split, or out of a merger that made a new company, has no year before this one.
        case when successions.kind in ('split', 'new_set_merger') then 1 else 0 end as is_first_year
    from successions
    inner join in_force on successions.effective_on between in_force.year_start_on and in_force.year_end_on
    where successions.kind in ('absorption', 'new_set_merger', 'split')
),

-- Like for like: what was merged into the enterprise in the year belongs to the year before as well. Where a predecessor's
-- figure is not known, neither is the sum.
added as (
    select
        of_year.uscc,
        max(of_year.is_first_year) = 1 as is_first_year,
        case
            when count(*) = count(filings.prior_operating_revenue_cny)
                then cast(sum(filings.prior_operating_revenue_cny) as decimal(20, 2))
        end as prior_operating_revenue_cny,
        case
            when count(*) = count(filings.prior_rd_expense_cny)
                then cast(sum(filings.prior_rd_expense_cny) as decimal(20, 2))
        end as prior_rd_expense_cny,
        case
            when count(*) = count(headcounts.prior_sci_tech_staff)
                then cast(sum(headcounts.prior_sci_tech_staff) as bigint)
        end as prior_sci_tech_staff
    from of_year
    left join filings on of_year.predecessor_uscc = filings.uscc
    left join headcounts on of_year.predecessor_uscc = headcounts.uscc
    group by of_year.uscc
)

select * from added
