-- ruleset_groups: ruleset_id, group_code
-- 只有 weighted_mean 的规则集才有组
-- only a rule set whose aggregation is weighted_mean has groups
from ruleset_groups anti join weighted_means using (ruleset_id)
