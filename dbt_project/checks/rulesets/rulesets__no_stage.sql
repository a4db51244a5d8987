-- rulesets: ruleset_id
-- 规则集没有阶段
-- the rule set has no stage
from rulesets anti join ruleset_stages using (ruleset_id)
