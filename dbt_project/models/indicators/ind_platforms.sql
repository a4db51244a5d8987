with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

records as (
    select * from {{ ref('int_counted__platforms') }}
),

supply as (
    select * from {{ ref('supply') }}
),

counted as (
    select
        uscc,
        {{ counted_sum('L06') }} as national_platforms,
        {{ counted_sum('L07') }} as provincial_platforms,
        {{ counted_sum('L08') }} as municipal_platforms,
        {{ counted_sum('L09') }} as stations,
        {{ counted_sum('L10') }} as cooperations
    from records
    group by uscc
),

joined as (
    select
        enterprises.uscc,
        enterprises.reporting_year,
        {{ absent_means('science', 'platforms') }} as no_platform,
        coalesce(counted.cooperations, {{ absent_means('science', 'cooperations') }}) as cooperations,
        counted.national_platforms,
        counted.provincial_platforms,
        counted.municipal_platforms,
        counted.stations
    from enterprises
    left join counted on enterprises.uscc = counted.uscc
),

measured as (
    select
        uscc,
        reporting_year,
        cast(coalesce(national_platforms, no_platform) as decimal(20, 6)) as l06_national_platforms_count,
        cast(coalesce(provincial_platforms, no_platform) as decimal(20, 6)) as l07_provincial_platforms_count,
        cast(coalesce(municipal_platforms, no_platform) as decimal(20, 6)) as l08_municipal_platforms_count,
        cast(coalesce(stations, no_platform) as decimal(20, 6)) as l09_stations_count,
        cast(cooperations as decimal(20, 6)) as l10_cooperations_count
    from joined
)

select * from measured
