-- subsidy_conditions: ruleset_id, condition
-- 没有这个补贴办法，或没有这个条件
-- no such programme, or no such condition
select programme_id as ruleset_id, condition from subsidy_conditions anti join subsidy_programmes using (programme_id)
union all
select programme_id as ruleset_id, condition from subsidy_conditions anti join subsidy_wordings using (condition)
