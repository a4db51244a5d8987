-- working_day_exceptions: day
-- 该年未列入工作日历
-- its year is not in working_years
from working_day_exceptions where year(day) not in (select year from working_years)
