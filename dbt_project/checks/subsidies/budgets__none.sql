-- subsidy_programmes: ruleset_id
-- 首年没有预算
-- has no budget for its first year
select programme_id as ruleset_id from subsidy_programmes
anti join subsidy_budgets
    on
        subsidy_programmes.programme_id = subsidy_budgets.programme_id
        and extract(year from subsidy_programmes.valid_from) = subsidy_budgets.policy_year
