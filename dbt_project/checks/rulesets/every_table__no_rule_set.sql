-- {file}: ruleset_id
-- 规则集不存在
-- no such rule set
-- One query for each table that speaks of rule sets.
from (
    select distinct 'ruleset_indicators' as file, ruleset_id from ruleset_indicators
    union all select distinct 'ruleset_weights', ruleset_id from ruleset_weights
    union all select distinct 'ruleset_rules', ruleset_id from ruleset_rules
    union all select distinct 'ruleset_stages', ruleset_id from ruleset_stages
    union all select distinct 'ruleset_groups', ruleset_id from ruleset_groups
    union all select distinct 'ruleset_levels', ruleset_id from ruleset_levels
    union all select distinct 'ruleset_missing', ruleset_id from ruleset_missing
    union all select distinct 'ruleset_conditions', ruleset_id from ruleset_conditions
    union all select distinct 'ruleset_inputs', ruleset_id from ruleset_inputs
)
anti join rulesets using (ruleset_id)
