-- pool_sharing: ruleset_id, band
-- 与下一档之间有缺口
-- leaves a gap before the next band
from ordered_bands
where
    place < band_count
    and (principal_high_cny < next_low or (principal_high_cny = next_low and not inclusive_high and not next_inclusive))
