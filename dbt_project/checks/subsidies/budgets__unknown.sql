-- subsidy_budgets: ruleset_id, policy_year
-- 没有这个补贴办法
-- no such programme
select programme_id as ruleset_id, * from subsidy_budgets anti join subsidy_programmes using (programme_id)
