-- working_years: year, working_days, counted
-- 工作日数与逐日推算不符（推算 {counted}）
-- has another number of working days than its days come to ({counted})
with counted as (
    select
        year, working_days,
        list_count(list_filter(
            generate_series(cast(year || '-01-01' as date), cast(year || '-12-31' as date), interval 1 day),
            lambda one: date_diff('day', date '2024-01-01', cast(one as date)) % 7 < 5
        )) + (
            select count(*) filter (where is_working) - count(*) filter (where not is_working)
            from working_day_exceptions where year(day) = year
        ) as counted
    from working_years
    where year between 1900 and 2199
)

from counted where working_days is distinct from counted
