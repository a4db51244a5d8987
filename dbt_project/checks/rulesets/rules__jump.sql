-- ruleset_rules: ruleset_id, indicator_code, for_stage, lo_text, hi_text
-- 折线在档界处跳跃
-- the line jumps at the end of the segment
from segments
where function in ('linear_capped', 'log_capped') and place < segment_count and share_at_end <> next_share
