-- subsidy_budgets: ruleset_id, policy_year
-- 办法在该年度无效
-- the programme is not in force in that year
select subsidy_budgets.programme_id as ruleset_id, policy_year from subsidy_budgets
inner join subsidy_programmes using (programme_id)
where policy_year < extract(year from valid_from) or policy_year > extract(year from valid_to)
