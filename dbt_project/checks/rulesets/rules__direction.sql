-- ruleset_rules: ruleset_id, indicator_code, for_stage, lo_text, hi_text
-- 与指标方向相反：更好的值得分更少
-- against the direction of the indicator: a better value would give fewer points
from segments
where
    (direction = 'higher_is_better' and (share_at_end < share_at_lo or next_share < share_at_end))
    or (direction = 'lower_is_better' and (share_at_end > share_at_lo or next_share > share_at_end))
