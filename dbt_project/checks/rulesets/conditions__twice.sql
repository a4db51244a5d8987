-- ruleset_conditions: ruleset_id, condition_code
-- 条件代码重复
-- duplicate row: the code of the condition
select ruleset_id, condition_code from ruleset_conditions group by all having count(*) > 1
