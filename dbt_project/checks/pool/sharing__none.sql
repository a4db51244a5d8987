-- pool_agreements: ruleset_id
-- 没有分担比例
-- says nothing of how a loss is shared
select agreement_id as ruleset_id from pool_agreements anti join pool_sharing using (agreement_id)
