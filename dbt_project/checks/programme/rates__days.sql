-- reference_rates: rate, valid_from
-- 缺少首日、末日、名称或出处，末日早于首日，或利率不是百分数（0.1 至 36，3.1 即 3.1%）
-- no first or last day, name or provenance, the last is before the first, or no rate in percent (0.1 to 36; 3.1 is 3.1 %)
from reference_rates
where
    valid_from is null or valid_to is null or valid_to < valid_from or coalesce(rate_pct not between 0 and 36, true)
    or (rate_pct > 0 and rate_pct < 0.1) or rate is null or provenance is null
