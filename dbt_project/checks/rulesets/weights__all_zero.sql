-- ruleset_weights: ruleset_id, module, stage
-- 权重全部为 0
-- all weights are 0
from module_weights where weight = 0
