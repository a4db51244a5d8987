with years as (
    select * from {{ ref('working_years') }}
),

exceptions as (
    select * from {{ ref('working_day_exceptions') }}
),

days as (
    select {{ each_day(new_year('min(year)'), "cast(cast(max(year) as varchar) || '-12-31' as date)") }} as day
    from years
),

judged as (
    select
        days.day,
        -- The first day of 2024 was a Monday.
        coalesce(exceptions.is_working, {{ days_between("cast('2024-01-01' as date)", 'days.day') }} % 7 in (0, 1, 2, 3, 4))
            as is_working
    from days
    left join exceptions on days.day = exceptions.day
),

numbered as (
    select
        day,
        is_working,
        cast(sum(case when is_working then 1 else 0 end) over (order by day) as bigint) as working_day_no
    from judged
)

select * from numbered
