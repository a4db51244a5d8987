-- ruleset_weights: ruleset_id, indicator_code, stage
-- 加权平均的规则集不能扣分
-- a weighted mean takes no points away
from ruleset_weights semi join weighted_means using (ruleset_id) where deduction > 0
