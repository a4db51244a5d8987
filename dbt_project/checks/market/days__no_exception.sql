-- working_day_exceptions: day
-- 并非例外：与周一至周五的常规相同，或未说明
-- is no exception: the day is worked or off anyway, or neither is said
from market_days where coalesce(is_working <> is_weekend, true)
