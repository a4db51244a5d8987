-- subsidy_tiers: ruleset_id, tier
-- 与下一档之间有缺口
-- leaves a gap before the next tier
from ordered_tiers
where
    place < tier_count
    and (revenue_high_cny < next_low or (revenue_high_cny = next_low and not inclusive_high and not next_inclusive))
