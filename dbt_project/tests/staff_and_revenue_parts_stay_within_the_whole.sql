-- Guards: Q6: shares of staff lie within 0 and 100, and no more high-tech revenue than revenue goes without a flag.
-- Why: a part above its whole is a fault of the source; readers of the figure must see the flag beside it.
with innovation as (
    select * from {{ ref('ind_innovation') }}
),

growth as (
    select * from {{ ref('ind_growth') }}
),

flags as (
    select * from {{ ref('data_flags') }}
    where rule = 'Q6'
),

impossible as (
    select innovation.uscc
    from innovation
    inner join growth on innovation.uscc = growth.uscc
    left join flags on innovation.uscc = flags.uscc
    where
        innovation.c04_sci_tech_staff_share_pct not between 0 and 100
        or growth.c11_postgraduate_share_pct not between 0 and 100
        or (growth.c08_high_tech_revenue_wan_cny > growth.c09_revenue_wan_cny and flags.uscc is null)
)

select * from impossible
