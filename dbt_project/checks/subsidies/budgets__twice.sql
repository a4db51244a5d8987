-- subsidy_budgets: ruleset_id, policy_year
-- 同一年度预算重复
-- the year has two budgets
select programme_id as ruleset_id, policy_year from subsidy_budgets group by all having count(*) > 1
