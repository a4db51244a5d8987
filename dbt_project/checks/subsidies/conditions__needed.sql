-- subsidy_conditions: ruleset_id, condition
-- 缺少必需的条件：没有它不能付款
-- a condition is missing without which nothing may be paid
select programme_id as ruleset_id, condition from (from subsidy_programmes cross join needed_conditions)
anti join subsidy_conditions using (programme_id, condition)
