with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

headcounts as (
    select * from {{ ref('int_headcounts__december') }}
),

records as (
    select * from {{ ref('int_counted__auxiliary') }}
),

supply as (
    select * from {{ ref('supply') }}
),

counted as (
    select
        uscc,
        {{ counted_sum('C15') }} as platforms,
        {{ counted_sum('C16') }} as awards,
        {{ counted_sum('C17') }} as projects,
        {{ counted_sum('C18') }} as paid_in_wan_cny
    from records
    group by uscc
),

joined as (
    select
        enterprises.uscc,
        enterprises.reporting_year,
        headcounts.new_graduates,
        coalesce(counted.platforms, {{ absent_means('science', 'platforms') }}) as platforms,
        coalesce(counted.awards, {{ absent_means('science', 'awards') }}) as awards,
        coalesce(counted.projects, {{ absent_means('science', 'projects') }}) as projects,
        coalesce(counted.paid_in_wan_cny, {{ absent_means('science', 'venture_investments') }}) as paid_in_wan_cny
    from enterprises
    left join headcounts on enterprises.uscc = headcounts.uscc
    left join counted on enterprises.uscc = counted.uscc
),

measured as (
    select
        uscc,
        reporting_year,
        cast(new_graduates as decimal(20, 6)) as c14_new_graduates_count,
        cast(platforms as decimal(20, 6)) as c15_platforms_count,
        cast(awards as decimal(20, 6)) as c16_awards_count,
        cast(projects as decimal(20, 6)) as c17_projects_count,
        cast(paid_in_wan_cny as decimal(20, 6)) as c18_venture_capital_wan_cny
    from joined
)

select * from measured
