-- ruleset_rules: ruleset_id, indicator_code, stage, lo, hi
-- 档的上下限颠倒或为空档
-- the segment is empty, or lo is above hi
from written_rules where lo > hi or (lo = hi and not (has_lo and has_hi))
