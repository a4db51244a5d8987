-- working_years: year
-- 与前后年份不连续
-- the years before it are not there: the calendar has a gap
select year from working_years
where year - 1 not in (select year from working_years) and year > (select min(year) from working_years)
