-- ruleset_indicators: ruleset_id, indicator_code, best_of
-- best_of 中只有这一个指标：可能拼写不同
-- is the only indicator of its best_of: is the word spelled otherwise in another row?
from ruleset_indicators where best_of is not null
qualify count(*) over (partition by ruleset_id, best_of) = 1
