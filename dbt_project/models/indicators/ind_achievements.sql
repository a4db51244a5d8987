-- One row per eligible enterprise and a column for each indicator, which begins with its code: `c15_platforms_count` is C15.
-- From the records of three `int_counted__` models; next: `scoring/measures`.
with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

records as (
    {% for relation in ['int_counted__auxiliary', 'int_counted__platforms', 'int_counted__achievements'] %}
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

counted as (
    select
        uscc,
        {{ counted_sum('C15') }} as recent_platforms,
        {{ counted_sum('C16') }} as awards,
        {{ counted_sum('C17') }} as projects,
        {{ counted_sum('C18') }} as paid_in_wan_cny,
        {{ counted_sum('L06') }} as national_platforms,
        {{ counted_sum('L07') }} as provincial_platforms,
        {{ counted_sum('L08') }} as municipal_platforms,
        {{ counted_sum('L09') }} as stations,
        {{ counted_sum('L10') }} as cooperations,
        {{ counted_sum('L11') }} as inventions,
        {{ counted_sum('L12') }} as high_value_inventions,
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
        enterprises.enterprise_id,
        enterprises.uscc,
        enterprises.reporting_year,
        {{ absent_means('science', 'platforms') }} as no_platform,
        {{ absent_means('science', 'contest_results') }} as no_contest,
        counted.recent_platforms,
        counted.national_platforms,
        counted.provincial_platforms,
        counted.municipal_platforms,
        counted.stations,
        counted.contest_level,
        counted.local_contests,
        coalesce(counted.awards, {{ absent_means('science', 'awards') }}) as awards,
        coalesce(counted.projects, {{ absent_means('science', 'projects') }}) as projects,
        coalesce(counted.paid_in_wan_cny, {{ absent_means('science', 'venture_investments') }}) as paid_in_wan_cny,
        coalesce(counted.cooperations, {{ absent_means('science', 'cooperations') }}) as cooperations,
        coalesce(counted.inventions, {{ absent_means('patent', 'applications') }}) as inventions,
        coalesce(counted.high_value_inventions, {{ absent_means('patent', 'applications') }}) as high_value_inventions,
        coalesce(counted.registrations, {{ absent_means('patent', 'software_and_layouts') }}) as registrations,
        coalesce(counted.standards, {{ absent_means('science', 'standards') }}) as standards,
        coalesce(counted.products, {{ absent_means('science', 'recognised_products') }}) as products,
        coalesce(counted.title_level, {{ absent_means('science', 'titles') }}) as title_level
    from enterprises
    left join counted on enterprises.uscc = counted.uscc
),

measured as (
    select
        enterprise_id,
        uscc,
        reporting_year,
        cast(coalesce(recent_platforms, no_platform) as decimal(20, 6)) as c15_platforms_count,
        cast(awards as decimal(20, 6)) as c16_awards_count,
        cast(projects as decimal(20, 6)) as c17_projects_count,
        cast(paid_in_wan_cny as decimal(20, 6)) as c18_venture_capital_wan_cny,
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
