-- ruleset_rules: ruleset_id, indicator_code, stage
-- 没有这个指标或阶段
-- no such indicator or stage
from ruleset_rules as rules
anti join indicator_stages as wanted
    on
        rules.ruleset_id = wanted.ruleset_id and rules.indicator_code = wanted.indicator_code
        and (rules.stage = wanted.stage or rules.stage = '*')
