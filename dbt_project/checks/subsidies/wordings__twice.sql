-- subsidy_wordings: condition
-- 条件说明重复
-- duplicate row: the condition
select condition as ruleset_id, condition from subsidy_wordings group by condition having count(*) > 1
