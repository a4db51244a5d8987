-- ruleset_rules: ruleset_id, indicator_code, stage, lo, hi
-- 份额须在 0 与 1 之间
-- a share is between 0 and 1
from written_rules
where share_at_lo is null or share_at_lo not between 0 and 1 or share_at_end not between 0 and 1
