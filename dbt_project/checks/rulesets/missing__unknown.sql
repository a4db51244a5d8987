-- ruleset_missing: ruleset_id, indicator_code, supply_status
-- 没有这种缺失状态，或没有这个指标
-- no such way of being missing, or no such indicator
from (from ruleset_missing anti join ruleset_indicators using (ruleset_id, indicator_code) where indicator_code <> '*')
union all
from ruleset_missing anti join supply_statuses using (supply_status)
