-- ruleset_levels: ruleset_id, indicator_code, level
-- 没有这个指标，或缺少级别或数量
-- no such indicator, or no level or quantity
from (from ruleset_levels anti join ruleset_indicators using (ruleset_id, indicator_code))
union all
from ruleset_levels where quantity is null or level is null
