-- subsidy_tiers: ruleset_id, tier
-- 与下一档重叠
-- overlaps the next tier
from ordered_tiers
where
    place < tier_count
    and (
        revenue_high_cny is null
        or next_low is null
        or revenue_high_cny > next_low
        or (revenue_high_cny = next_low and inclusive_high and next_inclusive)
    )
