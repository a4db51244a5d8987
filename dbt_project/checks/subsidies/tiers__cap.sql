-- subsidy_tiers: ruleset_id, tier
-- 没有档名，或贴息上限不是 0 至 36 的百分数（3 即 3%）
-- the tier has no name, or the cap is not in percent within 0 and 36 (3 is 3 %)
from ordered_tiers
where
    coalesce(rate_cap_pct not between 0 and 36, true)
    or (rate_cap_pct > 0 and rate_cap_pct < 0.1) or tier is null
