-- One row per eligible enterprise and a column for each indicator, which begins with its code:
-- `c14_new_graduates_count` is C14. From head counts and the records of `int_counted__talents`; next: `scoring/measures`.
with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

records as (
    select * from {{ ref('int_counted__talents') }}
),

headcounts as (
    select * from {{ ref('int_headcounts__december') }}
),

successions as (
    select * from {{ ref('int_successions__of_year') }}
),

supply as (
    select * from {{ ref('supply') }}
),

counted as (
    select
        uscc,
        {{ counted_sum('L01') }} as leading_talents,
        {{ counted_sum('L02') }} as high_level_talents,
        {{ counted_sum('L03') }} as doctors,
        {{ counted_sum('L04') }} as senior_staff
    from records
    group by uscc
),

joined as (
    select
        enterprises.enterprise_id,
        enterprises.uscc,
        enterprises.reporting_year,
        enterprises.is_young or coalesce(successions.is_first_year, false) as is_young,
        coalesce(counted.leading_talents, {{ absent_means('talent', 'talents') }}) as leading_talents,
        coalesce(counted.high_level_talents, {{ absent_means('talent', 'talents') }}) as high_level_talents,
        coalesce(counted.doctors, {{ absent_means('talent', 'persons') }}) as doctors,
        coalesce(counted.senior_staff, {{ absent_means('talent', 'persons') }}) as senior_staff,
        headcounts.new_graduates,
        headcounts.sci_tech_staff,
        -- Like for like: who was merged into the enterprise in the year is in the year before as well.
        case
            when successions.uscc is null then headcounts.prior_sci_tech_staff
            else headcounts.prior_sci_tech_staff + successions.prior_sci_tech_staff
        end as base_sci_tech_staff
    from enterprises
    left join counted on enterprises.uscc = counted.uscc
    left join headcounts on enterprises.uscc = headcounts.uscc
    left join successions on enterprises.uscc = successions.uscc
),

-- `is_undefined` needs figures that are there: where one is missing, that is the reason.
judged as (
    select
        *,
        is_young or coalesce(sci_tech_staff is not null and base_sci_tech_staff <= 0, false) as l05_is_undefined
    from joined
),

measured as (
    select
        enterprise_id,
        uscc,
        reporting_year,
        cast(new_graduates as decimal(20, 6)) as c14_new_graduates_count,
        cast(leading_talents as decimal(20, 6)) as l01_leading_talents_weighted,
        cast(high_level_talents as decimal(20, 6)) as l02_high_level_talents_count,
        cast(doctors as decimal(20, 6)) as l03_doctors_count,
        cast(senior_staff as decimal(20, 6)) as l04_senior_staff_count,
        {{ ratio(
            'sci_tech_staff - base_sci_tech_staff', 'base_sci_tech_staff', unless='l05_is_undefined', times=100
        ) }} as l05_rd_staff_growth_pct,
        l05_is_undefined
    from judged
)

select * from measured
