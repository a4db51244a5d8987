-- subsidy_budgets: ruleset_id, policy_year
-- 预算为负或缺失，或方式不在可选值内
-- the budget is below zero or missing, or its mode is none of those that are known
select programme_id as ruleset_id, * from subsidy_budgets
where
    coalesce(budget_cny < 0, true)
    or policy_year is null
    or coalesce(budget_mode, '') not in ('common_factor', 'first_come', 'rate_from_budget')
