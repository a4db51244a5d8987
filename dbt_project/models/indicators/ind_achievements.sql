with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

patents as (
    select * from {{ ref('int_patents__held') }}
),

records as (
    {% for relation in ['int_counted__platforms', 'int_counted__achievements', 'int_counted__contests'] %}
        select
            uscc,
            indicator_code,
            quantity
        from {{ ref(relation) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

supply as (
    select * from {{ ref('supply') }}
),

held as (
    select
        uscc,
        count(*) as inventions,
        nullif(count(high_value_basis), 0) as high_value_inventions
    from patents
    group by uscc
),

counted as (
    select
        uscc,
        {{ counted_sum('L06') }} as national_platforms,
        {{ counted_sum('L07') }} as provincial_platforms,
        {{ counted_sum('L08') }} as municipal_platforms,
        {{ counted_sum('L09') }} as stations,
        {{ counted_sum('L10') }} as cooperations,
        {{ counted_sum('L13') }} as registrations,
        {{ counted_sum('L14') }} as standards,
        {{ counted_sum('L15') }} as products,
        -- Of several titles the highest alone, of several places the best.
        max(case when indicator_code = 'L16' then quantity end) as title_level,
        max(case when indicator_code = 'L17' then quantity end) as contest_level,
        {{ counted_sum('L18') }} as local_contests
    from records
    group by uscc
),

joined as (
    select
        enterprises.uscc,
        enterprises.reporting_year,
        {{ absent_means('science', 'platforms') }} as no_platform,
        {{ absent_means('science', 'contest_results') }} as no_contest,
        counted.national_platforms,
        counted.provincial_platforms,
        counted.municipal_platforms,
        counted.stations,
        counted.contest_level,
        counted.local_contests,
        coalesce(counted.cooperations, {{ absent_means('science', 'cooperations') }}) as cooperations,
        coalesce(held.inventions, {{ absent_means('patent', 'applications') }}) as inventions,
        coalesce(held.high_value_inventions, {{ absent_means('patent', 'applications') }}) as high_value_inventions,
        coalesce(counted.registrations, {{ absent_means('patent', 'software_and_layouts') }}) as registrations,
        coalesce(counted.standards, {{ absent_means('science', 'standards') }}) as standards,
        coalesce(counted.products, {{ absent_means('science', 'recognised_products') }}) as products,
        coalesce(counted.title_level, {{ absent_means('science', 'titles') }}) as title_level
    from enterprises
    left join held on enterprises.uscc = held.uscc
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
        cast(cooperations as decimal(20, 6)) as l10_cooperations_count,
        cast(inventions as decimal(20, 6)) as l11_valid_inventions_count,
        cast(high_value_inventions as decimal(20, 6)) as l12_high_value_inventions_count,
        cast(registrations as decimal(20, 6)) as l13_software_layouts_count,
        cast(standards as decimal(20, 6)) as l14_standards_weighted,
        cast(products as decimal(20, 6)) as l15_recognised_products_count,
        cast(title_level as decimal(20, 6)) as l16_title_level,
        cast(coalesce(contest_level, no_contest) as decimal(20, 6)) as l17_contest_level,
        cast(coalesce(local_contests, no_contest) as decimal(20, 6)) as l18_local_contests_weighted
    from joined
)

select * from measured
