-- working_day_exceptions: day
-- 日期重复
-- duplicate row: the day
select day from working_day_exceptions group by day having count(*) > 1
