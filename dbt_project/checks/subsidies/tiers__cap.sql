-- subsidy_tiers: ruleset_id, tier
-- 贴息上限不在 0 至 36 之间
-- the cap is not within 0 and 36
from ordered_tiers where coalesce(rate_cap_pct not between 0 and 36, true)
