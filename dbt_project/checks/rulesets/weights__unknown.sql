-- ruleset_weights: ruleset_id, indicator_code, stage
-- 没有这个指标或阶段
-- no such indicator or stage
from ruleset_weights as weights
anti join indicator_stages as wanted
    on
        weights.ruleset_id = wanted.ruleset_id and weights.indicator_code = wanted.indicator_code
        and (weights.stage = wanted.stage or weights.stage = '*')
