-- ruleset_weights: ruleset_id, indicator_code, stage
-- 没有权重，或有 {times} 个权重
-- needs one weight and has {times}
from stage_weights where times <> 1
