-- pool_terms: ruleset_id
-- 申请代偿前的逾期天数缺失或不合理
-- the days overdue before a claim are missing or out of range
select pool_id as ruleset_id from pool_terms where coalesce(claim_overdue_days not between 1 and 3650, true)
