-- ruleset_groups: ruleset_id, group_code
-- 组权重须大于 0
-- the weight of a group must be above 0
from ruleset_groups where coalesce(weight, 0) <= 0
