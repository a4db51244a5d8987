-- ruleset_rules: ruleset_id, indicator_code, stage, lo, hi
-- 无上限或无下限的档须为水平
-- a segment with an open end is flat
from written_rules where (lo is null or hi is null) and share_at_lo <> share_at_end
