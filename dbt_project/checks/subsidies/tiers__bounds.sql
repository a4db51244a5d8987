-- subsidy_tiers: ruleset_id, tier
-- 上下限颠倒或缺少开闭
-- the bounds are reversed, or which of them is included is missing
from ordered_tiers
where
    revenue_high_cny < revenue_low_cny
    or (revenue_high_cny = revenue_low_cny and not (inclusive_low and inclusive_high))
    or (revenue_low_cny is not null and inclusive_low is null)
    or (revenue_high_cny is not null and inclusive_high is null)
