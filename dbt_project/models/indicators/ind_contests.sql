with enterprises as (
    select * from {{ ref('int_enterprises__staged') }}
),

records as (
    select * from {{ ref('int_counted__contests') }}
),

supply as (
    select * from {{ ref('supply') }}
),

counted as (
    select
        uscc,
        -- Of several places the best alone.
        max(case when indicator_code = 'L17' then quantity end) as contest_level,
        {{ counted_sum('L18') }} as local_contests
    from records
    group by uscc
),

joined as (
    select
        enterprises.uscc,
        enterprises.reporting_year,
        coalesce(counted.contest_level, {{ absent_means('science', 'contest_results') }}) as contest_level,
        coalesce(counted.local_contests, {{ absent_means('science', 'contest_results') }}) as local_contests
    from enterprises
    left join counted on enterprises.uscc = counted.uscc
),

measured as (
    select
        uscc,
        reporting_year,
        cast(contest_level as decimal(20, 6)) as l17_contest_level,
        cast(local_contests as decimal(20, 6)) as l18_local_contests_weighted
    from joined
)

select * from measured
