-- pool_sharing: ruleset_id, band
-- 与下一档重叠
-- overlaps the next band
from ordered_bands
where
    place < band_count
    and (
        principal_high_cny is null
        or next_low is null
        or principal_high_cny > next_low
        or (principal_high_cny = next_low and inclusive_high and next_inclusive)
    )
