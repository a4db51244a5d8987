-- ruleset_indicators: ruleset_id, indicator_code, class
-- 指标所属的组不存在
-- the class is none of the groups
from ruleset_indicators as indicators
semi join weighted_means using (ruleset_id)
semi join ruleset_groups using (ruleset_id)
anti join ruleset_groups as held on indicators.ruleset_id = held.ruleset_id and indicators.class = held.group_code
