-- ruleset_rules: ruleset_id, indicator_code, for_stage, lo_text, hi_text
-- 与下一档重叠
-- overlaps the next segment
from segments where place < segment_count and (hi > next_lo or (hi = next_lo and has_hi and next_has_lo))
