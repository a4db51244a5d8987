-- ruleset_indicators: ruleset_id, indicator_code
-- 加权平均的规则集不能用 best_of
-- best_of has no meaning in a weighted mean
from ruleset_indicators semi join weighted_means using (ruleset_id) where best_of is not null
