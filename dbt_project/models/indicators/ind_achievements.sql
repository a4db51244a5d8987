with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

patents as (
    select * from {{ ref('int_patents__held') }}
),

records as (
    select * from {{ ref('int_counted__achievements') }}
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
        {{ counted_sum('L13') }} as registrations,
        {{ counted_sum('L14') }} as standards,
        {{ counted_sum('L15') }} as products,
        -- Of several titles the highest alone.
        max(case when indicator_code = 'L16' then quantity end) as title_level
    from records
    group by uscc
),

joined as (
    select
        enterprises.uscc,
        enterprises.reporting_year,
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
        cast(inventions as decimal(20, 6)) as l11_valid_inventions_count,
        cast(high_value_inventions as decimal(20, 6)) as l12_high_value_inventions_count,
        cast(registrations as decimal(20, 6)) as l13_software_layouts_count,
        cast(standards as decimal(20, 6)) as l14_standards_weighted,
        cast(products as decimal(20, 6)) as l15_recognised_products_count,
        cast(title_level as decimal(20, 6)) as l16_title_level
    from joined
)

select * from measured
