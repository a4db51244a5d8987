-- ruleset_conditions: ruleset_id, condition_code
-- 条件代码重复
-- the code of the condition stands twice
select ruleset_id, condition_code from ruleset_conditions group by all having count(*) > 1
