-- ruleset_rules: ruleset_id, indicator_code, for_stage, lo_text, hi_text
-- 与下一档之间有缺口
-- leaves a gap before the next segment
from segments where place < segment_count and (hi < next_lo or (hi = next_lo and not has_hi and not next_has_lo))
