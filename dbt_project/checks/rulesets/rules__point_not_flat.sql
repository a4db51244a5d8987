-- ruleset_rules: ruleset_id, indicator_code, stage, lo, hi
-- 上下限相同的档须为水平
-- a segment of a single value is flat
from written_rules where lo = hi and share_at_lo <> share_at_end
