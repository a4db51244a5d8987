-- pool_uplifts: ruleset_id, uplift
-- 上浮重复
-- duplicate row: the uplift
select agreement_id as ruleset_id, uplift from pool_uplifts group by all having count(*) > 1
