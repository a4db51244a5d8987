-- ruleset_rules: ruleset_id, indicator_code, stage, lo, hi
-- 该函数的档须为水平
-- a segment of this function is flat
from written_rules where function in ('step', 'level_map', 'veto') and share_at_lo <> share_at_end
