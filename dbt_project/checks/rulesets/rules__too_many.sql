-- ruleset_rules: ruleset_id, indicator_code, for_stage
-- 至多 899 档
-- 899 segments at most
from segments where segment_count > 899
