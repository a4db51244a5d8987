-- pool_sharing: ruleset_id, band
-- 上下限颠倒或缺少开闭
-- the bounds are reversed, or which of them is included is missing
from ordered_bands
where
    principal_high_cny < principal_low_cny
    or (principal_low_cny is not null and inclusive_low is null)
    or (principal_high_cny is not null and inclusive_high is null)
