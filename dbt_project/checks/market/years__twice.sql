-- working_years: year
-- 年份重复
-- duplicate row: the year
select year from working_years group by year having count(*) > 1
