-- reference_rates: rate, valid_from
-- 缺少首日或末日、末日早于首日，或没有利率
-- no first or last day, the last is before the first, or no rate
from reference_rates where valid_from is null or valid_to is null or valid_to < valid_from or rate_pct is null
