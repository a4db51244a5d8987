with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

records as (
    select * from {{ ref('int_counted__leases') }}
),

-- One lease of which the area is not known, and what all of them come to is not known.
counted as (
    select
        uscc,
        case when count(quantity) = count(*) then {{ counted_sum('C20') }} end as leased_area_m2
    from records
    group by uscc
),

measured as (
    select
        enterprises.enterprise_id,
        enterprises.uscc,
        enterprises.reporting_year,
        cast(counted.leased_area_m2 as decimal(20, 6)) as c20_leased_area_m2,
        -- Leases do not cover everybody: who has none is not at zero, there is no record of it.
        counted.uscc is not null as has_land_leases_0
    from enterprises
    left join counted on enterprises.uscc = counted.uscc
)

select * from measured
