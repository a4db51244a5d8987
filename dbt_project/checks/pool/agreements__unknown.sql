-- pool_agreements: ruleset_id, pool_id
-- 没有这个资金池
-- no such pool
select agreement_id as ruleset_id, * from pool_agreements anti join pool_terms using (pool_id)
