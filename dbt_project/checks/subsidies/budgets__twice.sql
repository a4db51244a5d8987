-- subsidy_budgets: ruleset_id, policy_year
-- 同一年度预算重复
-- duplicate row: the year
select programme_id as ruleset_id, policy_year from subsidy_budgets group by all having count(*) > 1
