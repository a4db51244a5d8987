-- ruleset_rules: ruleset_id, indicator_code, for_stage, lo_text, hi_text
-- 首档须无下限，末档须无上限
-- the first segment is open below and the last above
from segments where (place = 1) <> (lo is null) or (place = segment_count) <> (hi is null)
