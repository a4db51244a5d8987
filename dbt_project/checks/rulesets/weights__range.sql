-- ruleset_weights: ruleset_id, indicator_code, stage
-- 权重或扣分须在 0 与 1000000 之间
-- a weight or deduction is between 0 and 1,000,000
from ruleset_weights
where weight is null or weight not between 0 and 1000000 or deduction not between 0 and 1000000
