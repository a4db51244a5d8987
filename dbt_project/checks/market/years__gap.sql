-- working_years: year
-- 不是年份，或与前后年份不连续
-- is no year, or the years before it are not there: the calendar has a gap
select year from working_years
where coalesce(year not between 1900 and 2199, true)
    or year - 1 not in (select year from working_years) and year > (select min(year) from working_years)
