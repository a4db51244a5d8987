-- subsidy_conditions: ruleset_id, condition
-- 条件重复
-- duplicate row: the condition
select programme_id as ruleset_id, condition from subsidy_conditions group by all having count(*) > 1
